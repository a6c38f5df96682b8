package grammar

import "strings"

// A scanner reads a header's value from left to right, and writes it without the blanks
// around separators.
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

// tidy returns what was written, or value itself if it is the same. It reports false if
// something is left over.
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

// next moves the byte c and omits the blanks around it. It reports false if there is
// another byte.
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
	token, _ := CutToken(p.s)
	p.take(len(token))
	return token != ""
}

// quoted moves a quoted string; false if it does not end.
func (p *scanner) quoted() bool {
	quoted, _, ok := CutQuoted(p.s)
	p.take(len(quoted))
	return ok
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
