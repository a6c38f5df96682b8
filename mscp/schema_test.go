package mscp

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stricter are the findings that documents may have which the schema takes:
// demands of the draft's text beyond it.
var stricter = map[string]string{
	"exactly one of":                 "4.1, 4.2: what excludes, or needs, another",
	"are both there":                 "4: one end point at most",
	"neither connectionid nor":       "4.2: an end point",
	"beside prepareddialogid":        "4.2: what a prepared dialog has already",
	"prepareddialogid is empty":      "4.2: it identifies a dialog",
	"without an item":                "4.1, 4.2, 5.1: one or more items",
	" twice (section":                "4.1, 4.2: one src, one namelist, one subscribe",
	"video without audiomixing":      "5.1: mixing policies",
	"one of the mixing policies":     "5.1: mixing policies",
	"videomixingvas of":              "5.1: positive",
	"has no reason":                  "4, 5: a reason is mandatory",
	"is no media type":               "4.1: a MIME type",
	"is no number of seconds":        "4.1: max-age and max-stale as in HTTP",
	"is no URI":                      "4.1, 4.8: it identifies something; a transfer's is valid",
	"is not true, false or a URI":    "5.3: a URI identifies something",
	"reason of dialogterminatetrans": "4.9: one value",
	"reason of dialogtransfercomple": "4.10: four values",
	"version \"":                     "3.2: 1.0",
	"mscp is empty":                  "3.2: one of three containers",
}

// laxer are kinds of documents that the schema refuses and the text takes.
var laxer = map[string]string{
	"foreign beside": "3.3: what is foreign is ignored, wherever it stands",
	"foreign in":     "3.3: the same in elements without a wildcard",
}

