package xmltree

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// A Node is an element of a document that keeps every limit.
type Node struct {
	Space, Local string  // the namespace, "" for none, and the name in it
	Attrs        []Attr  // without namespace declarations
	Kids         []*Node // the elements in it
	Text         string  // the text in it, without that of Kids, in one piece; blanks at its start may lack
	Offset, End  int64   // of the element in the document, in bytes
	scope        *scope  // what is declared around it
	own          *scope  // and with its own declarations
}

// An Attr is an attribute; Space is its namespace, "" for one without a prefix.
type Attr struct{ Space, Local, Value string }

// A scope is one namespace declaration, linked to those around it.
type scope struct {
	parent      *scope
	prefix, uri string
	size        int
}

// Namespace is the namespace of the prefix xml.
const Namespace = "http://www.w3.org/XML/1998/namespace"

// declarations is the namespace of the prefix xmlns, which no document declares.
const declarations = "http://www.w3.org/2000/xmlns/"

func (s *scope) lookup(prefix string) (string, bool) {
	for ; s != nil; s = s.parent {
		if s.prefix == prefix {
			return s.uri, s.uri != "" || prefix == ""
		}
	}
	if prefix == "xml" {
		return Namespace, true
	}
	return "", prefix == ""
}

// A treeReader builds the tree of a document. It expands no entity, knows no
// DOCTYPE, and checks every limit before it goes on.
type treeReader struct {
	scanner
	limits   Limits
	lenient  bool // as ParseLenient
	elements int
	stack    []openElement
	attrs    []rawAttr // of the start tag that is being read
	root     *Node
}

// An openElement is one whose end tag has not come.
type openElement struct {
	*Node
	name string // as written
	more []byte // the text, once it is in more than one piece
}

// A rawAttr is an attribute as written, with its references replaced.
type rawAttr struct{ prefix, local, value string }

// Limits are those of a document. None of them may be 0.
type Limits struct {
	Bytes      int // in the document
	Depth      int // nested elements
	Elements   int // in the document
	Attrs      int // of an element, with namespace declarations
	Namespaces int // declarations around an element, with its own
}

// Parse reads a document of UTF-8 to its end. It keeps to the well-formedness
// rules of XML 1.0 (fifth edition) and of Namespaces in XML 1.0, and refuses
// document types. Errors are *Error.
func Parse(b []byte, l Limits) (*Node, error) {
	if len(b) > l.Bytes {
		return nil, &Error{Offset: int64(l.Bytes), Rule: fmt.Sprintf("document longer than %d bytes", l.Bytes)}
	}
	if !utf8.Valid(b) {
		return nil, &Error{Offset: invalidUTF8(b), Rule: "not UTF-8", Encoding: true}
	}
	t := readers.Get().(*treeReader)
	defer t.release()
	t.scanner, t.limits = scanner{s: string(b)}, l
	t.take("\ufeff")
	return t.parse()
}

// readers are what has read a document and can read another, with the room of its stack
// and attributes.
var readers = sync.Pool{New: func() any { return new(treeReader) }}

// release gives t back, without anything of the document.
func (t *treeReader) release() {
	clear(t.stack[:cap(t.stack)])
	clear(t.attrs[:cap(t.attrs)])
	*t = treeReader{stack: t.stack[:0], attrs: t.attrs[:0]}
	readers.Put(t)
}

// invalidUTF8 is where b stops being UTF-8.
func invalidUTF8(b []byte) int64 {
	at := 0
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return int64(at)
}

func (t *treeReader) parse() (*Node, error) {
	if err := t.declaration(); err != nil {
		return nil, err
	}
	for !t.done() {
		if err := t.next(); err != nil {
			return nil, err
		}
	}
	if len(t.stack) > 0 || t.root == nil {
		return nil, t.fail("the document ends too early")
	}
	return t.root, nil
}

var (
	versionPattern  = regexp.MustCompile(`^1\.[0-9]+$`)
	encodingPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)
)

