package mscp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	s := e.shape()
	for _, a := range s.attrs {
		for _, value := range []string{"a&<b>'\"", "http://a/?b&c", "false", "7", "get", "a/b", "10s", "audiovideo", "manual", "busy", "near_end_disconnect", "event.1"} {
			if a.of.check(value) == "" {
				*a.value = value
				break
			}
		}
		if *a.value == "" {
			t.Errorf("no value for %s of %s", a.name, Name(e))
		}
	}
	if s.streams != nil {
		*s.streams = []Stream{{Type: "audio", Direction: "both"}, {Type: "video", Direction: "receive"}}
	}
	if s.namelist != nil {
		*s.namelist = []Item{{Name: "a", Value: "b\n\t<c>"}, {Name: "d"}}
	}
	if s.subscribe != nil {
		*s.subscribe = []Item{{Name: "dtmf", Value: "single"}}
	}
	s.foreign.Attrs = []ForeignAttr{{"urn:v", "a", "b"}}
	switch e := e.(type) {
	case *DialogPrepare:
		e.Src, e.Script = "", xmlOf(`<vxml xmlns="http://www.w3.org/2001/vxml"><form/></vxml>`)
	case *DialogStart:
		e.PreparedDialogID = ""
	}
	for _, a := range s.attrs {
		if a.name == "conferenceid" && ValidateElement(e) != nil {
			*a.value = ""
		}
	}
	doc := Document{Kind: s.kind, ID: "r1", Element: e}
	if s.kind == Notification {
		doc.ID = ""
	}
	return doc.Encode(Draft)
}
