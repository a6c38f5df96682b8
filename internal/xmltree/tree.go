package xmltree

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// A Node is an element of a document within the limits.
type Node struct {
	Space, Local string  // the namespace, "" for none, and the name in it
	Attrs        []Attr  // without namespace declarations
	Kids         []*Node // the elements in it
	Text         string  // the text in it, without that of Kids, in one piece; blanks at its start may lack
	Offset, End  int64   // of the element in the document, in bytes
	scope        *scope  // what is declared around it
	own          *scope  // and with its own declarations
}

// An Attr is an attribute; Space is its namespace, "" for an attribute without a prefix.
type Attr struct{ Space, Local, Value string }

// Attr returns the value of the attribute without a namespace, and reports whether it
// exists.
func (n *Node) Attr(name string) (string, bool) {
	for _, a := range n.Attrs {
		if a.Space == "" && a.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// Limits are the limits of a document. None of them may be 0.
type Limits struct {
	Bytes      int // in the document
	Depth      int // nested elements
	Elements   int // in the document
	Attrs      int // of an element, with namespace declarations
	Namespaces int // declarations around an element, with its own
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

// Parse reads a complete document in UTF-8. It enforces the well-formedness rules of XML
// 1.0 (fifth edition) and of Namespaces in XML 1.0, and refuses document types. Errors
// are *Error.
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
