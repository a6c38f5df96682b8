package mscp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A node is an element of a document that keeps every limit.
type node struct {
	space, local string
	attrs        []ForeignAttr // namespace declarations are left out
	kids         []*node
	text         string // all of it, in one piece
	off, end     int64  // the element's bytes
	scope        *scope // what is declared around it
	own          *scope // and with its own declarations
}

// A scope is one namespace declaration, linked to those around it.
type scope struct {
	parent      *scope
	prefix, uri string
	size        int
}

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

func (s *scope) lookup(prefix string) (string, bool) {
	for ; s != nil; s = s.parent {
		if s.prefix == prefix {
			return s.uri, s.uri != "" || prefix == ""
		}
	}
	if prefix == "xml" {
		return xmlNamespace, true
	}
	return "", prefix == ""
}

// A treeReader builds the tree from raw tokens. It expands no entity, knows no
// DOCTYPE, and checks every limit before it goes on.
type treeReader struct {
	d        *xml.Decoder
	elements int
	stack    []*node
	names    []xml.Name // as written, to match the end tags
	texts    [][]byte
	root     *node
}

// parseTree reads one document. Errors are *ParseError.
func parseTree(b []byte) (*node, error) {
	if len(b) > MaxBody {
		return nil, &ParseError{MaxBody, fmt.Sprintf("document longer than %d bytes", MaxBody)}
	}
	if !utf8.Valid(b) {
		return nil, &ParseError{0, "not UTF-8 (section 3.2)"} // [MSCP-3.2-1]
	}
	t := &treeReader{d: xml.NewDecoder(bytes.NewReader(b))}
	t.d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("encoding %s is not UTF-8 (section 3.2)", shorten(charset)) // [MSCP-3.2-1]
	}
	for {
		off := t.d.InputOffset()
		tok, err := t.d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, t.fail("not well-formed (section 3.3): %v", err) // [MSCP-3.3-1]
		}
		if err := t.token(tok, off); err != nil {
			return nil, err
		}
	}
	if len(t.stack) > 0 || t.root == nil {
		return nil, t.fail("the document ends too early (section 3.3)")
	}
	return t.root, nil
}

func (t *treeReader) fail(format string, args ...any) error {
	return &ParseError{t.d.InputOffset(), fmt.Sprintf(format, args...)}
}

func (t *treeReader) token(tok xml.Token, off int64) error {
	switch tok := tok.(type) {
	case xml.Directive:
		return t.fail("DOCTYPE and other declarations are not allowed")
	case xml.ProcInst:
		if strings.EqualFold(tok.Target, "xml") && off > 3 { // 3: a byte order mark
			return t.fail("an XML declaration that is not at the start")
		}
	case xml.StartElement:
		return t.open(tok, off)
	case xml.EndElement:
		return t.close(tok)
	case xml.CharData:
		if len(t.stack) > 0 {
			last := len(t.texts) - 1
			t.texts[last] = append(t.texts[last], tok...) // bounded by the document
		} else if len(bytes.TrimSpace(bytes.TrimPrefix(tok, []byte("\ufeff")))) > 0 {
			return t.fail("text outside the root element")
		}
	}
	return nil
}

func (t *treeReader) open(e xml.StartElement, off int64) error {
	if t.root != nil && len(t.stack) == 0 {
		return t.fail("more than one root element")
	}
	if t.elements++; t.elements > MaxElements {
		return t.fail("more than %d elements", MaxElements)
	}
	if len(t.stack) >= MaxDepth {
		return t.fail("elements nested deeper than %d", MaxDepth)
	}
	if len(e.Attr) > MaxAttrs {
		return t.fail("more than %d attributes", MaxAttrs)
	}
	n := &node{local: e.Name.Local, off: off}
	if len(t.stack) > 0 {
		parent := t.stack[len(t.stack)-1]
		n.scope = parent.own
		parent.kids = append(parent.kids, n)
	} else {
		t.root = n
	}
	if err := t.declare(n, e.Attr); err != nil {
		return err
	}
	var ok bool
	if n.space, ok = n.own.lookup(e.Name.Space); !ok {
		return t.fail("prefix %q is not declared", shorten(e.Name.Space))
	}
	if strings.Contains(n.local, ":") {
		return t.fail("%q is no qualified name", shorten(n.local))
	}
	if err := t.attributes(n, e.Attr); err != nil {
		return err
	}
	t.stack = append(t.stack, n)
	t.names = append(t.names, e.Name)
	t.texts = append(t.texts, nil)
	return nil
}

