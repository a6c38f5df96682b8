package mscp

import (
	"reflect"
	"testing"

	"github.com/beevik/etree"
)

// xmlOf is an element from its text.
func xmlOf(text string) *etree.Element {
	doc := etree.NewDocument()
	doc.ReadSettings.PreserveCData = true
	if err := doc.ReadFromString(text); err != nil {
		panic(err)
	}
	e := doc.Root()
	doc.RemoveChild(e)
	return e
}

// TestHandledXML reads what people handle as trees: a script, and a foreign element,
// whose prefixes are declared around them, with all that XML may have in an element. A
// tree that was read, and one that was built, are written, and read as the same.
func TestHandledXML(t *testing.T) {
	const text = "<!-- c --><?p i?>one &amp; <![CDATA[<two>]]> &lt;three&gt; \u00e9"
	const doc = `<mscp version="1.0" xmlns="urn:ietf:mscp" xmlns:x="http://www.w3.org/2001/vxml" xmlns:v="urn:v"><request><dialogstart connectionid="c">` +
		`<src><x:vxml version="2.0" a="&#10;b&#9;&quot;"><x:form>` + text + `</x:form></x:vxml></src><v:note v:at="1"><v:deep/></v:note></dialogstart></request></mscp>`
	read := func(b []byte) *DialogStart {
		t.Helper()
		d, err := ParseWith(b, Options{Strict: true, KeepForeign: true})
		if err != nil {
			t.Fatal(err)
		}
		return d.Element.(*DialogStart)
	}
	start := read([]byte(doc))
	form := start.Script.SelectElement("form")
	if s := start.Script; s.NamespaceURI() != "http://www.w3.org/2001/vxml" || s.Parent() != nil || s.SelectAttrValue("a", "") != "\nb\t\"" || form == nil {
		t.Fatalf("%+v", s)
	}
	var got string
	for _, token := range form.Child {
		if text, ok := token.(*etree.CharData); ok {
			got += text.Data
		}
	}
	if got != "one & <two> <three> \u00e9" {
		t.Errorf("text %q", got)
	}
	if f := start.Elements; len(f) != 1 || f[0].NamespaceURI() != "urn:v" || f[0].SelectElement("deep") == nil {
		t.Errorf("%+v", f)
	}
	again := read((&Document{Kind: Request, Element: start}).Encode(Draft))
	if !reflect.DeepEqual(again, start) {
		t.Errorf("%+v\nbecame\n%+v", start, again)
	}
	info := etree.NewElement("conference-info")
	info.CreateAttr("xmlns", "urn:ietf:params:xml:ns:conference-info")
	info.CreateElement("users").CreateElement("user").CreateAttr("entity", `sip:a@b;x="<&'`)
	start.Elements = append(start.Elements, info)
	again = read((&Document{Kind: Request, Element: start}).Encode(Draft))
	if user := again.Elements[1].FindElement("users/user"); user == nil || user.SelectAttrValue("entity", "") != `sip:a@b;x="<&'` {
		t.Errorf("%+v", again.Elements)
	}
}

// malformed documents break XML 1.0 or Namespaces in XML.
var malformed = []string{
	`<a b="1" b="2"/>`, `<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>`, `<p:a/>`, `<a p:b="1"/>`, `<a b="<"/>`,
	`<a>]]></a>`, `<a/><b/>`, `<a/>text`, `text<a/>`, `<a b=1/>`, `<a b="1"c="2"/>`, `<a>&none;</a>`, `<a>&#0;</a>`,
	"<a>\x01</a>", `<a><!-- -- --></a>`, `<a></b>`, `<a>`, `<1a/>`, `<a xmlns:p=""/>`, `<a><?xml version="1.0"?></a>`,
}

// etreeTakes is how many of them etree reads, as doc.go says.
const etreeTakes = 10

// TestMalformed checks that the reader of this package takes none of what is not
// well-formed, and counts what etree takes.
func TestMalformed(t *testing.T) {
	taken := 0
	for _, text := range malformed {
		if _, err := parseTree([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
		if etree.NewDocument().ReadFromString(text) == nil {
			taken++
			t.Logf("etree takes %s", text)
		}
	}
	if taken != etreeTakes || len(malformed) != 20 {
		t.Errorf("etree takes %d of %d", taken, len(malformed))
	}
}
