package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

var testLimits = Limits{Bytes: 1 << 20, Depth: 64, Elements: 10_000, Attrs: 256, Namespaces: 256}

// wellFormed are documents of any vocabulary, and whether XML takes them. They
// feed the table and the fuzzer.
var wellFormed = []struct {
	doc string
	bad string // part of the error; "" for none
}{
	{`<a/>`, ""},
	{"\ufeff<a/>", ""},
	{"\n <!-- c --> <?p i?><a b='c'\n d = \"e\" ></a >\n<!----><?p?>", ""},
	{`<?xml version="1.0"?><a/>`, ""},
	{`<?xml version = '1.0' encoding='utf-8' standalone="no" ?><a/>`, ""},
	{`<?xml version="1.0" standalone="yes"?><a/>`, ""},
	{`<a>&lt;&gt;&amp;&apos;&quot;&#65;&#x41;&#x1F600;</a>`, ""},
	{`<a b="&#9;&#10;&lt;"/>`, ""},
	{`<a><![CDATA[<b>&amp;]]]]></a>`, ""},
	{`<a>]] > > "'</a>`, ""},
	{`<_é-.1·/>`, ""},
	{`<日本/>`, ""},
	{`<p:a xmlns:p="u" p:b=""/>`, ""},
	{`<a xml:lang="en"/>`, ""},
	{`<a><?xml-stylesheet x?></a>`, ""},

	{``, "too early"},
	{`   `, "too early"},
	{`x`, "outside the root"},
	{`<a/>x`, "outside the root"},
	{`<a/><![CDATA[]]>`, "outside the root"},
	{`<a/><a/>`, "more than one root"},
	{`<a>`, "too early"},
	{`<a></b>`, "closes nothing"},
	{`</a>`, "closes nothing"},
	{`<a><b></a></b>`, "closes nothing"},
	{`<a></a`, "end tag"},
	{`<a`, "start tag"},
	{`<a b`, "has no value"},
	{`<a b=`, "without quotes"},
	{`<a b=c/>`, "without quotes"},
	{`<a b="c`, "without an end"},
	{`<a b="c"d="e"/>`, "start tag"},
	{`<a b="<"/>`, "< in an attribute"},
	{`<a b="1" b="2"/>`, "twice"},
	{`<a xmlns:p="u" xmlns:q="u" p:b="" q:b=""/>`, "twice"},
	{`<a xmlns="u" xmlns="u"/>`, "twice"},
	{`<a xmlns:xml="u"/>`, "cannot be declared"},
	{`<a xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="en"/>`, ""},
	{`<a xmlns:b="http://www.w3.org/XML/1998/namespace"/>`, "cannot be declared"},
	{`<a xmlns="http://www.w3.org/2000/xmlns/"/>`, "cannot be declared"},
	{`<?xml version="1.0" encoding=""?><a/>`, "XML declaration"},
	{`<?xml version="1.0" encoding="8"?><a/>`, "XML declaration"},
	{`<a xmlns:xmlns="u"/>`, "cannot be declared"},
	{`<a xmlns:p=""/>`, "cannot be declared"},
	{`<p:a/>`, "not declared"},
	{`<xmlns:a/>`, "not declared"},
	{`<a p:b=""/>`, "not declared"},
	{`<a:/>`, "qualified"},
	{`<:a/>`, "qualified"},
	{`<a:b:c/>`, "qualified"},
	{`<p:1 xmlns:p="u"/>`, "qualified"},
	{`< a/>`, "name"},
	{`<1a/>`, "name"},
	{`<-a/>`, "name"},
	{`<a/ >`, "start tag"},
	{`<a>&x;</a>`, "reference"},
	{`<a>&</a>`, "reference"},
	{`<a>&#;</a>`, "reference"},
	{`<a>&#x;</a>`, "reference"},
	{`<a>&#0;</a>`, "reference"},
	{`<a>&#xD800;</a>`, "reference"},
	{`<a>&#xFFFE;</a>`, "reference"},
	{`<a>&#99999999999999999999;</a>`, "reference"},
	{`<a>&#12a;</a>`, "reference"},
	{`<a>&#X41;</a>`, "reference"},
	{`<a b="&lt"/>`, "reference"},
	{"<a>\x01</a>", "character"},
	{"<a>\uffff</a>", "character"},
	{"<a b='\ufffe'/>", "character"},
	{"<!--\x00--><a/>", "character"},
	{`<a>]]></a>`, "]]>"},
	{`<!-- a -- b --><a/>`, "-- in a comment"},
	{`<!--a---><a/>`, "-- in a comment"},
	{`<!--`, "without an end"},
	{`<a><![CDATA[</a>`, "without an end"},
	{`<?p <a/>`, "without an end"},
	{`<?p:q?><a/>`, "target"},
	{`<?p!?><a/>`, "instruction"},
	{`<? p?><a/>`, "name"},
	{`<!DOCTYPE a><a/>`, "DOCTYPE"},
	{`<!ELEMENT a ANY><a/>`, "DOCTYPE"},
	{` <?xml version="1.0"?><a/>`, "not at the start"},
	{`<a/><?XML version="1.0"?>`, "not at the start"},
	{`<?xml encoding="UTF-8"?><a/>`, "XML declaration"},
	{`<?xml version="1.1"?><a/>`, ""},
	{`<?xml version="1.x"?><a/>`, "XML declaration"},
	{`<?xml version="2.0"?><a/>`, "XML declaration"},
	{`<?xml version="1.0" standalone="maybe"?><a/>`, "XML declaration"},
	{`<?xml version="1.0" standalone="yes" encoding="UTF-8"?><a/>`, "XML declaration"},
	{`<?xml version="1.0"encoding="UTF-8"?><a/>`, "XML declaration"},
	{`<?xml ?><a/>`, "XML declaration"},
	{`<?xml version="1.0" encoding="UTF-16"?><a/>`, "not UTF-8"},
}

