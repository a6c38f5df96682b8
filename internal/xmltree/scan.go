package xmltree

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A scanner reads the markup of one document, from its first byte to its last.
// It holds every document to the well-formedness rules of XML 1.0 (fifth
// edition) for what it takes: no DOCTYPE, and so no entities but the five that
// XML predefines.
type scanner struct {
	s   string // valid UTF-8
	pos int
}

// shareBelow is the size of a document, in bytes, below which its strings share
// its memory. Those of a larger one are copied, so that one id that somebody
// keeps does not keep a megabyte.
const shareBelow = 4096

// own is a part of the document that may be kept.
func (x *scanner) own(s string) string {
	if len(x.s) < shareBelow {
		return s
	}
	return strings.Clone(s)
}

// fail makes the error for what stands at pos.
func (x *scanner) fail(format string, args ...any) error {
	return &Error{Offset: int64(x.pos), Rule: fmt.Sprintf(format, args...)}
}

// malformed is the same for what is not well-formed XML.
func (x *scanner) malformed(format string, args ...any) error {
	return x.fail("not well-formed: "+format, args...)
}

func (x *scanner) done() bool { return x.pos >= len(x.s) }

func (x *scanner) has(prefix string) bool { return strings.HasPrefix(x.s[x.pos:], prefix) }

// take goes over the prefix if it is there.
func (x *scanner) take(prefix string) bool {
	if !x.has(prefix) {
		return false
	}
	x.pos += len(prefix)
	return true
}

// space goes over white space and reports whether there was any.
func (x *scanner) space() bool {
	from := x.pos
	for x.pos < len(x.s) && isSpace(x.s[x.pos]) {
		x.pos++
	}
	return x.pos > from
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// until goes over everything up to and with the mark, and returns what stands
// before it.
func (x *scanner) until(mark, what string) (string, error) {
	i := strings.Index(x.s[x.pos:], mark)
	if i < 0 {
		return "", x.malformed("%s without an end", what)
	}
	content := x.s[x.pos : x.pos+i]
	if bad := badChar(content); bad >= 0 {
		x.pos += bad
		return "", x.malformed("a character that XML does not have")
	}
	x.pos += i + len(mark)
	return content, nil
}

// name reads a name. Colons are for the caller to look at.
func (x *scanner) name() (string, error) {
	from := x.pos
	for x.pos < len(x.s) {
		c := x.s[x.pos]
		if c < utf8.RuneSelf {
			if !isNameByte[c] || x.pos == from && (c == '-' || c == '.' || '0' <= c && c <= '9') {
				break
			}
			x.pos++
			continue
		}
		r, n := utf8.DecodeRuneInString(x.s[x.pos:])
		if !isNameStart(r) && (x.pos == from || !isNameMore(r)) {
			break
		}
		x.pos += n
	}
	if x.pos == from {
		return "", x.malformed("a name is missing")
	}
	return x.s[from:x.pos], nil
}

// isNameByte tells which ASCII characters a name may hold, after its first.
var isNameByte = func() (is [utf8.RuneSelf]bool) {
	for c := range is {
		is[c] = strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:-.", rune(c))
	}
	return is
}()

// isNameStart tells which characters beyond ASCII may begin a name. See XML
// 1.0, production 4.
func isNameStart(r rune) bool {
	switch {
	case r < 0xC0, r == 0xD7, r == 0xF7, 0x300 <= r && r < 0x370, r == 0x37E:
		return false
	case r < 0x2000:
		return true
	}
	return r == 0x200C || r == 0x200D || 0x2070 <= r && r <= 0x218F || 0x2C00 <= r && r <= 0x2FEF ||
		0x3001 <= r && r <= 0xD7FF || 0xF900 <= r && r <= 0xFDCF || 0xFDF0 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0xEFFFF
}

// isNameMore tells which may only follow. See XML 1.0, production 4a.
func isNameMore(r rune) bool {
	return r == 0xB7 || 0x300 <= r && r < 0x370 || r == 0x203F || r == 0x2040
}

// quoted reads a quoted attribute value: references are replaced, and every
// white space becomes a blank. See XML 1.0, section 3.3.3.
func (x *scanner) quoted() (string, error) {
	if x.done() || x.s[x.pos] != '"' && x.s[x.pos] != '\'' {
		return "", x.malformed("an attribute value without quotes")
	}
	quote := x.s[x.pos]
	x.pos++
	from := x.pos
	plain := true // nothing to be replaced
	for ; x.pos < len(x.s); x.pos++ {
		switch c := x.s[x.pos]; {
		case c == quote:
			raw := x.s[from:x.pos]
			end := x.pos + 1
			if plain {
				x.pos = end
				return raw, nil
			}
			x.pos = from
			v, err := x.expand(raw, true)
			if err == nil {
				x.pos = end
			}
			return v, err
		case c == '<':
			return "", x.malformed("< in an attribute value")
		case c == '&' || c < ' ' || c == 0xEF: // U+FFFE and U+FFFF begin with 0xEF
			plain = false
		}
	}
	return "", x.malformed("an attribute value without an end")
}

// text reads character data up to the next markup, with references replaced
// and line ends made LF. See XML 1.0, sections 2.4 and 2.11.
func (x *scanner) text() (string, error) {
	from := x.pos
	i := strings.IndexByte(x.s[from:], '<')
	if i < 0 {
		i = len(x.s) - from
	}
	raw := x.s[from : from+i]
	if bad := strings.Index(raw, "]]>"); bad >= 0 {
		x.pos += bad
		return "", x.malformed("]]> in text")
	}
	v, err := x.expand(raw, false)
	if err == nil {
		x.pos = from + i
	}
	return v, err
}

// expand replaces the references of raw, which stands at pos, and normalises
// its white space. On an error pos is where it happened.
func (x *scanner) expand(raw string, attribute bool) (string, error) {
	if bad := badChar(raw); bad >= 0 {
		x.pos += bad
		return "", x.malformed("a character that XML does not have")
	}
	if !strings.ContainsAny(raw, "&\r") && (!attribute || !strings.ContainsAny(raw, "\t\n")) {
		return raw, nil
	}
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '&':
			end := strings.IndexByte(raw[i:], ';')
			r, ok := rune(0), false
			if end > 0 {
				r, ok = reference(raw[i+1 : i+end])
			}
			if !ok {
				x.pos += i
				return "", x.malformed("a reference to no character: %q", shorten(raw[i:]))
			}
			b.WriteRune(r)
			i += end
			continue
		case c == '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				continue
			}
			c = '\n'
		}
		if attribute && isSpace(c) {
			c = ' '
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// reference is the character that &name; stands for.
func reference(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "apos":
		return '\'', true
	case "quot":
		return '"', true
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := rune(10)
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	if !ok || digits == "" {
		return 0, false
	}
	var r rune
	for _, c := range []byte(digits) {
		d := rune(-1)
		switch {
		case '0' <= c && c <= '9':
			d = rune(c - '0')
		case base == 16 && 'a' <= c|0x20 && c|0x20 <= 'f':
			d = rune(c|0x20-'a') + 10
		}
		if d < 0 {
			return 0, false
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, false
		}
	}
	return r, isChar(r)
}

// isChar tells which characters a document may hold. See XML 1.0,
// production 2.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || ' ' <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r && r <= utf8.MaxRune
}

// badChar is where s has a character that is none of XML, or -1. s is valid
// UTF-8, so only a few need a look.
func badChar(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return i
		}
		if c == 0xEF && i+2 < len(s) && s[i+1] == 0xBF && s[i+2] >= 0xBE {
			return i // U+FFFE or U+FFFF
		}
	}
	return -1
}
