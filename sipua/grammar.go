package sipua

import (
	"bytes"
	"strings"
)

// isToken reports whether s is a token. See RFC 3261, section 25.1.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	return isAlnum(c) || strings.IndexByte("-.!%*_+`'~", c) >= 0
}

// isURI reports whether s can be a URI: a scheme, and then no character that
// would end it.
func isURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" || !isAlnum(scheme[0]) {
		return false
	}
	for i := range len(scheme) {
		if c := scheme[i]; !isAlnum(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	for i := range len(rest) {
		if c := rest[i]; c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return false
		}
	}
	return true
}

// isPlainScheme reports whether a URI's scheme is of letters only: sipgo can
// parse no other.
func isPlainScheme(uri string) bool {
	scheme, _, _ := strings.Cut(uri, ":")
	return strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz") == ""
}

func isSIP(uri string) bool {
	scheme, _, _ := strings.Cut(uri, ":")
	return strings.EqualFold(scheme, "sip") || strings.EqualFold(scheme, "sips")
}

// A scanner reads a header's value from left to right, and writes it without
// the blanks that may stand around separators.
type scanner struct {
	s    string
	out  []byte
	room [256]byte // for out to begin with
}

func newScanner(s string) *scanner {
	p := &scanner{s: s}
	p.out = p.room[:0]
	return p
}

// tidy is what was written, value itself if it is the same; false if something
// is left over.
func (p *scanner) tidy(value string) (string, bool) {
	p.blanks()
	if string(p.out) == value {
		return value, p.s == ""
	}
	return string(p.out), p.s == ""
}

// blanks skips white space.
func (p *scanner) blanks() { p.s = strings.TrimLeft(p.s, " \t") }

// take moves n bytes to the output.
func (p *scanner) take(n int) {
	p.out = append(p.out, p.s[:n]...)
	p.s = p.s[n:]
}

// next moves the byte c, with blanks before it and after it left out; false if
// something else is there.
func (p *scanner) next(c byte) bool {
	rest := strings.TrimLeft(p.s, " \t")
	if rest == "" || rest[0] != c {
		return false
	}
	p.s = rest
	p.take(1)
	p.blanks()
	return true
}

// token moves a token; false if there is none.
func (p *scanner) token() bool {
	n := 0
	for n < len(p.s) && isTokenByte(p.s[n]) {
		n++
	}
	p.take(n)
	return n > 0
}

// quoted moves a quoted string; false if it does not end.
func (p *scanner) quoted() bool {
	for i := 1; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			i++
		case '"':
			p.take(i + 1)
			return true
		}
	}
	return false
}

// params moves parameters. Values may be tokens, hosts, or quoted strings.
func (p *scanner) params() bool {
	for p.next(';') {
		if !p.token() {
			return false
		}
		if !p.next('=') {
			continue
		}
		if strings.HasPrefix(p.s, `"`) {
			if !p.quoted() {
				return false
			}
			continue
		}
		n := strings.IndexAny(p.s, ";, \t")
		if n < 0 {
			n = len(p.s)
		}
		if n == 0 || strings.ContainsAny(p.s[:n], `<>"`) {
			return false
		}
		p.take(n)
	}
	return true
}

// tidyAddress checks an address with parameters, as in From, and writes it
// without superfluous blanks. See RFC 3261, section 20.10.
func tidyAddress(value string) (string, bool) {
	p := newScanner(value)
	if !p.address() || !p.params() {
		return "", false
	}
	return p.tidy(value)
}

// tidyAddresses is tidyAddress for a list of them, as in Contact. A display name
// that sipgo would not see the end of is left out: one with an escaped quote.
func tidyAddresses(value string, wildcard bool) (string, bool) {
	if wildcard && value == "*" {
		return value, true
	}
	p := newScanner(value)
	for {
		from := len(p.out)
		if !p.address() {
			return "", false
		}
		if one := p.out[from:]; len(one) > 0 && one[0] == '"' && bytes.IndexByte(one, '\\') >= 0 {
			p.out = append(p.out[:from], one[bytes.LastIndexByte(one, '<'):]...)
		}
		if !p.params() {
			return "", false
		}
		if !p.next(',') {
			break
		}
	}
	return p.tidy(value)
}

// address moves a name-addr or an addr-spec.
func (p *scanner) address() bool {
	p.blanks()
	open := strings.IndexByte(p.s, '<')
	switch {
	case strings.HasPrefix(p.s, `"`):
		if !p.quoted() {
			return false
		}
		if strings.TrimLeft(p.s, " \t") != p.s {
			p.blanks()
			p.out = append(p.out, ' ')
		}
		if open = strings.IndexByte(p.s, '<'); open != 0 {
			return false
		}
	case open > 0:
		name := strings.TrimRight(p.s[:open], " \t")
		if strings.ContainsRune(name, ':') {
			open = -1 // an addr-spec, and the < is of another address
			break
		}
		for word := range strings.FieldsSeq(name) {
			if !isToken(word) {
				return false // it must be quoted [RFC3261-25.1]
			}
		}
		p.out = append(p.out, name...)
		if len(name) < open {
			p.out = append(p.out, ' ')
		}
		p.s = p.s[open:]
		open = 0
	}
	if open == 0 {
		end := strings.IndexByte(p.s, '>')
		if end < 0 || !isURI(p.s[1:end]) || !isPlainScheme(p.s[1:end]) {
			return false
		}
		p.take(end + 1)
		return true
	}
	n := strings.IndexAny(p.s, ";, \t")
	if n < 0 {
		n = len(p.s)
	}
	// A URI with a question mark must be in angle brackets [RFC3261-20].
	if !isURI(p.s[:n]) || !isPlainScheme(p.s[:n]) || isSIP(p.s[:n]) && strings.ContainsRune(p.s[strings.LastIndexByte(p.s[:n], '@')+1:n], '?') {
		return false
	}
	p.take(n)
	return true
}

// tidyVia checks a Via's value and writes it without superfluous blanks. See RFC
// 3261, section 20.42.
func tidyVia(value string) (string, bool) {
	p := newScanner(value)
	for {
		p.blanks()
		if !p.token() || !p.next('/') || !p.token() || !p.next('/') || !p.token() {
			return "", false
		}
		if rest := strings.TrimLeft(p.s, " \t"); rest == p.s {
			return "", false
		}
		p.blanks()
		p.out = append(p.out, ' ')
		n := strings.IndexAny(p.s, ";, \t")
		if n < 0 {
			n = len(p.s)
		}
		if n == 0 || strings.ContainsAny(p.s[:n], `<>"@`) {
			return "", false
		}
		p.take(n)
		if !p.params() {
			return "", false
		}
		if !p.next(',') {
			break
		}
	}
	return p.tidy(value)
}
