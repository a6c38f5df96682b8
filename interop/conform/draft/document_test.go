package draft

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// values are one value that is right by the name of an attribute whose type is narrow.
var values = map[string]string{
	"id": "a1", "version": "1.0", "immediate": "true", "method": "get", "mediapreferred": "true", "autoinputgain": "false", "autooutputgain": "false",
	"dtmfclamp": "true", "toneclamp": "true", "reservedtalkers": "5", "reservedlisteners": "+3", "reservedmedia": "audio", "audiomixingpolicy": "nbest",
	"audiomixingnbest": "0", "activespeakernotification": "0", "videomixingpolicy": "vas", "videomixingvas": "3", "maxtime": "0s", "connecttimeout": "2.5s",
	"direction": "both", "name": "my.event", "dialogterminatetransfer/reason": "near_end_disconnect", "dialogtransfercomplete/reason": "busy", "stream/type": "audio",
}

// narrow are the attributes of which some values are wrong.
func narrow(element, name string) bool {
	if name == "name" {
		return element != "item"
	}
	if element == "src" || name == "src" || name == "type" && element != "stream" {
		return false
	}
	_, ok := values[name]
	_, own := values[element+"/"+name]
	return ok || own
}

func value(element, name string) string {
	if v, ok := values[element+"/"+name]; ok {
		return v
	}
	if v, ok := values[name]; ok {
		return v
	}
	return "x"
}

// build writes an element with what it must have, and with changed in place of one
// attribute: name=value, or -name for none.
func build(name, change, inside string) string {
	var b strings.Builder
	for _, a := range sorted(schema[name].attributes) {
		if schema[name].attributes[a].required && "-"+a != change && !strings.HasPrefix(change, a+"=") {
			fmt.Fprintf(&b, " %s=%q", a, value(name, a))
		}
	}
	switch {
	case name == "dialogprepare" && !strings.HasPrefix(change, "src="):
		b.WriteString(` src="http://example.com/"`)
	case name == "dialogstart":
		if !strings.HasPrefix(change, "prepareddialogid=") && !strings.HasPrefix(change, "src=") && !strings.HasPrefix(inside, "<src") {
			b.WriteString(` src="http://example.com/"`)
		}
		if !strings.HasPrefix(change, "conn") && !strings.HasPrefix(change, "conf") {
			b.WriteString(` connectionid="c"`)
		}
	case name == "dialogstarted" && !strings.HasPrefix(change, "conn") && !strings.HasPrefix(change, "conf"):
		b.WriteString(` connectionid="c"`)
	}
	if a, v, ok := strings.Cut(change, "="); ok {
		fmt.Fprintf(&b, " %s=%q", a, v)
	}
	return fmt.Sprintf("<%s%s>%s</%[1]s>", name, b.String(), inside)
}

// container is where an element may be.
func container(name string) string {
	for _, c := range []string{"request", "response", "notification"} {
		if slices.Contains(strings.Fields(schema[c].content.elements), name) {
			return c
		}
	}
	return ""
}

func in(container, element string) *Doc {
	return Document(fmt.Appendf(nil, `<mscp version="1.0" xmlns="urn:ietf:mscp" xmlns:v="urn:v"><%s>%s</%[1]s></mscp>`, container, element))
}

