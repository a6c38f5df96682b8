package xmltree

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
)

// ErrBlank means that a document has only white space.
var ErrBlank = errors.New("blank document")

// ParseLenient reads a document of people who use other software: it is as
// Parse, but
//
//   - takes UTF-16, US-ASCII, ISO-8859-1, windows-1252, and other encodings
//     whose first half is US-ASCII; charset is the parameter of the content type,
//     "" for none;
//   - takes blank lines before the document, and NULs behind it;
//   - gives elements and attributes whose prefix is not declared a namespace that
//     nothing else is in, so that they are passed over as foreign ones are.
//
// Errors are *Error, with the offset in the document as it came, or ErrBlank.
func ParseLenient(b []byte, charset string, l Limits) (*Node, error) {
	if len(b) > l.Bytes {
		return nil, &Error{Offset: int64(l.Bytes), Rule: fmt.Sprintf("document longer than %d bytes", l.Bytes)}
	}
	d, err := decode(b, charset)
	if err != nil {
		return nil, err
	}
	t := &treeReader{scanner: scanner{s: strings.TrimRight(d.text, "\x00")}, limits: l, lenient: true}
	t.take("\ufeff")
	t.space()
	if t.done() {
		return nil, ErrBlank
	}
	root, err := t.parse()
	if err != nil {
		if bad := new(Error); errors.As(err, &bad) {
			bad.Offset = d.at(bad.Offset)
		}
		return nil, err
	}
	if d.offset != nil {
		root.move(d)
	}
	return root, nil
}

// move makes the offsets those in the document as it came. The depth of the
// tree is bounded.
func (n *Node) move(d *decoded) {
	n.Offset, n.End = d.at(n.Offset), d.at(n.End)
	for _, kid := range n.Kids {
		kid.move(d)
	}
}

// undeclared is the namespace of a prefix that is not declared. It is no URI, so
// that no document can have it.
func undeclared(prefix string) string { return "undeclared prefix " + prefix }

// All yields the child elements with that name, in their order.
func (n *Node) All(space, local string) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		for _, kid := range n.Kids {
			if kid.Space == space && kid.Local == local && !yield(kid) {
				return
			}
		}
	}
}

// Is reports whether n has that name.
func (n *Node) Is(space, local string) bool { return n.Space == space && n.Local == local }

// Collapse removes white space at both ends, and replaces it by one blank elsewhere. See
// XML Schema part 2, section 4.3.6.
func Collapse(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }), " ")
}

// Token returns a value of an enumeration of lower-case words, without surrounding blanks
// and in lower case. The schemas allow neither blanks nor upper case; both are accepted.
func Token(s string) string { return strings.ToLower(Collapse(s)) }

// UnsignedLong reads a number of the type xs:unsignedLong or xs:nonNegativeInteger. A
// larger number gives the largest one of 64 bits. It reports false for other text. See
// XML Schema part 2, section 3.3.21.
func UnsignedLong(s string) (uint64, bool) {
	s = Collapse(s)
	if digits, negative := strings.CutPrefix(s, "-"); negative && digits != "" && strings.Trim(digits, "0") == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "+"), 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxUint64, true
	}
	return n, err == nil
}