// TestSchema holds the package against the schema of section 8 as xmllint reads
// it, on generated documents.
func TestSchema(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		if os.Getenv("GOMSCP_REQUIRE_PEERS") != "" {
			t.Fatal("xmllint (libxml2-utils) is not installed")
		}
		t.Skip("xmllint (libxml2-utils) is not installed")
	}
	docs := generated()
	if len(docs) < 2000 {
		t.Errorf("%d documents", len(docs))
	}
	valid := schemaValid(t, xmllint, docs)
	agree := [2]int{}
	used := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		found := Validate([]byte(docs[name]))
		if valid[name] == (found == nil) {
			agree[btoi(found == nil)]++
			continue
		}
		reasons := laxer
		about := name
		if valid[name] {
			reasons, about = stricter, ""
			for _, f := range found {
				about += f.Rule + "\n"
			}
		}
		known := false
		for part := range reasons {
			if strings.Contains(about, part) {
				used[part]++
				known = true
			}
		}
		if !known {
			t.Errorf("%s: by the schema %t\n%s\n%v", name, valid[name], docs[name], found)
		}
	}
	for part := range maps.Keys(stricter) {
		if used[part] == 0 {
			t.Errorf("no document shows that the text is stricter: %s", part)
		}
	}
	t.Logf("%d documents: %d valid and %d invalid for both", len(docs), agree[1], agree[0])
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// schemaValid asks xmllint which documents are valid.
func schemaValid(t *testing.T, xmllint string, docs map[string]string) map[string]bool {
	dir := t.TempDir()
	schema, err := filepath.Abs("testdata/mscp.xsd")
	if err != nil {
		t.Fatal(err)
	}
	args, names := []string{"--noout", "--schema", schema}, slices.Sorted(maps.Keys(docs))
	for i, name := range names {
		file := fmt.Sprintf("%d.xml", i)
		if err := os.WriteFile(filepath.Join(dir, file), []byte(docs[name]), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	c := exec.Command(xmllint, args...)
	c.Dir = dir
	out, _ := c.CombinedOutput() // it fails with the first document that does
	valid := map[string]bool{}
	told := 0
	for line := range bytes.Lines(out) {
		var i int
		text := string(bytes.TrimSpace(line))
		if n, _ := fmt.Sscanf(text, "%d.xml", &i); n == 1 && strings.HasSuffix(text, " validates") {
			valid[names[i]] = true
			told++
		} else if n == 1 && strings.HasSuffix(text, " fails to validate") {
			told++
		}
	}
	if told != len(docs) {
		t.Fatalf("xmllint tells of %d of %d documents:\n%.2000s", told, len(docs), out)
	}
	return valid
}

// values are tried in every attribute.
var values = []string{
	"", " ", "a", " a ", "a b", "true", " true ", "True", "1", "0", "-0", "+5", "-1", "007", " 7 ", "5.5", "99999999999999999999999", "get", "post", "PUT",
	"audio", "video", "audiovideo", "both", "nbest", "manual", "vas", "userdefined", "10s", "+.5ms", " 1s", "1m", "a.b", "a-b", "http://a/", "http://a/b c",
	"http://[a", "%zz", "é", "application/x", "busy", "near_end_disconnect", "1.0",
}

// generated are documents by their names: each element of the draft with each
// attribute left out, and with every value in it; with every child, and what
// must not stand there; in every container.
func generated() map[string]string {
	docs := map[string]string{}
	for name, create := range draftElements {
		s := create().shape()
		base := map[string]string{}
		for _, a := range s.attrs {
			if a.required {
				base[a.name] = map[string]string{"name": "e", "uri": "sip:a", "maxtime": "0s", "connecttimeout": "1s", "reason": "busy"}[a.name]
			}
		}
		switch name {
		case "dialogprepare":
			base["src"] = "s"
		case "dialogstart":
			base["src"], base["connectionid"] = "s", "c"
		case "dialogstarted", "errordialognotstarted":
			base["connectionid"] = "c"
		case "dialogterminatetransfer":
			base["reason"] = "near_end_disconnect"
		}
		add := func(what string, attrs map[string]string, inside, kind string) {
			docs[name+": "+what] = open + "<" + kind + ">" + elementText(name, attrs, inside) + "</" + kind + ">" + closing
		}
		kind := s.kind.String()
		add("base", base, "", kind)
		with := func(attr, value string) map[string]string {
			m := maps.Clone(base)
			m[attr] = value
			return m
		}
		for _, a := range s.attrs {
			without := maps.Clone(base)
			delete(without, a.name)
			add("without "+a.name, without, "", kind)
			for _, v := range values {
				add(a.name+"="+v, with(a.name, v), "", kind)
			}
		}
		add("unknown attribute", with("unknown", "x"), "", kind)
		add("foreign attribute", with("v:a", "x"), "", kind)
		for _, k := range []string{"request", "response", "notification"} {
			add("in a "+k, base, "", k)
		}
		for what, inside := range map[string]string{
			"namelist": `<namelist><item name="a" value="b"/></namelist>`, "subscribe": `<subscribe><item name="a" value="b"/></subscribe>`,
			"stream": `<stream type="audio" direction="both"/>`, "src element": `<src><v:s/></src>`,
			"empty namelist": `<namelist/>`, "empty subscribe": `<subscribe/>`, "two namelists": strings.Repeat(`<namelist><item name="a" value="b"/></namelist>`, 2),
			"item without name": `<namelist><item value="b"/></namelist>`, "item without value": `<subscribe><item name="b"/></subscribe>`,
			"item": `<item name="a" value="b"/>`, "item in stream": `<stream type="audio" direction="both"><item name="a" value="b"/></stream>`,
			"foreign in stream": `<stream type="audio" direction="both"><v:x/></stream>`, "stream without type": `<stream direction="both"/>`,
			"stream without direction": `<stream type="audio"/>`, "stream media": `<stream media="audio" direction="both"/>`,
			"stream up": `<stream type="audio" direction="up"/>`, "stream blanks": `<stream type=" audio " direction="both "/>`, "two streams": strings.Repeat(`<stream type="audio" direction="both"/>`, 2),
			"empty src": `<src/>`, "src of ours": `<src><join id1="a" id2="b"/></src>`, "src of two": `<src><v:a/><v:b/></src>`, "text in src": `<src>a</src>`,
			"text": "text", "a child that is foreign": `<v:x/>`, "unknown child": `<unknown/>`, "text in namelist": `<namelist>a<item name="a" value="b"/></namelist>`,
			"text in item": `<namelist><item name="a" value="b">x</item></namelist>`, "foreign in subscribe": `<subscribe><item name="a" value="b"/><v:x/></subscribe>`,
			"unknown in namelist": `<namelist><item name="a" value="b"/><join/></namelist>`, "attribute of namelist": `<namelist a="b"><item name="a" value="b"/></namelist>`,
			"foreign in item": `<namelist><item name="a" value="b"><v:x/></item></namelist>`, "attribute of item": `<namelist><item name="a" value="b" c="d"/></namelist>`,
		} {
			if name == "errorconferencecreate" && what == "a child that is foreign" {
				what = "foreign in it"
			}
			add(what, base, inside, kind)
		}
		two := elementText(name, base, "")
		docs[name+": twice"] = open + "<" + kind + ">" + two + two + "</" + kind + ">" + closing
		docs[name+": foreign beside"] = open + "<" + kind + ">" + two + "<v:x xmlns:v='urn:v'/></" + kind + ">" + closing
		docs[name+": text beside"] = open + "<" + kind + ">" + two + "x</" + kind + ">" + closing
		docs[name+": bare in mscp"] = open + two + closing
		for i, id := range []string{"r1", " r1 ", "", "1", "a b", "a:b", "_.-", "é"} {
			docs[fmt.Sprintf("%s: id %d", name, i)] = open + "<" + kind + " id='" + id + "'>" + two + "</" + kind + ">" + closing
		}
	}
	prepared := `<request><dialogstart prepareddialogid="d"`
	for what, doc := range map[string]string{
		"no container": open + closing, "version": `<mscp version="2.0" xmlns="urn:ietf:mscp"><request><createconference/></request></mscp>`,
		"no version":    `<mscp xmlns="urn:ietf:mscp"><request><createconference/></request></mscp>`,
		"two":           open + "<request><createconference/></request><request><createconference/></request>" + closing,
		"empty request": open + "<request/>" + closing, "empty response": open + "<response/>" + closing, "text response": open + "<response>x</response>" + closing,
		"prepared": open + prepared + "/></request>" + closing, "prepared and src": open + prepared + ` src="s"/></request>` + closing,
		"prepared with an empty namelist": open + prepared + `><namelist/></dialogstart></request>` + closing,
		"video":                           open + `<request><createconference reservedmedia="video"/></request>` + closing,
		"video manual":                    open + `<request><createconference reservedmedia="video" audiomixingpolicy="manual"/></request>` + closing,
		"two end points":                  open + `<response><errordialogwrongstate dialogid="d" connectionid="c" conferenceid="e" reason="r"/></response>` + closing,
		"no end point":                    open + `<request><dialogstart src="s"/></request>` + closing,
		"two srcs":                        open + `<request><dialogprepare><src><v:a xmlns:v="urn:v"/></src><src><v:a xmlns:v="urn:v"/></src></dialogprepare></request>` + closing,
		"only foreign":                    open + `<v:x xmlns:v="urn:v"/>` + closing,
	} {
		docs["document: "+what] = doc
	}
	return docs
}

func elementText(name string, attrs map[string]string, inside string) string {
	var b bytes.Buffer
	b.WriteString("<" + name + ` xmlns:v="urn:v"`)
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		writeAttr(&b, k, attrs[k])
	}
	b.WriteString(">" + inside + "</" + name + ">")
	return b.String()
}
