package digestauth

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/icholy/digest"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// An element is one challenge, or one set of credentials.
type element struct {
	scheme string            // in lower case
	params map[string]string // names in lower case, values without quotes
}

// parse reads a header such as WWW-Authenticate or Authorization. The letter case of
// names does not matter, blanks may be HTABs, list elements may be empty, and unknown
// parameters may have no value. Two challenges in one row are accepted although RFC 3261,
// section 20.44, forbids them, because registrars send them. An error states the offset.
// See RFC 3261, section 25.1, and RFC 9110, sections 5.6.1 and 11.
func parse(value string) ([]element, error) {
	var all []element
	rest := value
	malformed := func(what string) error {
		return fmt.Errorf("sipua: digest header, offset %d: %s", len(value)-len(rest), what)
	}
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			break
		}
		name, behind := grammar.CutToken(rest)
		if name == "" {
			return nil, malformed("no name")
		}
		name, rest = strings.ToLower(name), behind
		next := strings.TrimLeft(rest, " \t")
		switch {
		case strings.HasPrefix(next, "="):
			v, behind, ok := cutParam(strings.TrimLeft(next[1:], " \t"))
			rest = behind
			if !ok {
				return nil, malformed("a quoted string does not end")
			}
			if len(all) == 0 {
				return nil, malformed("a parameter before the scheme")
			}
			if params := all[len(all)-1].params; !hasKey(params, name) {
				params[name] = v
			}
		case len(all) == 0, next != "" && next[0] != ',' && len(next) < len(rest):
			all = append(all, element{name, map[string]string{}})
			rest = next
		}
	}
	if len(all) == 0 {
		return nil, malformed("no scheme")
	}
	return all, nil
}

func hasKey(m map[string]string, key string) bool { _, ok := m[key]; return ok }

// cutParam cuts a value off the beginning of s: a quoted string, or what precedes the next
// comma or blank. It reports false if a quoted string does not end.
func cutParam(s string) (value, rest string, ok bool) {
	if strings.HasPrefix(s, `"`) {
		quoted, rest, ok := grammar.CutQuoted(s)
		if !ok {
			return "", s, false
		}
		return grammar.Unquote(quoted), rest, true
	}
	n := strings.IndexAny(s, ", \t")
	if n < 0 {
		n = len(s)
	}
	return s[:n], s[n:], true
}

// challenge interprets the element as a challenge. It fails if the scheme is not digest
// or a required parameter is missing. See RFC 7616, section 3.3.
func (e element) challenge() (*digest.Challenge, error) {
	switch {
	case e.scheme != "digest":
		return nil, fmt.Errorf("scheme %q", e.scheme)
	case !hasKey(e.params, "realm") || e.params["nonce"] == "":
		return nil, errors.New("challenge without realm or nonce")
	}
	c := &digest.Challenge{
		Realm: e.params["realm"], Nonce: e.params["nonce"], Opaque: e.params["opaque"], Charset: e.params["charset"],
		Domain: strings.Fields(e.params["domain"]), Algorithm: strings.ToUpper(e.params["algorithm"]),
		Stale: strings.EqualFold(e.params["stale"], "true"), Userhash: strings.EqualFold(e.params["userhash"], "true"),
	}
	for _, qop := range grammar.SplitList(e.params["qop"]) {
		c.QOP = append(c.QOP, strings.ToLower(qop))
	}
	return c, nil
}

// ParseChallenge returns the first challenge in a WWW-Authenticate or Proxy-Authenticate
// header that [Answer] can answer.
func ParseChallenge(value string) (*digest.Challenge, error) {
	all, err := parse(value)
	for _, e := range all {
		c, bad := e.challenge()
		if bad == nil && digest.CanDigest(c) {
			return c, nil
		}
		if err = bad; err == nil {
			err = errors.New("unknown algorithm or qop")
		}
	}
	return nil, err
}

// ParseCredentials reads the value of an Authorization or Proxy-Authorization header. See
// RFC 7616, section 3.4.
func ParseCredentials(value string) (*digest.Credentials, error) {
	all, err := parse(value)
	if err != nil {
		return nil, err
	}
	e := all[0]
	if e.scheme != "digest" {
		return nil, fmt.Errorf("sipua: credentials of scheme %q", e.scheme)
	}
	c := &digest.Credentials{
		Username: e.params["username"], Realm: e.params["realm"], Nonce: e.params["nonce"], URI: e.params["uri"],
		Response: e.params["response"], Algorithm: e.params["algorithm"], Cnonce: e.params["cnonce"], Opaque: e.params["opaque"],
		QOP: strings.ToLower(e.params["qop"]), Userhash: strings.EqualFold(e.params["userhash"], "true"),
	}
	if nc := e.params["nc"]; nc != "" {
		n, err := strconv.ParseUint(nc, 16, 31)
		if err != nil {
			return nil, fmt.Errorf("sipua: credentials: nc: %w", err)
		}
		c.Nc = int(n)
	}
	return c, nil
}
