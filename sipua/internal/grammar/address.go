package grammar

import (
	"bytes"
	"strings"
)

// TidyAddress checks an address with parameters, as in From, and writes it
// without superfluous blanks. See RFC 3261, section 20.10.
func TidyAddress(value string) (string, bool) {
	p := newScanner(value)
	if !p.address() || !p.params() {
		return "", false
	}
	return p.tidy(value)
}

// TidyAddresses is TidyAddress for a list, as in Contact. It omits a display name with an
// escaped quote, because sipgo would not find its end.
func TidyAddresses(value string, wildcard bool) (string, bool) {
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
			if !IsToken(word) {
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
		if end < 0 || !IsURI(p.s[1:end]) || !IsPlainScheme(p.s[1:end]) {
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
	if !IsURI(p.s[:n]) || !IsPlainScheme(p.s[:n]) || IsSIP(p.s[:n]) && strings.ContainsRune(p.s[strings.LastIndexByte(p.s[:n], '@')+1:n], '?') {
		return false
	}
	p.take(n)
	return true
}

// TidyVia checks a Via's value and writes it without superfluous blanks. See RFC
// 3261, section 20.42.
func TidyVia(value string) (string, bool) {
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

// TidyParams checks a token with parameters, as in Subscription-State, and writes it
// without superfluous blanks.
func TidyParams(value string) (string, bool) {
	p := newScanner(value)
	p.blanks()
	if !p.token() || !p.params() {
		return "", false
	}
	return p.tidy(value)
}
