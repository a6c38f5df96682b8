package mscp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
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
}

// Encode writes the document.
func (d *Document) Encode(dialect Dialect) []byte {
	var b bytes.Buffer
	_, ours := extensionAttrs(d.Element)
	bare := dialect == Paper && ours
	if !bare {
		b.WriteString(`<mscp version="1.0" xmlns="` + Namespace + `">`)
	}
	b.WriteString("<" + d.Kind.String())
	if d.ID != "" {
		writeAttr(&b, "id", d.ID)
	}
	b.WriteByte('>')
	d.encodeElement(&b, bare)
	b.WriteString("</" + d.Kind.String() + ">")
	if !bare {
		b.WriteString("</mscp>")
	}
	return b.Bytes()
}

func (d *Document) encodeElement(b *bytes.Buffer, bare bool) {
	if d.Element == nil {
		_ = xml.EscapeText(b, []byte(d.Reason)) // a Buffer does not fail
		return
	}
	b.WriteString("<" + Name(d.Element))
	if attrs, ok := extensionAttrs(d.Element); ok {
		if !bare {
			writeAttr(b, "xmlns", ExtensionNamespace)
		}
		for _, a := range attrs {
			writeAttr(b, a.name, a.value)
		}
	} else if o, ok := d.Element.(*Other); ok {
		if o.Space != Namespace {
			writeAttr(b, "xmlns", o.Space)
		}
		for _, name := range sortedKeys(o.Attrs) {
			writeAttr(b, name, o.Attrs[name])
		}
	}
	b.WriteString("/>")
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

// ParseDocument reads one document. Errors are *ParseError.
func ParseDocument(b []byte) (*Document, error) {
	if len(b) > MaxBody {
		return nil, &ParseError{MaxBody, fmt.Sprintf("document longer than %d bytes", MaxBody)}
	}
	if !utf8.Valid(b) {
		return nil, &ParseError{0, "not UTF-8 (section 3.2)"}
	}
	p := &parser{d: xml.NewDecoder(bytes.NewReader(b)), size: len(b)}
	p.d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("encoding %s is not UTF-8 (section 3.2)", charset)
	}
	return p.document()
}

// A parser reads a document with a tokenizer that expands no entities and
// knows no DOCTYPE, and checks every limit before it goes on.
type parser struct {
	d        *xml.Decoder
	size     int
	elements int
}

func (p *parser) fail(format string, args ...any) error {
	return &ParseError{p.d.InputOffset(), fmt.Sprintf(format, args...)}
}

// next returns the next token that matters. Text is returned, comments and
// processing instructions are not.
func (p *parser) next() (xml.Token, error) {
	for {
		tok, err := p.d.Token()
		if errors.Is(err, io.EOF) {
			return nil, p.fail("the document ends too early")
		}
		if err != nil {
			return nil, p.fail("not well-formed: %v", err)
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, p.fail("DOCTYPE and other declarations are not allowed")
		case xml.Comment, xml.ProcInst:
		case xml.StartElement:
			if err := p.check(t); err != nil {
				return nil, err
			}
			return t, nil
		default:
			return tok, nil
		}
	}
}

// check holds the limits and the rules that encoding/xml does not.
func (p *parser) check(e xml.StartElement) error {
	if p.elements++; p.elements > MaxElements {
		return p.fail("more than %d elements", MaxElements)
	}
	if len(e.Attr) > MaxAttrs {
		return p.fail("more than %d attributes", MaxAttrs)
	}
	seen := make(map[xml.Name]bool, len(e.Attr))
	for _, a := range e.Attr {
		if seen[a.Name] {
			return p.fail("attribute %s twice", a.Name.Local)
		}
		seen[a.Name] = true
	}
	return nil
}

// document reads the root: mscp, or bare request or response as in the paper.
func (p *parser) document() (*Document, error) {
	root, err := p.root()
	if err != nil {
		return nil, err
	}
	var doc *Document
	if root.Name.Local == "mscp" {
		doc, err = p.mscp(root)
	} else {
		doc, err = p.container(root)
	}
	if err != nil {
		return nil, err
	}
	return doc, p.end()
}

func (p *parser) root() (xml.StartElement, error) {
	for {
		tok, err := p.next()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData:
			if err := p.blank(t); err != nil {
				return xml.StartElement{}, err
			}
		}
	}
}

func (p *parser) blank(text xml.CharData) error {
	if len(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))) > 0 {
		return p.fail("text where there must be an element")
	}
	return nil
}

