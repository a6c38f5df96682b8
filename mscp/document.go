package mscp

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/gomscp/gomscp/internal/xmltree"
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

var kindNames = [...]string{Request: "request", Response: "response", Notification: "notification"}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return ""
	}
	return kindNames[k]
}

// A Document is one mscp document.
type Document struct {
	Kind Kind
	ID   string // the XML id, used on SIP INFO only; "" if there is none
	// Element is what the request, response or notification holds. nil means
	// nothing, as in error responses of other people's servers.
	Element Element
	// Reason is the text of an error response without an element, against
	// section 8.
	Reason string
	// Status is the status code of an error response that is carried by SIP
	// INFO, which has no other place for it: an attribute of ours. 0 is none.
	Status int
	// Foreign is what stands on and in the container beside the Element.
	Foreign
	// Root is what stands on and in mscp beside the container.
	Root Foreign
}

// Encode writes the document.
func (d *Document) Encode(dialect Dialect) []byte {
	var b bytes.Buffer
	b.Grow(256) // most documents
	bare := dialect == Paper && d.Element != nil && paperElements[d.Element.elementName()] != nil
	if !bare {
		b.WriteString(`<mscp version="1.0" xmlns="` + Namespace + `"`) // [MSCP-3.2-2]
		writeForeignAttrs(&b, d.Root)
		b.WriteByte('>')
	}
	b.WriteByte('<')
	b.WriteString(d.Kind.String())
	if d.ID != "" {
		writeAttr(&b, "id", d.ID)
	}
	if d.Status != 0 {
		writeAttr(&b, "xmlns:o", ExtensionNamespace) // [MSCP-3.3-2]
		writeAttr(&b, "o:status", strconv.Itoa(d.Status))
	}
	writeForeignAttrs(&b, d.Foreign)
	b.WriteByte('>')
	d.encodeElement(&b, bare)
	writeForeignElements(&b, d.Foreign)
	b.WriteString("</" + d.Kind.String() + ">")
	if !bare {
		writeForeignElements(&b, d.Root)
		b.WriteString("</mscp>")
	}
	return b.Bytes()
}

func (d *Document) encodeElement(b *bytes.Buffer, bare bool) {
	switch e := d.Element.(type) {
	case nil:
		xmltree.Escape(b, d.Reason)
	case *Other:
		encodeOther(b, e)
	case draftElement:
		encodeDraft(b, e)
	case typedElement:
		encodeOwn(b, e, bare)
	}
}

// encodeOwn writes an element of the paper, or of ours; bare is as the paper has it.
func encodeOwn(b *bytes.Buffer, e typedElement, bare bool) {
	name := e.elementName()
	b.WriteByte('<')
	b.WriteString(name)
	if !bare {
		writeAttr(b, "xmlns", ExtensionNamespace) // [MSCP-3.3-2]
	}
	for i, a := range e.shape().attrs {
		if v := *e.attr(i); a.required || v != "" && !bare {
			writeAttr(b, a.name, v)
		}
	}
	if t, ok := e.(typedAttrs); ok {
		t.writeTyped(b)
	}
	t, ok := e.(typedChildren)
	if !ok {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	t.writeChildren(b)
	b.WriteString("</" + name + ">")
}

func encodeOther(b *bytes.Buffer, o *Other) {
	if o.XML != nil {
		writeXML(b, o.XML)
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
	b.WriteString("<" + e.elementName())
	for i, a := range e.shape().attrs {
		if v := *e.attr(i); a.required || v != "" || a.name == "connectionid" && namesNothing(e) {
			writeAttr(b, a.name, v)
		}
	}
	s := e.parts()
	writeForeignAttrs(b, *s.foreign)
	b.WriteByte('>')
	if s.streams != nil {
		for _, st := range *s.streams {
			b.WriteString("<stream")
			writeAttr(b, "type", st.Type)
			writeAttr(b, "direction", st.Direction)
			closeForeign(b, "stream", st.Foreign)
		}
	}
	if s.script != nil && *s.script != nil {
		b.WriteString("<src")
		writeForeignAttrs(b, s.foreign.Inside["src"])
		b.WriteByte('>')
		writeXML(b, *s.script)
		b.WriteString("</src>")
	}
	encodeItems(b, "namelist", s.namelist, *s.foreign)
	encodeItems(b, "subscribe", s.subscribe, *s.foreign)
	writeForeignElements(b, *s.foreign)
	b.WriteString("</" + e.elementName() + ">")
}

// namesNothing reports whether e must name one end point, and has none: an
// empty one is written. See section 4.2.
func namesNothing(e typedElement) bool {
	n, ok := e.(*ErrorDialogNotStarted)
	return ok && n.ConnectionID+n.ConferenceID == "" // [MSCP-4.2-4]
}

func encodeItems(b *bytes.Buffer, name string, items *[]Item, of Foreign) {
	if items == nil || len(*items) == 0 {
		return
	}
	b.WriteString("<" + name)
	writeForeignAttrs(b, of.Inside[name])
	b.WriteByte('>')
	for _, it := range *items {
		b.WriteString("<item")
		writeAttr(b, "name", it.Name)
		writeAttr(b, "value", it.Value)
		closeForeign(b, "item", it.Foreign)
	}
	writeForeignElements(b, of.Inside[name])
	b.WriteString("</" + name + ">")
}

// closeForeign ends a start tag, and the element, with what is foreign in it.
func closeForeign(b *bytes.Buffer, name string, f Foreign) {
	writeForeignAttrs(b, f)
	if len(f.Elements) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	writeForeignElements(b, f)
	b.WriteString("</" + name + ">")
}

func writeForeignElements(b *bytes.Buffer, f Foreign) {
	for _, e := range f.Elements {
		writeXML(b, e)
	}
}

func writeForeignAttrs(b *bytes.Buffer, f Foreign) {
	for i, a := range f.Attrs {
		if a.Space == xmltree.Namespace {
			writeAttr(b, "xml:"+a.Local, a.Value)
			continue
		}
		prefix := fmt.Sprintf("f%d", i)
		writeAttr(b, "xmlns:"+prefix, a.Space)
		writeAttr(b, prefix+":"+a.Local, a.Value)
	}
}

func writeAttr(b *bytes.Buffer, name, value string) { xmltree.WriteAttr(b, name, value) }

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
