package sipua

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// splitList takes the value of a header apart that is a list: at the commas that
// stand neither in a quoted string nor in angle brackets. Empty elements are left
// out. A parenthesis is a character like others, since it may be one of a user
// part; no list of RFC 3261 has comments. See RFC 3261, sections 7.3.1 and 25.1.
func splitList(value string) []string {
	var list []string
	begin, quoted, bracketed := 0, false, false
	add := func(end int) {
		if v := strings.Trim(value[begin:end], " \t\r\n"); v != "" {
			list = append(list, v)
		}
		begin = end + 1
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !bracketed:
			quoted = !quoted
		case quoted:
		case c == '<':
			bracketed = true
		case c == '>':
			bracketed = false
		case c == ',' && !bracketed:
			add(i)
		}
	}
	add(len(value))
	return list
}

// ListHeader returns the values of a message's header of that name, which is a list:
// of all its rows, each taken apart at the commas that are not in quotes or angle
// brackets. Empty values are left out. See RFC 3261, section 7.3.1.
func ListHeader(m interface{ GetHeaders(string) []sip.Header }, name string) []string {
	var list []string
	for _, h := range m.GetHeaders(name) {
		list = append(list, splitList(h.Value())...)
	}
	return list
}

// hasToken reports whether a token is among the values of a header, letter case
// aside.
func hasToken(m interface{ GetHeaders(string) []sip.Header }, name, token string) bool {
	return slices.ContainsFunc(ListHeader(m, name), func(v string) bool { return strings.EqualFold(v, token) })
}

// RemoveHeaders removes all headers of that name, in whatever letter case they have
// come: sipgo's RemoveHeader wants the name as the message has it. See RFC 3261,
// section 7.3.1.
func RemoveHeaders(m interface {
	GetHeaders(string) []sip.Header
	RemoveHeader(string) bool
}, name string) {
	for _, h := range m.GetHeaders(name) {
		m.RemoveHeader(h.Name())
	}
}

// HasHeader reports whether the INVITE has a header of that name, even an empty one.
func (in *IncomingCall) HasHeader(name string) bool { return in.req.GetHeader(name) != nil }

// ListHeader returns the values of the INVITE's header of that name; see the
// function ListHeader.
func (in *IncomingCall) ListHeader(name string) []string { return ListHeader(in.req, name) }

// ListHeader returns the values of the response's header of that name; see the
// function ListHeader.
func (e *StatusError) ListHeader(name string) []string {
	if e.response == nil {
		return nil
	}
	return ListHeader(e.response, name)
}

// AddressURI returns the URI of one name-addr or addr-spec, as it is written there:
// a display name, also one in quotes that looks like an address, is no part of it,
// and neither are parameters behind the angle brackets. See RFC 3261, section 20.10.
func AddressURI(address string) (string, error) {
	s := strings.Trim(address, " \t")
	if strings.HasPrefix(s, `"`) {
		p := newScanner(s)
		if !p.quoted() {
			return "", fmt.Errorf("sipua: address %q: the display name has no closing quote", address)
		}
		p.blanks()
		if s = p.s; !strings.HasPrefix(s, "<") {
			return "", fmt.Errorf("sipua: address %q: no < behind the display name", address)
		}
	}
	name, rest, ok := strings.Cut(s, "<")
	if !ok {
		return s, nil
	}
	if strings.ContainsAny(name, `"<>`) {
		return "", fmt.Errorf("sipua: address %q: a quote within the display name", address)
	}
	uri, params, ok := strings.Cut(rest, ">")
	if !ok {
		return "", fmt.Errorf("sipua: address %q: < without >", address)
	}
	if params = strings.TrimLeft(params, " \t"); params != "" && params[0] != ';' {
		return "", fmt.Errorf("sipua: address %q: %w", address, errBehindAddress)
	}
	return uri, nil
}

var errBehindAddress = errors.New("something else than parameters behind the >")
