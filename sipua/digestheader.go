package sipua

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/icholy/digest"
)

// An authValue is one challenge, or one set of credentials.
type authValue struct {
	scheme string            // in lower case
	params map[string]string // names in lower case, values without quotes
}

// readAuth reads a header such as WWW-Authenticate or Authorization. Names are taken
// in any letter case, blanks may be HTABs, and elements may be empty, or parameters
// that nobody knows and that have no value. Two challenges in one row are told apart,
// though RFC 3261, section 20.44, forbids them. An error tells the offset. See RFC
// 3261, section 25.1, and RFC 9110, sections 5.6.1 and 11.
func readAuth(value string) ([]authValue, error) {
	var all []authValue
	p := newScanner(value)
	malformed := func(what string) error {
		return fmt.Errorf("sipua: digest header, offset %d: %s", len(value)-len(p.s), what)
	}
	for {
		p.s = strings.TrimLeft(p.s, " \t,")
		if p.s == "" {
			break
		}
		name := p.word()
		if name == "" {
			return nil, malformed("no name")
		}
		rest := strings.TrimLeft(p.s, " \t")
		switch {
		case strings.HasPrefix(rest, "="):
			p.s = strings.TrimLeft(rest[1:], " \t")
			v, ok := p.authParam()
			if !ok {
				return nil, malformed("a quoted string does not end")
			}
			if len(all) == 0 {
				return nil, malformed("a parameter before the scheme")
			}
			if params := all[len(all)-1].params; !hasKey(params, name) {
				params[name] = v
			}
		case len(all) == 0, rest != "" && rest[0] != ',' && len(rest) < len(p.s):
			all = append(all, authValue{name, map[string]string{}})
			p.s = rest
		}
	}
	if len(all) == 0 {
		return nil, malformed("no scheme")
	}
	return all, nil
}

func hasKey(m map[string]string, key string) bool { _, ok := m[key]; return ok }

// word takes a token, in lower case.
func (p *scanner) word() string {
	n := 0
	for n < len(p.s) && isTokenByte(p.s[n]) {
		n++
	}
	word := strings.ToLower(p.s[:n])
	p.s = p.s[n:]
	return word
}

// authParam takes a value, quoted or up to the next comma or blank; false for a quoted
// string that does not end.
func (p *scanner) authParam() (string, bool) {
	if strings.HasPrefix(p.s, `"`) {
		p.out = p.out[:0]
		if !p.quoted() {
			return "", false
		}
		return unquote(string(p.out)), true
	}
	n := strings.IndexAny(p.s, ", \t")
	if n < 0 {
		n = len(p.s)
	}
	value := p.s[:n]
	p.s = p.s[n:]
	return value, true
}

// challenge is the challenge that the value makes; an error for one that is none of
// digest, or incomplete. See RFC 7616, section 3.3.
func (a authValue) challenge() (*digest.Challenge, error) {
	switch {
	case a.scheme != "digest":
		return nil, fmt.Errorf("scheme %q", a.scheme)
	case !hasKey(a.params, "realm") || a.params["nonce"] == "":
		return nil, fmt.Errorf("challenge without realm or nonce")
	}
	c := &digest.Challenge{
		Realm: a.params["realm"], Nonce: a.params["nonce"], Opaque: a.params["opaque"], Charset: a.params["charset"],
		Domain: strings.Fields(a.params["domain"]), Algorithm: strings.ToUpper(a.params["algorithm"]),
		Stale: strings.EqualFold(a.params["stale"], "true"), Userhash: strings.EqualFold(a.params["userhash"], "true"),
	}
	for _, qop := range splitList(a.params["qop"]) {
		c.QOP = append(c.QOP, strings.ToLower(qop))
	}
	return c, nil
}

// ReadCredentials reads the value of an Authorization or Proxy-Authorization header.
// See RFC 7616, section 3.4.
func ReadCredentials(value string) (*digest.Credentials, error) {
	all, err := readAuth(value)
	if err != nil {
		return nil, err
	}
	a := all[0]
	if a.scheme != "digest" {
		return nil, fmt.Errorf("sipua: credentials of scheme %q", a.scheme)
	}
	c := &digest.Credentials{
		Username: a.params["username"], Realm: a.params["realm"], Nonce: a.params["nonce"], URI: a.params["uri"],
		Response: a.params["response"], Algorithm: a.params["algorithm"], Cnonce: a.params["cnonce"], Opaque: a.params["opaque"],
		QOP: strings.ToLower(a.params["qop"]), Userhash: strings.EqualFold(a.params["userhash"], "true"),
	}
	if nc := a.params["nc"]; nc != "" {
		n, err := strconv.ParseUint(nc, 16, 31)
		if err != nil {
			return nil, fmt.Errorf("sipua: credentials: nc: %w", err)
		}
		c.Nc = int(n)
	}
	return c, nil
}