// declare takes the namespace declarations of a start tag.
func (t *treeReader) declare(n *node, attrs []xml.Attr) error {
	n.own = n.scope
	seen := map[string]bool{}
	for _, a := range attrs {
		prefix := a.Name.Local
		if a.Name.Space == "" && prefix == "xmlns" {
			prefix = ""
		} else if a.Name.Space != "xmlns" {
			continue
		}
		if seen[prefix] {
			return t.fail("attribute xmlns:%s twice", shorten(prefix))
		}
		seen[prefix] = true
		if prefix == "xmlns" || prefix == "xml" || prefix != "" && a.Value == "" {
			return t.fail("prefix %q cannot be declared so", shorten(prefix))
		}
		size := 1
		if n.own != nil {
			size += n.own.size
		}
		if size > MaxNamespaces {
			return t.fail("more than %d namespace declarations in scope", MaxNamespaces)
		}
		n.own = &scope{n.own, prefix, a.Value, size}
	}
	return nil
}

func (t *treeReader) attributes(n *node, attrs []xml.Attr) error {
	seen := make(map[xml.Name]bool, len(attrs))
	for _, a := range attrs {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		out := ForeignAttr{Local: a.Name.Local, Value: a.Value}
		if a.Name.Space != "" { // the default namespace is not for attributes
			var ok bool
			if out.Space, ok = n.own.lookup(a.Name.Space); !ok {
				return t.fail("prefix %q is not declared", shorten(a.Name.Space))
			}
		}
		if strings.Contains(out.Local, ":") {
			return t.fail("%q is no qualified name", shorten(out.Local))
		}
		key := xml.Name{Space: out.Space, Local: out.Local}
		if seen[key] {
			return t.fail("attribute %s twice", shorten(out.Local))
		}
		seen[key] = true
		n.attrs = append(n.attrs, out)
	}
	return nil
}

func (t *treeReader) close(e xml.EndElement) error {
	last := len(t.stack) - 1
	if last < 0 || t.names[last] != e.Name {
		return t.fail("the end tag of %s closes nothing", shorten(e.Name.Local))
	}
	n := t.stack[last]
	n.end = t.d.InputOffset()
	n.text = string(t.texts[last])
	t.stack, t.names, t.texts = t.stack[:last], t.names[:last], t.texts[:last]
	return nil
}

func (n *node) attr(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.Space == "" && a.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// fragment is the element as it was written, with the declarations added that
// it needs to stand inside an mscp document on its own.
func (n *node) fragment(doc []byte) Fragment {
	raw := doc[n.off:n.end]
	at := 1 // after the name of the start tag
	for at < len(raw) && !strings.ContainsRune(" \t\r\n/>", rune(raw[at])) {
		at++
	}
	declared := map[string]bool{}
	for s := n.own; s != n.scope; s = s.parent {
		declared[s.prefix] = true
	}
	var more bytes.Buffer
	if uri, _ := n.scope.lookup(""); uri != Namespace && !declared[""] {
		writeAttr(&more, "xmlns", uri)
	}
	declared[""] = true
	for s := n.scope; s != nil; s = s.parent {
		if !declared[s.prefix] && bytes.Contains(raw, []byte(s.prefix+":")) {
			writeAttr(&more, "xmlns:"+s.prefix, s.uri)
		}
		declared[s.prefix] = true
	}
	out := make(Fragment, 0, len(raw)+more.Len())
	out = append(append(out, raw[:at]...), more.Bytes()...)
	return append(out, raw[at:]...)
}
