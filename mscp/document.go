package mscp

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
)

// Dialect is how the offline-message elements are written.
type Dialect int

const (
	// Draft puts them in ExtensionNamespace, inside mscp, as the draft's
	// section 3.3 wants.
	Draft Dialect = iota
	// Paper writes them bare, without mscp around request and response, as the
	// paper's section 2.3.4 shows.
	Paper
)

// Kind is what a document is.
type Kind int

// Kinds of document. See the draft, section 3.2.
const (
	Request Kind = iota + 1
	Response
	Notification
)

var kindNames = map[Kind]string{Request: "request", Response: "response", Notification: "notification"}

func (k Kind) String() string { return kindNames[k] }

// A Document is one mscp document.
type Document struct {
	Kind Kind
	ID   string // the XML id, used on SIP INFO only; "" if there is none
	// Element is what the request, response or notification holds. nil means
	// nothing, which only a response with an error status may.
	Element Element
	// Reason is the text of an error response without an element.
	Reason string
	// Foreign is what stands on and in the container beside the Element.
	Foreign
}

// Encode writes the document.
func (d *Document) Encode(dialect Dialect) []byte {
	var b bytes.Buffer
	_, ours := extensionAttrs(d.Element)
	bare := dialect == Paper && ours
	if !bare {
		b.WriteString(`<mscp version="1.0" xmlns="` + Namespace + `">`) // [MSCP-3.2-2]
	}
	b.WriteString("<" + d.Kind.String())
	if d.ID != "" {
		writeAttr(&b, "id", d.ID)
	}
	writeForeignAttrs(&b, d.Foreign)
	b.WriteByte('>')
	d.encodeElement(&b, bare)
	for _, f := range d.Elements {
		b.Write(f)
	}
	b.WriteString("</" + d.Kind.String() + ">")
	if !bare {
		b.WriteString("</mscp>")
	}
	return b.Bytes()
}

func (d *Document) encodeElement(b *bytes.Buffer, bare bool) {
	switch e := d.Element.(type) {
	case nil:
		_ = xml.EscapeText(b, []byte(d.Reason)) // a Buffer does not fail
	case *Other:
		encodeOther(b, e)
	case draftElement:
		encodeDraft(b, e)
	default:
		b.WriteString("<" + Name(e))
		if !bare {
			writeAttr(b, "xmlns", ExtensionNamespace) // [MSCP-3.3-2]
		}
		attrs, _ := extensionAttrs(e)
		for _, a := range attrs {
			writeAttr(b, a.name, a.value)
		}
		b.WriteString("/>")
	}
}

func encodeOther(b *bytes.Buffer, o *Other) {
	if o.XML != nil {
		b.Write(o.XML)
		return
	}
	b.WriteString("<" + o.Local)
	if o.Space != Namespace {
		writeAttr(b, "xmlns", o.Space)
	}
	for _, name := range sortedKeys(o.Attrs) {
		writeAttr(b, name, o.Attrs[name])
	}
	b.WriteString("/>")
}

// encodeDraft writes an element of the draft: attributes that are required are
// there even if empty, others only with a value.
func encodeDraft(b *bytes.Buffer, e draftElement) {
	s := e.shape()
	b.WriteString("<" + e.elementName())
	for _, a := range s.attrs {
		if a.required || *a.value != "" {
			writeAttr(b, a.name, *a.value)
		}
	}
	writeForeignAttrs(b, *s.foreign)
	b.WriteByte('>')
	if s.streams != nil {
		for _, st := range *s.streams {
			b.WriteString("<stream")
			writeAttr(b, "type", st.Type)
			writeAttr(b, "direction", st.Direction)
			b.WriteString("/>")
		}
	}
	if s.script != nil && *s.script != nil {
		b.WriteString("<src>")
		b.Write(*s.script)
		b.WriteString("</src>")
	}
	encodeItems(b, "namelist", s.namelist)
	encodeItems(b, "subscribe", s.subscribe)
	for _, f := range s.foreign.Elements {
		b.Write(f)
	}
	b.WriteString("</" + e.elementName() + ">")
}

func encodeItems(b *bytes.Buffer, name string, items *[]Item) {
	if items == nil || len(*items) == 0 {
		return
	}
	b.WriteString("<" + name + ">")
	for _, it := range *items {
		b.WriteString("<item")
		writeAttr(b, "name", it.Name)
		writeAttr(b, "value", it.Value)
		b.WriteString("/>")
	}
	b.WriteString("</" + name + ">")
}

func writeForeignAttrs(b *bytes.Buffer, f Foreign) {
	for i, a := range f.Attrs {
		if a.Space == xmlNamespace {
			writeAttr(b, "xml:"+a.Local, a.Value)
			continue
		}
		prefix := fmt.Sprintf("f%d", i)
		writeAttr(b, "xmlns:"+prefix, a.Space)
		writeAttr(b, prefix+":"+a.Local, a.Value)
	}
}

func writeAttr(b *bytes.Buffer, name, value string) {
	b.WriteString(" " + name + `="`)
	_ = xml.EscapeText(b, []byte(value))
	b.WriteByte('"')
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
