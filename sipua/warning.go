package sipua

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
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

// WarningHeader makes a Warning header. The code has three digits. agent is a host, a
// host and port, or a token; any other agent becomes "-". text is cut to MaxWarningText
// bytes, and its control characters become blanks. See RFC 3261, section 20.43.
func WarningHeader(code int, agent, text string) Header {
	if !grammar.IsToken(strings.NewReplacer(":", "", "[", "", "]", "").Replace(agent)) {
		agent = "-"
	}
	return Header{"Warning", fmt.Sprintf("%03d %s %s", code, agent, grammar.Quote(text, MaxWarningText))}
}

// A Warning is one value of a Warning header.
type Warning struct {
	Code  int
	Agent string
	Text  string // without its quotes
}

// Warnings returns the values of the response's Warning headers that can be read.
func (e *StatusError) Warnings() (all []Warning) {
	for _, value := range e.ListHeader("Warning") {
		code, rest, _ := strings.Cut(value, " ")
		agent, text, _ := strings.Cut(strings.TrimLeft(rest, " \t"), " ")
		text = strings.Trim(text, " \t")
		n, err := strconv.Atoi(code)
		if err != nil || n < 300 || n > 399 || len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
			continue
		}
		all = append(all, Warning{n, agent, grammar.Unquote(text)})
	}
	return all
}
