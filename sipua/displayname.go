package sipua

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// MaxDisplayName bounds a display name that [CleanName] returns, in bytes.
const MaxDisplayName = 128

// DisplayName returns the display name in the value of From, P-Asserted-Identity or a
// similar header, cleaned by CleanName. It is "" if there is none, or if the value is not
// a name-addr. See RFC 3261, sections 20.10 and 25.1.
func DisplayName(value string) string {
	value = strings.TrimLeft(value, " \t")
	if !strings.HasPrefix(value, `"`) {
		name, _, ok := strings.Cut(value, "<")
		if !ok || strings.ContainsAny(name, `":;,`) { // a URI, or parameters of one
			return ""
		}
		return CleanName(name)
	}
	quoted, rest, ok := grammar.CutQuoted(value)
	if !ok || !strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n"), "<") {
		return ""
	}
	return CleanName(grammar.Unquote(quoted))
}

// CleanName makes a name safe to show. It removes control characters and the invisible
// characters that change the direction of text, reduces white space to single blanks, and
// cuts the name to MaxDisplayName bytes.
func CleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case r == '\u200c', r == '\u200d': // they join letters of some scripts
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "\ufffd"))
	name = strings.Join(strings.Fields(name), " ")
	if len(name) <= MaxDisplayName {
		return name
	}
	name = name[:MaxDisplayName]
	for !utf8.ValidString(name) {
		name = name[:len(name)-1]
	}
	return strings.TrimRight(name, " ")
}

// NameAddr returns a header value with a display name and a URI, or the URI alone if the
// name is "".
func NameAddr(name, uri string) string {
	if name == "" {
		return uri
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `" <` + uri + `>`
}