func TestWellFormed(t *testing.T) {
	for _, tc := range wellFormed {
		_, err := Parse([]byte(tc.doc), testLimits)
		var parse *Error
		switch {
		case tc.bad == "" && err != nil:
			t.Errorf("%q: %v", tc.doc, err)
		case tc.bad != "" && (!errors.As(err, &parse) || !strings.Contains(parse.Rule, tc.bad)):
			t.Errorf("%q: %v instead of %q", tc.doc, err, tc.bad)
		case err != nil && (parse.Offset < 0 || parse.Offset > int64(len(tc.doc))):
			t.Errorf("%q: offset %d", tc.doc, parse.Offset)
		}
	}
}

// TestNormalised checks what XML makes of line ends and white space.
func TestNormalised(t *testing.T) {
	n, err := Parse([]byte("<a b='x\r\ny\tz\rw&#10;v'>p\r\nq\rr&#13;s<b/><![CDATA[&t]]></a>"), testLimits)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := n.Attr("b"); v != "x y z w\nv" {
		t.Errorf("attribute %q", v)
	}
	if n.Text != "p\nq\nr\rs&t" {
		t.Errorf("text %q", n.Text)
	}
}

// FuzzWellFormed checks that what is taken here is taken by encoding/xml too,
// and understood alike.
func FuzzWellFormed(f *testing.F) {
	for _, tc := range wellFormed {
		f.Add([]byte(tc.doc))
	}
	testutil.Files(f, "../../mscp/testdata/examples/*.xml", func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		root, err := Parse(b, testLimits)
		if err != nil {
			return
		}
		for _, c := range b {
			if c >= 0x80 {
				return // encoding/xml has the names of an older edition
			}
		}
		d := xml.NewDecoder(bytes.NewReader(b))
		sameTree(t, d, root)
	})
}

// blanks is the normalisation of attributes that encoding/xml leaves out.
var blanks = strings.NewReplacer("\n", " ", "\t", " ", "\r", " ")

// sameTree walks the tree along the tokens of d.
func sameTree(t *testing.T, d *xml.Decoder, root *Node) {
	var open []*Node
	next := []*Node{root} // the kids that are still to come, by depth
	nexts := [][]*Node{next}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && strings.Contains(err.Error(), "unsupported version") {
			return // the fifth edition takes 1.1 as well
		}
		if err != nil {
			t.Fatalf("encoding/xml refuses it: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			last := len(nexts) - 1
			n := nexts[last][0]
			nexts[last] = nexts[last][1:]
			if n.Local != tok.Name.Local || blanks.Replace(n.Space) != blanks.Replace(tok.Name.Space) {
				t.Fatalf("{%s}%s is {%s}%s", n.Space, n.Local, tok.Name.Space, tok.Name.Local)
			}
			sameAttrs(t, n, tok.Attr)
			open = append(open, n)
			nexts = append(nexts, n.Kids)
		case xml.EndElement:
			if n := open[len(open)-1]; n.End != d.InputOffset() {
				t.Fatalf("%s ends at %d, not %d", n.Local, n.End, d.InputOffset())
			}
			open, nexts = open[:len(open)-1], nexts[:len(nexts)-1]
		}
	}
	if len(nexts) != 1 || len(nexts[0]) != 0 {
		t.Fatal("more elements than encoding/xml found")
	}
}

func sameAttrs(t *testing.T, n *Node, attrs []xml.Attr) {
	i := 0
	for _, a := range attrs {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		if i >= len(n.Attrs) || n.Attrs[i].Local != a.Name.Local || blanks.Replace(n.Attrs[i].Space) != blanks.Replace(a.Name.Space) ||
			blanks.Replace(n.Attrs[i].Value) != blanks.Replace(a.Value) {
			t.Fatalf("%v has not %v", n.Attrs, a)
		}
		i++
	}
	if i != len(n.Attrs) {
		t.Fatalf("%v are more than %v", n.Attrs, attrs)
	}
}

// TestFragmentBlanks checks that blanks in the attributes of a fragment are spaces, and
// those of all else stay.
func TestFragmentBlanks(t *testing.T) {
	const in = "<r><a\tb='1\n2\t\"3\r\n4' c=\"'\r\"\n>x\ny<!-- a='\n' --><![CDATA[<b c='\n'>]]><?p a='\n'?><d e='\n'/></a></r>"
	const want = "<a\tb='1 2 \"3 4' c=\"' \"\n>x\ny<!-- a='\n' --><![CDATA[<b c='\n'>]]><?p a='\n'?><d e=' '/></a>"
	root, err := Parse([]byte(in), Limits{Bytes: 1000, Depth: 10, Elements: 10, Attrs: 10, Namespaces: 10})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(root.Kids[0].Fragment([]byte(in), "")); got != want {
		t.Errorf("%q", got)
	}
}
