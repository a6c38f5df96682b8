package sipua

import (
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// ListHeader returns the values of a list header, from all its rows. Commas in quotes or
// angle brackets do not separate values. Empty values are omitted. See RFC 3261, section
// 7.3.1.
func ListHeader(m interface{ GetHeaders(string) []sip.Header }, name string) []string {
	var list []string
	for _, h := range m.GetHeaders(name) {
		list = append(list, grammar.SplitList(h.Value())...)
	}
	return list
}

// hasToken reports whether a token is among the values of a header, in any letter case.
func hasToken(m interface{ GetHeaders(string) []sip.Header }, name, token string) bool {
	return slices.ContainsFunc(ListHeader(m, name), func(v string) bool { return strings.EqualFold(v, token) })
}

// RemoveHeaders removes all headers of that name in any letter case. sipgo's RemoveHeader
// needs the name as it is in the message. See RFC 3261, section 7.3.1.
func RemoveHeaders(m interface {
	GetHeaders(string) []sip.Header
	RemoveHeader(string) bool
}, name string) {
	for _, h := range m.GetHeaders(name) {
		m.RemoveHeader(h.Name())
	}
}

// Header is one header field that a caller adds.
type Header struct{ Name, Value string }

// headerValue is the value of the first header of that name, "" if none.
func headerValue(m interface{ GetHeader(string) sip.Header }, name string) string {
	if h := m.GetHeader(name); h != nil {
		return h.Value()
	}
	return ""
}

func setBody(m interface {
	AppendHeader(sip.Header)
	SetBody([]byte)
}, body []byte, contentType string) {
	if len(body) > 0 {
		m.AppendHeader(sip.NewHeader("Content-Type", contentType))
	}
	m.SetBody(body)
}
