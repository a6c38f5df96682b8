package mscp

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/beevik/etree"
)

// TestExamples holds every example of the draft and of the paper, and some bad
// documents, to what EXPECTED says: accepted strictly; accepted leniently with
// findings; or refused with findings.
func TestExamples(t *testing.T) {
	dir := filepath.Join("testdata", "examples")
	list, err := os.ReadFile(filepath.Join(dir, "EXPECTED"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		file, expected, _ := strings.Cut(strings.TrimSpace(line), " ")
		t.Run(file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			grade, findings, _ := strings.Cut(expected, ": ")
			checkExample(t, b, grade, strings.Split(findings, " | "))
		})
	}
}

func checkExample(t *testing.T, b []byte, grade string, findings []string) {
	doc, lenient := ParseWith(b, Options{KeepForeign: true})
	if (lenient == nil) != (grade != "refused") {
		t.Errorf("lenient reading: %v", lenient)
	}
	_, strict := ParseWith(b, Options{Strict: true})
	if (strict == nil) != (grade == "strict") {
		t.Errorf("strict reading: %v", strict)
	}
	var all string
	for _, f := range Validate(b) {
		all += f.String() + "\n"
	}
	if (all == "") != (grade == "strict") {
		t.Errorf("findings:\n%s", all)
	}
	for _, f := range findings {
		if !strings.Contains(all, f) {
			t.Errorf("no finding %q in:\n%s", f, all)
		}
	}
	if doc == nil {
		return
	}
	out := doc.Encode(Draft)
	again, err := ParseWith(out, Options{KeepForeign: true})
	if err != nil || !reflect.DeepEqual(doc, again) {
		t.Errorf("became %s: %+v, %+v, %v", out, doc, again, err)
	}
	if grade == "strict" {
		if _, err := ParseWith(out, Options{Strict: true}); err != nil {
			t.Errorf("written again it is not strict: %v\n%s", err, out)
		}
	}
}

// TestFindingsHavePlaces checks line and column of a finding.
func TestFindingsHavePlaces(t *testing.T) {
	doc := open + "<request>\n  <join id1='a'\n id2='b' dtmfclamp='x'/>\n</request>" + closing
	var invalid *ValidationError
	if _, err := ParseWith([]byte(doc), Options{Strict: true}); !errors.As(err, &invalid) || len(invalid.Findings) != 1 {
		t.Fatalf("got %v", err)
	}
	if f := invalid.Findings[0]; f.Line != 2 || f.Col != 3 || !f.Fatal {
		t.Errorf("got %+v", f)
	}
}

