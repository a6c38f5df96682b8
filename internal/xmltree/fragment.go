package xmltree

import (
	"bytes"
	"strings"
)

// Fragment returns the element as it was written in doc, with the declarations
// added that it needs to stand on its own inside an element whose default
// namespace is space.
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
	return append(out, raw[at:]...)
}
