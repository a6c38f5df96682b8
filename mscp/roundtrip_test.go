package mscp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// canonical is a form of a document that leaves nothing out but comments,
// layout, prefixes and the order of attributes. It knows nothing of MSCP.
func canonical(t *testing.T, doc []byte) string {
	t.Helper()
	var out strings.Builder
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			var attrs []string
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					attrs = append(attrs, fmt.Sprintf("{%s}%s=%q", a.Name.Space, a.Name.Local, a.Value))
				}
			}
			slices.Sort(attrs)
			fmt.Fprintf(&out, "<{%s}%s %s>\n", tok.Name.Space, tok.Name.Local, strings.Join(attrs, " "))
		case xml.EndElement:
			fmt.Fprintf(&out, "</%s>\n", tok.Name.Local)
		case xml.CharData:
			if text := strings.TrimSpace(string(tok)); text != "" {
				fmt.Fprintf(&out, "%q\n", text)
			}
		}
	}
}

// TestRoundTrip checks that documents that break no rule are written as they
// were read: the examples, and one of each element with all it can have.
func TestRoundTrip(t *testing.T) {
	docs := map[string][]byte{}
	files, err := filepath.Glob("testdata/examples/*.xml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(Validate(b)) == 0 {
			docs[filepath.Base(name)] = b
		}
	}
	for name, empty := range draftElements {
		docs[name] = fullDocument(t, empty())
	}
	if len(docs) < 100 {
		t.Errorf("only %d documents", len(docs))
	}
	for name, b := range docs {
		doc, err := ParseWith(b, Options{Strict: true, KeepForeign: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out := doc.Encode(Draft)
		if want, got := canonical(t, b), canonical(t, out); want != got {
			t.Errorf("%s:\n%s\nbecame\n%s", name, want, got)
		}
		again, err := ParseWith(out, Options{Strict: true, KeepForeign: true})
		if err != nil || !bytes.Equal(again.Encode(Draft), out) {
			t.Errorf("%s: %s written again: %v", name, out, err)
		}
	}
}

// fullDocument is a document with an element that has all its attributes and
// children, but for those that exclude each other.
func fullDocument(t *testing.T, e typedElement) []byte {
	s, p := e.shape(), e.(draftElement).parts()
	for i, a := range s.attrs {
		v := e.attr(i)
		for _, value := range []string{"a&<b>'\"", "http://a/?b&c", "false", "7", "get", "a/b", "10s", "audiovideo", "manual", "busy", "near_end_disconnect", "event.1"} {
			if a.of.check(value) == "" {
				*v = value
				break
			}
		}
		if *v == "" {
			t.Errorf("no value for %s of %s", a.name, Name(e))
		}
	}
	if p.streams != nil {
		*p.streams = []Stream{{Type: "audio", Direction: "both"}, {Type: "video", Direction: "receive"}}
	}
	if p.namelist != nil {
		*p.namelist = []Item{{Name: "a", Value: "b\n\t<c>"}, {Name: "d"}}
	}
	if p.subscribe != nil {
		*p.subscribe = []Item{{Name: "dtmf", Value: "single"}}
	}
	p.foreign.Attrs = []ForeignAttr{{"urn:v", "a", "b"}}
	switch e := e.(type) {
	case *DialogPrepare:
		e.Src, e.Script = "", xmlOf(`<vxml xmlns="http://www.w3.org/2001/vxml"><form/></vxml>`)
	case *DialogStart:
		e.PreparedDialogID = ""
	}
	for i, a := range s.attrs {
		if a.name == "conferenceid" && ValidateElement(e) != nil {
			*e.attr(i) = ""
		}
	}
	doc := Document{Kind: s.kind, ID: "r1", Element: e}
	if s.kind == Notification {
		doc.ID = ""
	}
	return doc.Encode(Draft)
}

// TestFieldsOfAttributes compares the table with the structs: each attribute has a field
// of its own, and an element has no field for which there is no attribute.
func TestFieldsOfAttributes(t *testing.T) {
	for _, elements := range []map[string]func() typedElement{draftElements, paperElements, ownElements} {
		for name, create := range elements {
			e := create()
			if e.elementName() != name {
				t.Errorf("%s is made for %s", e.elementName(), name)
			}
			attrs, v := e.shape().attrs, reflect.ValueOf(e).Elem()
			fields := map[*string]string{}
			for i := range v.NumField() {
				if s, ok := v.Field(i).Addr().Interface().(*string); ok {
					fields[s] = strings.ToLower(v.Type().Field(i).Name)
				}
			}
			if len(fields) != len(attrs) {
				t.Errorf("%s has %d attributes and %d fields for them", name, len(attrs), len(fields))
			}
			for i, a := range attrs {
				want := strings.ReplaceAll(a.name, "-", "")
				if a.name == "name" {
					want = "eventname" // Name would be the element's
				}
				if got := fields[e.attr(i)]; got != want {
					t.Errorf("%s of %s is the field %q", a.name, name, got)
				}
				delete(fields, e.attr(i))
			}
		}
	}
}