// TestForeign checks what becomes of other namespaces' attributes and elements,
// wherever they may stand.
func TestForeign(t *testing.T) {
	const in = `<mscp version="1.0" xmlns="urn:ietf:mscp" xmlns:v="urn:v" xmlns:w="urn:w" v:on="mscp"><v:in-mscp/><request v:tag="t"><v:before/>` +
		`<dialogstart connectionid="c" src="http://a/" w:x="y"><stream type="audio" direction="both" v:on="stream"><v:in-stream/></stream>` +
		`<namelist v:on="namelist"><item name="n" value="v" v:on="item"><v:in-item><w:l/></v:in-item></item><v:in-namelist/></namelist>` +
		`<subscribe v:on="subscribe"><item name="n" value="v"/></subscribe><v:k><w:l/></v:k></dialogstart></request><v:after/></mscp>`
	dropped, err := ParseDocument([]byte(in))
	plain := &DialogStart{ConnectionID: "c", Src: "http://a/", Streams: []Stream{{Type: "audio", Direction: "both"}},
		Namelist: []Item{{Name: "n", Value: "v"}}, Subscribe: []Item{{Name: "n", Value: "v"}}}
	if err != nil || !reflect.DeepEqual(dropped, &Document{Kind: Request, Element: plain}) {
		t.Errorf("dropped: %+v %+v, %v", dropped, dropped.Element, err)
	}
	on := func(what string) []ForeignAttr { return []ForeignAttr{{"urn:v", "on", what}} }
	empty := func(name string) []*etree.Element {
		return []*etree.Element{xmlOf("<v:" + name + ` xmlns:v="urn:v"/>`)}
	}
	kept, err := ParseWith([]byte(in), Options{KeepForeign: true, Strict: true})
	want := &Document{Kind: Request,
		Root:    Foreign{Attrs: on("mscp"), Elements: append(empty("in-mscp"), empty("after")...)},
		Foreign: Foreign{Attrs: []ForeignAttr{{"urn:v", "tag", "t"}}, Elements: empty("before")},
		Element: &DialogStart{ConnectionID: "c", Src: "http://a/",
			Streams: []Stream{{Type: "audio", Direction: "both", Foreign: Foreign{Attrs: on("stream"), Elements: empty("in-stream")}}},
			Namelist: []Item{{Name: "n", Value: "v", Foreign: Foreign{Attrs: on("item"),
				Elements: []*etree.Element{xmlOf(`<v:in-item xmlns:w="urn:w" xmlns:v="urn:v"><w:l/></v:in-item>`)}}}},
			Subscribe: []Item{{Name: "n", Value: "v"}},
			Foreign: Foreign{
				Attrs:    []ForeignAttr{{"urn:w", "x", "y"}},
				Elements: []*etree.Element{xmlOf(`<v:k xmlns:w="urn:w" xmlns:v="urn:v"><w:l/></v:k>`)},
				Inside: map[string]Foreign{
					"namelist":  {Attrs: on("namelist"), Elements: empty("in-namelist")},
					"subscribe": {Attrs: on("subscribe")},
				},
			},
		},
	}
	if err != nil || !reflect.DeepEqual(kept, want) {
		t.Errorf("kept: %+v\n%+v, %v", kept, kept.Element, err)
	}
	if again, err := ParseWith(kept.Encode(Draft), Options{KeepForeign: true, Strict: true}); err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("written: %s, %v", kept.Encode(Draft), err)
	}
}

func TestDefaultsAndDurations(t *testing.T) {
	j, c, p := &Join{EnterTone: "false"}, &CreateConference{}, &DialogStart{PreparedDialogID: "x"}
	for _, e := range []Element{j, c, p, &SendMsg{}} {
		SetDefaults(e)
	}
	if j.EnterTone != "false" || j.ExitTone != "true" || j.MediaPreferred != "false" || c.VideoMixingVAS != "3" || p.Method != "" {
		t.Errorf("%+v %+v %+v", j, c, p)
	}
	for s, want := range map[string]string{"0s": "0s", "+1.5s": "1.5s", ".5s": "500ms", "20ms": "20ms", "-1s": "", "1m": "", "": "", "1.s": ""} {
		d, err := ParseDuration(s)
		if (err != nil) != (want == "") || err == nil && d.String() != want {
			t.Errorf("%q is %v, %v", s, d, err)
		}
	}
}

// TestRefuse checks that each refusal is what the draft demands.
func TestRefuse(t *testing.T) {
	for _, req := range []Element{
		&DialogPrepare{Src: "a"}, &DialogStart{Src: "a", ConnectionID: "c"}, &CreateConference{},
		&DestroyConference{ConferenceID: "x"}, &Join{ID1: "1", ID2: "2"}, &Unjoin{ID1: "1", ID2: "2"},
		&RestoreMsg{"a", "b", "c", "", ""}, &SendMsg{"a", "b", "c"},
	} {
		doc := Document{Kind: Response, Element: Refuse(req, "not here")}
		if found := Validate(doc.Encode(Draft)); len(found) > 0 {
			t.Errorf("%s: %v", Name(req), found)
		}
	}
	if e := Refuse(&MsgSended{}, "x"); e != nil {
		t.Errorf("a response was refused with %s", Name(e))
	}
}