// mscp reads the content of the mscp element: exactly one container.
func (p *parser) mscp(root xml.StartElement) (*Document, error) {
	if root.Name.Space != Namespace {
		return nil, p.fail("mscp is not in the namespace %s (section 3.2)", Namespace) // [MSCP-3.2]
	}
	version, ok := attrOf(root, "version")
	if !ok {
		return nil, p.fail("mscp has no version (section 3.2)") // [MSCP-3.2]
	}
	if version != "1.0" {
		return nil, p.fail("version %q is not 1.0 (section 3.2)", version)
	}
	var doc *Document
	for {
		tok, err := p.next()
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if t.Name.Space != Namespace {
				if err := p.skip(2); err != nil { // [MSCP-3.3] not understood, so ignored
					return nil, err
				}
				continue
			}
			if doc != nil {
				return nil, p.fail("more than one element in mscp (section 3.2)") // [MSCP-3.2]
			}
			if doc, err = p.container(t); err != nil {
				return nil, err
			}
		case xml.CharData:
			if err := p.blank(t); err != nil {
				return nil, err
			}
		case xml.EndElement:
			if doc == nil {
				return nil, p.fail("mscp is empty (section 3.2)") // [MSCP-3.2]
			}
			return doc, nil
		}
	}
}

// container reads request, response or notification.
func (p *parser) container(e xml.StartElement) (*Document, error) {
	doc := &Document{}
	switch e.Name.Local {
	case "request":
		doc.Kind = Request
	case "response":
		doc.Kind = Response
	case "notification":
		doc.Kind = Notification
	default:
		return nil, p.fail("%s is none of request, response and notification (section 3.2)", e.Name.Local)
	}
	if e.Name.Space != Namespace && e.Name.Space != "" {
		return nil, p.fail("%s is in the namespace %s", e.Name.Local, e.Name.Space)
	}
	doc.ID, _ = attrOf(e, "id")
	var text strings.Builder
	for {
		tok, err := p.next()
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if err := p.child(doc, t); err != nil {
				return nil, err
			}
		case xml.CharData:
			text.Write(t) // bounded by the document
		case xml.EndElement:
			return doc, p.finish(doc, strings.TrimSpace(text.String()))
		}
	}
}

// child takes one child of a container. Foreign ones that are not known count
// only where there is no other.
func (p *parser) child(doc *Document, e xml.StartElement) error {
	el := known(e)
	if err := p.skip(3); err != nil { // the content, which no known element needs yet
		return err
	}
	if o, ok := doc.Element.(*Other); ok && o.Space != Namespace {
		doc.Element = nil // [MSCP-3.3] ignored, now that there is another
	}
	if o, ok := el.(*Other); ok && o.Space != Namespace && doc.Element != nil {
		return nil // [MSCP-3.3]
	}
	if doc.Element != nil {
		return p.fail("more than one element in %s (section 3.2)", doc.Kind) // [MSCP-3.2]
	}
	doc.Element = el
	return nil
}

func (p *parser) finish(doc *Document, text string) error {
	if doc.Element == nil {
		if doc.Kind != Response {
			return p.fail("%s is empty (section 3.2)", doc.Kind) // [MSCP-3.2]
		}
		doc.Reason = text
	} else if text != "" {
		return p.fail("text beside the element of %s", doc.Kind)
	}
	return nil
}

// known makes the Element of a start tag. The paper's elements are taken in
// any of three namespaces: ours, the draft's (which a bare element inside mscp
// inherits) and none.
func known(e xml.StartElement) Element {
	space := e.Name.Space
	if space == ExtensionNamespace || space == Namespace || space == "" {
		el := extension(e.Name.Local, func(name string) string {
			v, _ := attrOf(e, name)
			return strings.TrimSpace(v)
		})
		if el != nil {
			return el
		}
	}
	o := &Other{Space: space, Local: e.Name.Local, Attrs: map[string]string{}}
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			o.Attrs[a.Name.Local] = strings.TrimSpace(a.Value)
		}
	}
	return o
}

// skip reads over the content of the element whose start tag was read last;
// depth is where it stands.
func (p *parser) skip(depth int) error {
	for open := 1; open > 0; {
		tok, err := p.next()
		if err != nil {
			return err
		}
		switch tok.(type) {
		case xml.StartElement:
			if open++; depth+open > MaxDepth {
				return p.fail("elements nested deeper than %d", MaxDepth)
			}
		case xml.EndElement:
			open--
		}
	}
	return nil
}

// end checks that nothing but blanks and comments follows the root.
func (p *parser) end() error {
	for {
		tok, err := p.d.Token()
		switch t := tok.(type) {
		case nil:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return p.fail("not well-formed: %v", err)
		case xml.CharData:
			if err := p.blank(t); err != nil {
				return err
			}
		case xml.Comment, xml.ProcInst:
		default:
			return p.fail("more than one root element")
		}
	}
}

func attrOf(e xml.StartElement, name string) (string, bool) {
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}