// declaration reads the XML declaration, if there is one. See XML 1.0, section
// 2.8.
func (t *treeReader) declaration() error {
	if !t.has("<?xml") || len(t.s) <= t.pos+5 || !isSpace(t.s[t.pos+5]) {
		return nil
	}
	t.pos += len("<?xml")
	order := []string{"version", "encoding", "standalone"}
	seen := 0
	for {
		blank := t.space()
		if t.take("?>") {
			break
		}
		at := t.pos
		name, err := t.name()
		if err != nil {
			return err
		}
		t.space()
		if !blank || !t.take("=") {
			return t.malformed("the XML declaration")
		}
		t.space()
		value, err := t.quoted()
		if err != nil {
			return err
		}
		for seen < len(order) && order[seen] != name && seen != 0 {
			seen++
		}
		if seen == len(order) || order[seen] != name || name == "version" && !versionPattern.MatchString(value) ||
			name == "encoding" && !encodingPattern.MatchString(value) || name == "standalone" && value != "yes" && value != "no" {
			t.pos = at
			return t.malformed("the XML declaration")
		}
		seen++
		if name == "encoding" && !t.lenient && !strings.EqualFold(value, "UTF-8") {
			t.pos = at
			return &Error{Offset: int64(at), Rule: fmt.Sprintf("encoding %s is not UTF-8", shorten(value)), Encoding: true}
		}
	}
	if seen == 0 {
		return t.malformed("the XML declaration has no version")
	}
	return nil
}

// next reads one piece of markup or text.
func (t *treeReader) next() error {
	switch {
	case t.s[t.pos] != '<':
		return t.characters()
	case t.has("</"):
		return t.endTag()
	case t.take("<!--"):
		comment, err := t.until("--", "a comment")
		if err == nil && !t.take(">") {
			err = t.malformed("-- in a comment: %q", shorten(comment))
		}
		return err
	case t.take("<![CDATA["):
		if len(t.stack) == 0 {
			return t.fail("text outside the root element")
		}
		content, err := t.until("]]>", "CDATA")
		if err == nil {
			t.addText(content)
		}
		return err
	case t.has("<!"):
		return t.fail("DOCTYPE and other declarations are not allowed")
	case t.take("<?"):
		return t.instruction()
	}
	return t.startTag()
}

func (t *treeReader) characters() error {
	if len(t.stack) > 0 {
		text, err := t.text()
		if err == nil {
			t.addText(text)
		}
		return err
	}
	if !t.space() {
		return t.fail("text outside the root element")
	}
	return nil
}

// addText gives the text to the element that is open. Layout, which is most
// texts, costs nothing.
func (t *treeReader) addText(text string) {
	n := &t.stack[len(t.stack)-1]
	switch {
	case n.Text == "":
		n.Text = t.own(strings.TrimLeft(text, " \t\r\n"))
	case n.more == nil:
		n.more = append([]byte(n.Text), text...)
	default:
		n.more = append(n.more, text...) // bounded by the document
	}
}

// instruction goes over a processing instruction, which nobody here wants.
func (t *treeReader) instruction() error {
	target, err := t.name()
	switch {
	case err != nil:
		return err
	case strings.EqualFold(target, "xml"):
		return t.fail("an XML declaration that is not at the start")
	case strings.Contains(target, ":"):
		return t.malformed("%q is no target of an instruction", shorten(target))
	case !t.has("?>") && !t.space():
		return t.malformed("an instruction")
	}
	_, err = t.until("?>", "an instruction")
	return err
}

// startTag reads a start tag, or the tag of an empty element.
func (t *treeReader) startTag() error {
	off := t.pos
	t.pos++
	name, err := t.name()
	if err != nil {
		return err
	}
	t.attrs = t.attrs[:0]
	for {
		blank := t.space()
		if t.take("/>") || t.take(">") {
			break
		}
		if !blank {
			return t.malformed("the start tag of %s", shorten(name))
		}
		if err := t.attribute(); err != nil {
			return err
		}
	}
	empty := t.s[t.pos-2] == '/'
	n, err := t.open(name, off)
	switch {
	case err != nil:
		return err
	case empty:
		n.End = int64(t.pos)
	default:
		t.stack = append(t.stack, openElement{Node: n, name: name})
	}
	return nil
}

// attribute reads one attribute of a start tag.
func (t *treeReader) attribute() error {
	name, err := t.name()
	if err != nil {
		return err
	}
	t.space()
	if !t.take("=") {
		return t.malformed("the attribute %s has no value", shorten(name))
	}
	t.space()
	value, err := t.quoted()
	if err != nil {
		return err
	}
	if len(t.attrs) >= t.limits.Attrs {
		return t.fail("more than %d attributes", t.limits.Attrs)
	}
	prefix, local, err := t.qualified(name)
	t.attrs = append(t.attrs, rawAttr{prefix, t.own(local), t.own(value)})
	return err
}

