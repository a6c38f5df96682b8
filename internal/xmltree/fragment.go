package xmltree

import (
	"bytes"
	"strings"
)

// Fragment returns the element as it is in doc, with the namespace declarations that it
// needs as a child of an element whose default namespace is space. White space in
// attributes becomes blanks, as in XML 1.0, section 3.3.3.
func (n *Node) Fragment(doc []byte, space string) []byte {
	raw := doc[n.Offset:n.End]
	at := 1 // after the name of the start tag
	for at < len(raw) && !strings.ContainsRune(" \t\r\n/>", rune(raw[at])) {
		at++
	}
	declared := map[string]bool{}
	for s := n.own; s != n.scope; s = s.parent {
		declared[s.prefix] = true
	}
	var more bytes.Buffer
	if uri, _ := n.scope.lookup(""); uri != space && !declared[""] {
		WriteAttr(&more, "xmlns", uri)
	}
	declared[""] = true
	for s := n.scope; s != nil; s = s.parent {
		if !declared[s.prefix] && bytes.Contains(raw, []byte(s.prefix+":")) {
			WriteAttr(&more, "xmlns:"+s.prefix, s.uri)
		}
		declared[s.prefix] = true
	}
	out := make([]byte, 0, len(raw)+more.Len())
	out = append(append(out, raw[:at]...), more.Bytes()...)
	return spaced(append(out, raw[at:]...))
}

// spaced puts a space in the place of each blank in an attribute of b, which is
// well-formed.
func spaced(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		n := beforeTag(b)
		out = append(out, b[:n]...)
		b = b[n:]
		quote := byte(0) // of the value that i is in
		i := 0
		for ; i < len(b) && (quote != 0 || b[i] != '>'); i++ {
			c := b[i]
			switch {
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case c == quote:
				quote = 0
			case quote != 0 && c == '\r' && b[i+1] == '\n':
				continue // a line end is one blank
			case quote != 0 && (c == '\t' || c == '\r' || c == '\n'):
				c = ' '
			}
			out = append(out, c)
		}
		b = b[i:]
	}
	return out
}

// notTags are what may look like a tag, and how each ends.
var notTags = [...][2]string{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}}

// beforeTag is how many bytes stand before the next tag of b.
func beforeTag(b []byte) int {
	at := 0
	for {
		i := bytes.IndexByte(b[at:], '<')
		if i < 0 {
			return len(b)
		}
		at += i
		end := 0
		for _, not := range notTags {
			if bytes.HasPrefix(b[at:], []byte(not[0])) {
				end = bytes.Index(b[at:], []byte(not[1])) + len(not[1])
			}
		}
		if end == 0 {
			return at
		}
		at += end
	}
}