// hostileMemory is what reading any document of MaxBody may allocate, all
// counted: a node takes more than the 4 bytes of <a/>, MaxElements of them.
const hostileMemory = 8 << 20

// allocated is how many bytes f allocates, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHostileDocuments checks that each bomb meets its limit in little memory.
func TestHostileDocuments(t *testing.T) {
	many := func(format string, n int) string { return strings.Repeat(format, n) }
	for name, tc := range map[string]struct{ doc, want string }{
		"billion laughs":          {`<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>` + open + `<request>&b;</request>` + closing, "DOCTYPE"},
		"external entity":         {`<!DOCTYPE l SYSTEM "file:///etc/passwd">` + open + closing, "DOCTYPE"},
		"depth 10,000":            {open + "<request>" + many("<a>", 10_000) + many("</a>", 10_000) + "</request>" + closing, "nested deeper"},
		"100 MB attribute":        {open + `<request id="` + many("x", 100<<20) + `"/>` + closing, "longer than"},
		"many attributes":         {open + `<request` + many(` a=""`, MaxAttrs+1) + `/>` + closing, "attributes"},
		"namespaces":              {open + many(`<a xmlns:a="b" xmlns:b="b" xmlns:c="c" xmlns:d="d" xmlns:e="e">`, 60), "namespace declarations"},
		"unbound prefix":          {open + `<request><v:x/></request>` + closing, "not declared"},
		"attribute twice":         {open + `<request xmlns:a="u" xmlns:b="u" a:x="" b:x=""/>` + closing, "twice"},
		"UTF-16":                  {"\xfe\xff\x00<\x00m", "not UTF-8"},
		"Latin-1":                 {`<?xml version="1.0" encoding="ISO-8859-1"?>` + open + closing, "not UTF-8"},
		"overlong UTF-8":          {open + "<request id='\xc0\xaf'/>" + closing, "not UTF-8"},
		"NUL":                     {open + "<request id='\x00'/>" + closing, "not well-formed"},
		"many texts":              {open + "<request>" + many("x<!---->", MaxBody/8-20) + "</request>" + closing, "is empty"},
		"many references":         {open + "<response>" + many("&lt;", MaxBody/4-40) + "<join/><join/></response>" + closing, "join has no id1"},
		"long names":              {open + many("<"+many("a", 10_000)+">", 100), "nested deeper"},
		"many namespaces":         {open + "<request>" + many(`<a xmlns:a="b" xmlns:c="d"/>`, MaxElements) + "</request>" + closing, "more than 10000 elements"},
		"many attributes on many": {open + "<request>" + many("<a"+many(` a=""`, 1)+`/>`, MaxElements) + "</request>" + closing, "more than 10000 elements"},
		"findings":                {open + "<request><join id1='a' id2='b'" + many(" ", 10) + ">" + many("<src/>", 5000) + "</join></request>" + closing, "src in join"},
	} {
		t.Run(name, func(t *testing.T) {
			b := []byte(tc.doc)
			var err error
			n := allocated(func() { _, err = ParseDocument(b) })
			if n > hostileMemory {
				t.Errorf("took %d bytes of memory", n)
			}
			var parse *ParseError
			if !errors.As(err, &parse) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %.200v", err)
			}
			if found := Validate(b); len(found) == 0 || len(found) > MaxFindings {
				t.Errorf("%d findings", len(found))
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	doc := []byte(open + `<request><RestoreMsg xmlns="urn:x-mscp:offline-message:1" from-uri="sip:alice@example.com" to-uri="sip:bob@example.com" connection-id="a84b4c71@10.0.0.2;1923;1134"/></request>` + closing)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseDocument(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	doc := &Document{Kind: Request, Element: &RestoreMsg{"sip:alice@example.com", "sip:bob@example.com", "a84b4c71@10.0.0.2;1923;1134", "", ""}}
	b.ReportAllocs()
	for b.Loop() {
		_ = doc.Encode(Draft)
	}
}