// qualified parts a name at its colon. See Namespaces in XML 1.0, production 7.
func (t *treeReader) qualified(name string) (prefix, local string, err error) {
	i := strings.IndexByte(name, ':')
	if i < 0 {
		return "", name, nil
	}
	prefix, local = name[:i], name[i+1:]
	if prefix == "" || local == "" || strings.Contains(local, ":") || strings.ContainsRune("-.0123456789", rune(local[0])) {
		return "", "", t.fail("%q is no qualified name", shorten(name))
	}
	return prefix, local, nil
}

func (t *treeReader) open(name string, off int) (*Node, error) {
	if t.root != nil && len(t.stack) == 0 {
		t.pos = off
		return nil, t.fail("more than one root element")
	}
	if t.elements++; t.elements > t.limits.Elements {
		return nil, t.fail("more than %d elements", t.limits.Elements)
	}
	if len(t.stack) >= t.limits.Depth {
		return nil, t.fail("elements nested deeper than %d", t.limits.Depth)
	}
	n := &Node{Offset: int64(off)}
	if len(t.stack) > 0 {
		parent := t.stack[len(t.stack)-1]
		n.scope = parent.own
		parent.Kids = append(parent.Kids, n)
	} else {
		t.root = n
	}
	if err := t.declare(n); err != nil {
		return nil, err
	}
	prefix, local, err := t.qualified(name)
	if err != nil {
		return nil, err
	}
	if n.Space, err = t.namespace(n, prefix); err != nil {
		return nil, err
	}
	n.Local = t.own(local)
	return n, t.attributes(n)
}

// namespace is what the prefix stands for in n.
func (t *treeReader) namespace(n *Node, prefix string) (string, error) {
	space, ok := n.own.lookup(prefix)
	switch {
	case ok && prefix != "xmlns":
		return space, nil
	case t.lenient && prefix != "xmlns":
		return undeclared(prefix), nil
	}
	return "", t.fail("prefix %q is not declared", shorten(prefix))
}

// declare takes the namespace declarations of a start tag.
func (t *treeReader) declare(n *Node) error {
	n.own = n.scope
	for _, a := range t.attrs {
		prefix := a.local
		if a.prefix == "" && prefix == "xmlns" {
			prefix = ""
		} else if a.prefix != "xmlns" {
			continue
		}
		for s := n.own; s != n.scope; s = s.parent {
			if s.prefix == prefix {
				return t.fail("attribute xmlns:%s twice", shorten(prefix))
			}
		}
		if prefix == "xmlns" || (prefix == "xml") != (a.value == Namespace) || a.value == declarations || prefix != "" && a.value == "" {
			return t.fail("prefix %q cannot be declared so", shorten(prefix))
		}
		size := 1
		if n.own != nil {
			size += n.own.size
		}
		if size > t.limits.Namespaces {
			return t.fail("more than %d namespace declarations in scope", t.limits.Namespaces)
		}
		n.own = &scope{n.own, prefix, a.value, size}
	}
	return nil
}

// attributes gives n those that declare no namespace. See Namespaces in XML
// 1.0, section 6.3, for when two are the same.
func (t *treeReader) attributes(n *Node) error {
	if len(t.attrs) > 0 {
		n.Attrs = make([]Attr, 0, len(t.attrs))
	}
	for _, a := range t.attrs {
		if a.prefix == "xmlns" || a.prefix == "" && a.local == "xmlns" {
			continue
		}
		out := Attr{Local: a.local, Value: a.value}
		if a.prefix != "" { // the default namespace is not for attributes
			var err error
			if out.Space, err = t.namespace(n, a.prefix); err != nil {
				return err
			}
		}
		for _, before := range n.Attrs { // at most limits.Attrs
			if before.Local == out.Local && before.Space == out.Space {
				return t.fail("attribute %s twice", shorten(out.Local))
			}
		}
		n.Attrs = append(n.Attrs, out)
	}
	return nil
}

func (t *treeReader) endTag() error {
	t.pos += len("</")
	name, err := t.name()
	if err != nil {
		return err
	}
	t.space()
	if !t.take(">") {
		return t.malformed("the end tag of %s", shorten(name))
	}
	last := len(t.stack) - 1
	if last < 0 || t.stack[last].name != name {
		return t.malformed("the end tag of %s closes nothing", shorten(name))
	}
	n := &t.stack[last]
	n.End = int64(t.pos)
	if n.more != nil {
		n.Text = string(n.more)
	}
	t.stack = t.stack[:last]
	return nil
}

// Attr returns the value of the attribute of no namespace, and whether it is
// there.
func (n *Node) Attr(name string) (string, bool) {
	for _, a := range n.Attrs {
		if a.Space == "" && a.Local == name {
			return a.Value, true
		}
	}
	return "", false
}
