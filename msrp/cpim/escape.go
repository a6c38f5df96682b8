package cpim

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes are the characters that have a short form. See RFC 3862, section 2.3.
var escapes = map[rune]byte{'\\': '\\', '\b': 'b', '\t': 't', '\n': 'n', '\r': 'r'}

// Escape encodes text as the value of a header, such as Subject. Control characters and
// backslashes become escape sequences, and bytes that are not UTF-8 become U+FFFD. See
// RFC 3862, section 2.3.1.
func Escape(text string) string { return escape(text, false) }

// escape codes '"' too if the result stands between such quotes, and nothing
// that need not be [RFC3862-2.3.1-5].
func escape(text string, inQuotes bool) string {
	var b strings.Builder
	for _, r := range text { // U+FFFD for what is no UTF-8
		short, ok := escapes[r]
		switch {
		case ok:
			b.WriteByte('\\') // [RFC3862-2.3.1-1]
			b.WriteByte(short)
		case r == '"' && inQuotes:
			b.WriteString(`\"`) // [RFC3862-2.3.1-2]
		case isControl(r):
			fmt.Fprintf(&b, `\u%04x`, r) // [RFC3862-2.3.1-4]
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// quote makes a String of text: one between quotes.
func quote(text string) string { return `"` + escape(text, true) + `"` }

// Unescape decodes the value of a header to text. The result may have line ends and other
// control characters. In an undefined escape sequence, the backslash is dropped; so is a
// backslash at the end. See RFC 3862, section 2.3.1.
func Unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			b.WriteByte(value[i])
			continue
		}
		if i++; i == len(value) {
			break
		}
		switch value[i] {
		case 'b':
			b.WriteByte('\b')
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'u':
			r, n := unescapeUCS(value[i+1:])
			b.WriteRune(r)
			i += n
		default:
			b.WriteByte(value[i]) // [RFC3862-2.3.1-3]
		}
	}
	return b.String()
}

// unescapeUCS reads the four digits behind "\u", and a second sequence if the
// two are a surrogate pair. It returns how many bytes it took: 0, and the "u"
// itself, if there are no four digits.
func unescapeUCS(s string) (rune, int) {
	r, ok := hex4(s)
	if !ok {
		return 'u', 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if low, ok := strings.CutPrefix(s[4:], `\u`); ok {
		if r2, ok := hex4(low); ok {
			if pair := utf16.DecodeRune(r, r2); pair != utf8.RuneError {
				return pair, 10
			}
		}
	}
	return utf8.RuneError, 4
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := range 4 {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil
}

// checkEscapes returns the offset of the first backslash that begins no defined
// escape sequence, or -1.
func checkEscapes(value string) int {
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			continue
		}
		at := i
		if i++; i == len(value) || !strings.ContainsRune(`\"'btnru`, rune(value[i])) {
			return at
		}
		if value[i] == 'u' {
			if _, ok := hex4(value[i+1:]); !ok {
				return at
			}
		}
	}
	return -1
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// isNameChar is rule NAMECHAR of RFC 3862, section 3.6.
func isNameChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-^_`|~", c) >= 0
}

// isName is rule Name: no ".", which parts a prefix from a name.
func isName(s string) bool {
	for i := range len(s) {
		if !isNameChar(s[i]) {
			return false
		}
	}
	return s != ""
}

// isToken is rule Token.
func isToken(s string) bool {
	for i := range len(s) {
		if !isNameChar(s[i]) && s[i] != '.' && s[i] < utf8.RuneSelf {
			return false
		}
	}
	return s != "" && utf8.ValidString(s)
}
