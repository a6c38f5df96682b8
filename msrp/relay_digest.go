package msrp

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// challenge is a WWW-Authenticate header of a relay. See RFC 4976, section
// 9.1, and RFC 2617.
//
// github.com/icholy/digest does not fit: it reads names of parameters with regard to
// case, and neither unquoted values with other characters than letters, digits and
// "-", nor empty list elements; of qop="auth-int, auth" it takes auth-int; and it
// always writes uri, for which the grammar of RFC 4976 has no place.
type challenge struct {
	realm, nonce, opaque, algorithm string
	stale                           bool
	count                           int // how often the nonce has been used
}

// parseChallenge parses the value of WWW-Authenticate.
func parseChallenge(s string) (*challenge, error) {
	rest, ok := cutFold(strings.TrimSpace(s), "digest ")
	if !ok {
		return nil, syntaxErr("challenge", 0, "not Digest")
	}
	c := &challenge{}
	qop := ""
	for rest = strings.Trim(rest, " ,"); rest != ""; rest = strings.Trim(rest, " ,") {
		name, value, left, ok := cutParam(rest)
		if !ok {
			return nil, syntaxErr("challenge", len(s)-len(rest), "not a parameter")
		}
		rest = left
		switch strings.ToLower(name) {
		case "realm":
			c.realm = value
		case "nonce":
			c.nonce = value
		case "opaque":
			c.opaque = value
		case "algorithm":
			c.algorithm = value
		case "stale":
			c.stale = strings.EqualFold(value, "true")
		case "qop":
			qop = value
		}
	}
	if c.nonce == "" {
		return nil, syntaxErr("challenge", len(s), "no nonce")
	}
	if qop != "" && !hasToken(qop, "auth") {
		return nil, errors.New("msrp: the relay offers no qop of auth") // [RFC4976-9.1-1]
	}
	if c.hash() == nil {
		return nil, fmt.Errorf("msrp: the relay wants the algorithm %q", c.algorithm)
	}
	return c, nil
}

func (c *challenge) hash() func() hash.Hash {
	switch strings.ToUpper(c.algorithm) {
	case "", "MD5":
		return md5.New
	case "SHA-256":
		return sha256.New
	}
	return nil
}

// authorization gives the value of Authorization. The digest-uri is the rightmost
// URI of To-Path; the grammar has no place for it, but some relays want it.
func (c *challenge) authorization(user, password, uri, cnonce string, sendURI bool) string {
	c.count++
	h := func(parts ...string) string {
		x := c.hash()()
		x.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(x.Sum(nil))
	}
	nc := fmt.Sprintf("%08x", c.count)
	response := h(h(user, c.realm, password), c.nonce, nc, cnonce, "auth", h("AUTH", uri))
	var b strings.Builder
	fmt.Fprintf(&b, "Digest username=%s, realm=%s, nonce=%s, qop=auth, cnonce=%s, nc=%s, response=%s",
		quoted(user), quoted(c.realm), quoted(c.nonce), quoted(cnonce), nc, quoted(response))
	if c.opaque != "" {
		b.WriteString(", opaque=" + quoted(c.opaque))
	}
	if c.algorithm != "" {
		b.WriteString(", algorithm=" + c.algorithm)
	}
	if sendURI {
		b.WriteString(", uri=" + quoted(uri))
	}
	return b.String()
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// cutParam takes name=value off s; the value may be quoted.
func cutParam(s string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(s, "=")
	name, rest = strings.TrimSpace(name), strings.TrimLeft(rest, " ")
	if !ok || name == "" || strings.ContainsAny(name, " ,\"") {
		return "", "", "", false
	}
	if !strings.HasPrefix(rest, `"`) {
		i := strings.IndexByte(rest, ',')
		if i < 0 {
			i = len(rest)
		}
		return name, strings.TrimSpace(rest[:i]), rest[i:], true
	}
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			if i++; i == len(rest) {
				return "", "", "", false
			}
			b.WriteByte(rest[i])
		case '"':
			return name, b.String(), rest[i+1:], true
		default:
			b.WriteByte(rest[i])
		}
	}
	return "", "", "", false
}

func hasToken(list, want string) bool {
	for _, s := range strings.Split(list, ",") {
		if strings.EqualFold(strings.TrimSpace(s), want) {
			return true
		}
	}
	return false
}
