package sipua

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Warning codes for a session description that is refused. See RFC 3261,
// section 20.43.
const (
	WarnNetworkProtocol   = 300 // one or more network protocols are not available
	WarnAddressFormat     = 301 // one or more network address formats are not available
	WarnTransportProtocol = 302 // one or more transport protocols are not available
	WarnMediaType         = 304 // one or more media types are not available
	WarnMediaFormat       = 305 // one or more media formats are not available
	WarnAttribute         = 306 // one or more attributes are not supported
	WarnSyntax            = 307 // a parameter other than those above was not understood
	WarnMiscellaneous     = 399
)

// WarningHeader makes a Warning header: why a request was refused, or what was
// left out. The code has three digits. agent is the host, or the host and port, or a
// name of one token, that gives the warning; an agent that is none of them becomes "-".
// text is for people; it is cut to MaxWarningText bytes, and control characters in it
// become blanks. See RFC 3261, section 20.43.
func WarningHeader(code int, agent, text string) Header {
	if !isToken(strings.NewReplacer(":", "", "[", "", "]", "").Replace(agent)) {
		agent = "-"
	}
	return Header{"Warning", fmt.Sprintf("%03d %s %s", code, agent, quote(text, MaxWarningText))}
}

// A Warning is one value of a Warning header.
type Warning struct {
	Code  int
	Agent string
	Text  string // without its quotes
}

// Warnings are those of the response that can be read, of all its rows.
func (e *StatusError) Warnings() (all []Warning) {
	for _, value := range e.ListHeader("Warning") {
		code, rest, _ := strings.Cut(value, " ")
		agent, text, _ := strings.Cut(strings.TrimLeft(rest, " \t"), " ")
		text = strings.Trim(text, " \t")
		n, err := strconv.Atoi(code)
		if err != nil || n < 300 || n > 399 || len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
			continue
		}
		all = append(all, Warning{n, agent, unquote(text)})
	}
	return all
}

// quote makes a quoted-string of a text that may have any characters, cut to a
// number of bytes. See RFC 3261, section 25.1.
func quote(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) > most {
		text = text[:most]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			fallthrough
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