// TestSchema makes, for each element and attribute of the table, documents that are right
// and documents that break one rule.
func TestSchema(t *testing.T) {
	n := 0
	good := func(d *Doc, what string) {
		n++
		t.Helper()
		if len(d.Findings) > 0 {
			t.Errorf("%s: %v", what, d.Findings)
		}
	}
	bad := func(d *Doc, what string) {
		n++
		t.Helper()
		if len(d.Findings) != 1 {
			t.Errorf("%s: findings %v, not one", what, d.Findings)
		}
	}
	for name, decl := range schema {
		c := container(name)
		if c == "" {
			continue // tested within others
		}
		good(in(c, build(name, "", "")), name)
		good(in(c, build(name, "v:other=1", "")), name+" with a foreign attribute")
		bad(in(c, build(name, "other=1", "")), name+" with an unknown attribute")
		bad(in(c, build(name, "", "text")), name+" with text")
		bad(in(c, build(name, "", "<item name='a' value='b'/>")), name+" with an item")
		if decl.content.foreign {
			good(in(c, build(name, "", "<v:a><b xmlns='urn:w'>text</b></v:a>")), name+" with a foreign element")
		}
		for a, is := range decl.attributes {
			if is.required {
				bad(in(c, build(name, "-"+a, "")), name+" without "+a)
			}
			if a != "prepareddialogid" {
				good(in(c, build(name, a+"="+value(name, a), "")), name+" with "+a)
			}
			if narrow(name, a) {
				bad(in(c, build(name, a+"=no such/value", "")), name+" with a wrong "+a)
			}
		}
		for _, other := range []string{"request", "response", "notification"} {
			if other != c {
				bad(in(other, build(name, "", "")), name+" in "+other)
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d documents were made", n)
	}
}

// TestDocuments has what the table of TestSchema does not reach.
func TestDocuments(t *testing.T) {
	const head = `<mscp version="1.0" xmlns="urn:ietf:mscp">`
	request := func(s string) string { return head + "<request>" + s + "</request></mscp>" }
	const unjoin = `<unjoin id1="a" id2="b"/>`
	for name, c := range map[string]struct {
		doc  string
		good bool
	}{
		"prefixes":                {`<?xml version="1.0" encoding="UTF-8"?><!-- a --><m:mscp version='1.0' xmlns:m='urn:ietf:mscp'><m:request id="r1"><m:unjoin id1="&lt;" id2="&#x4F1A;"/></m:request></m:mscp><!-- b -->`, true},
		"blanks in strings":       {request(`<unjoin id1=" a" id2=""/>`), true},
		"blanks that collapse":    {request(`<join id1="a" id2="b" dtmfclamp=" true "><stream type="audio" direction=" both"/></join>`), true},
		"a long number":           {request(`<createconference reservedtalkers="+00012345678901234567890123"/>`), true},
		"blanks in a URI":         {request(`<dialogprepare src="http://a/my prompt.vxml"/>`), true},
		"a document":              {request(`<dialogprepare><src><vxml xmlns="http://www.w3.org/2001/vxml"/></src></dialogprepare>`), true},
		"items":                   {request(`<dialogprepare src="a"><namelist><item name="a" value=""/></namelist><subscribe><item name="dtmf" value="1"/></subscribe></dialogprepare>`), true},
		"a foreign request":       {request(`<a xmlns="urn:v"><b/></a>`), true},
		"RestoreMsg":              {request(`<RestoreMsg xmlns="urn:x-mscp:offline-message:1" from-uri="a" to-uri="b" connection-id="c"/>`), true},
		"prepared":                {request(`<dialogstart prepareddialogid="d"><v:a xmlns:v="urn:v"/></dialogstart>`), true}, // the rest is inherited
		"media=":                  {request(`<join id1="a" id2="b"><stream media="audio" direction="both"/></join>`), false},
		"a negative number":       {request(`<createconference reservedtalkers="-1"/>`), false},
		"PUT":                     {request(`<dialogprepare src="a" method="put"/>`), false},
		"a blank direction":       {request(`<join id1="a" id2="b"><stream type="audio" direction=""/></join>`), false},
		"two fragments":           {request(`<dialogprepare src="http://a/#b#c"/>`), false},
		"half an escape":          {request(`<dialogprepare src="http://a/%4"/>`), false},
		"both sources":            {request(`<dialogprepare src="a"><src><a xmlns="urn:v"/></src></dialogprepare>`), false},
		"an empty src":            {request(`<dialogprepare><src/></dialogprepare>`), false},
		"two documents":           {request(`<dialogprepare><src><a xmlns="urn:v"/><a xmlns="urn:v"/></src></dialogprepare>`), false},
		"no item":                 {request(`<dialogprepare src="a"><namelist/></dialogprepare>`), false},
		"both ends":               {request(`<dialogstart src="a" connectionid="a" conferenceid="b"/>`), false},
		"prepared with method":    {request(`<dialogstart prepareddialogid="a" connectionid="a" method="get"/>`), false},
		"prepared with list":      {request(`<dialogstart prepareddialogid="a" connectionid="a"><namelist><item name="a" value="b"/></namelist></dialogstart>`), false},
		"manual video alone":      {request(`<createconference reservedmedia="video" audiomixingpolicy="nbest" videomixingpolicy="manual"/>`), false},
		"no audio policy":         {request(`<createconference reservedmedia="audiovideo"/>`), false},
		"two requests":            {head + "<request>" + unjoin + "</request><request>" + unjoin + "</request></mscp>", false},
		"an empty request":        {request(""), false},
		"two in one":              {request(unjoin + unjoin), false},
		"text":                    {request("text" + unjoin), false},
		"another version":         {strings.Replace(request(unjoin), "1.0", "1.1", 1), false},
		"no namespace":            {strings.Replace(request(unjoin), ` xmlns="urn:ietf:mscp"`, "", 1), false},
		"another namespace":       {strings.Replace(request(unjoin), "urn:ietf:mscp", "urn:ietf:mscp2", 1), false},
		"a number as id":          {head + `<request id="1">` + unjoin + "</request></mscp>", false},
		"a notification's id":     {head + `<notification id="a"><dialogterminate dialogid="a"/></notification></mscp>`, false},
		"a foreign container":     {head + `<a xmlns="urn:v"/></mscp>`, false},
		"an element of none":      {request(`<join id1="a" id2="b"><a xmlns=""/></join>`), false},
		"an attribute of MSCP's":  {request(`<unjoin id1="a" id2="b" m:id1="c" xmlns:m="urn:ietf:mscp"/>`), false},
		"an error with no reason": {head + `<response><errorconferencejoin id1="a" id2="b" reason=" "/></response></mscp>`, false},
		"MsgNotRestored":          {head + `<response><MsgNotRestored xmlns="urn:x-mscp:offline-message:1" from-uri="a" to-uri="b" connection-id="c"/></response></mscp>`, false},
		"RestoreMsg back":         {head + `<response><RestoreMsg xmlns="urn:x-mscp:offline-message:1" from-uri="a" to-uri="b" connection-id="c"/></response></mscp>`, false},
		"no end":                  {head + "<request>" + unjoin, false},
		"crossed ends":            {head + "<request>" + unjoin + "</mscp></request>", false},
		"twice the attribute":     {request(`<unjoin id1="a" id1="a" id2="b"/>`), false},
		"twice by prefixes":       {request(`<unjoin id1="a" id2="b" v:a="1" w:a="2" xmlns:v="urn:v" xmlns:w="urn:v"/>`), false},
		"no prefix":               {request(`<unjoin id1="a" id2="b" v:a="1"/>`), false},
		"two roots":               {request(unjoin) + request(unjoin), false},
		"text behind":             {request(unjoin) + "text", false},
		"no blank":                {request(`<unjoin id1="a"id2="b"/>`), false},
		"an entity":               {request(`<unjoin id1="&a;" id2="b"/>`), false},
		"a DTD":                   {"<!DOCTYPE mscp>" + request(unjoin), false},
		"a late declaration":      {" <?xml version='1.0'?>" + request(unjoin), false},
		"Latin-1":                 {request("<unjoin id1=\"n\xe9\" id2='b'/>"), false},
		"deep":                    {request(strings.Repeat("<a xmlns='urn:v'>", 1100) + strings.Repeat("</a>", 1100)), false},
		"nothing":                 {"", false},
	} {
		if d := Document([]byte(c.doc)); (len(d.Findings) == 0) != c.good {
			t.Errorf("%s: %v", name, d.Findings)
		}
	}
}

// TestAlone holds the package apart from the one that it is to judge.
func TestAlone(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skip("the go command is not there: ", err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if strings.Contains(dep, "gomscp") && !strings.HasSuffix(dep, "/conform/draft") {
			t.Errorf("it depends on %s", dep)
		}
	}
}
