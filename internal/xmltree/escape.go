package xmltree

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// WriteAttr writes a blank and an attribute of a start tag. The name is written
// unchanged.
func WriteAttr(b *bytes.Buffer, name, value string) {
	b.WriteByte(' ')
	b.WriteString(name)
	b.WriteString(`="`)
	Escape(b, value)
	b.WriteByte('"')
}

// Escape writes s as text or as the value of an attribute. White space other than blanks
// is written as references, because a reader would make blanks of it. Characters that XML
// does not allow become U+FFFD.
func Escape(b *bytes.Buffer, s string) {
	from := 0
	for i := 0; i < len(s); {
		if isPlain[s[i]] {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if as := escaped(r, n); as != "" {
			b.WriteString(s[from:i])
			b.WriteString(as)
			from = i + n
		}
		i += n
	}
	b.WriteString(s[from:])
}

// isPlain tells which bytes need no second look.
var isPlain = func() (is [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		is[c] = escaped(rune(c), 1) == ""
	}
	return is
}()

// escaped is what is written for r, of n bytes, or "" if r may stay.
func escaped(r rune, n int) string {
	switch r {
	case '"':
		return "&#34;"
	case '\'':
		return "&#39;"
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\t', '\n', '\r':
		return "&#" + strconv.Itoa(int(r)) + ";"
	}
	if !isChar(r) || r == utf8.RuneError && n == 1 {
		return "\uFFFD"
	}
	return ""
}
