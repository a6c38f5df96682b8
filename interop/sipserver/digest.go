package sipserver

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"github.com/gomscp/gomscp/sipua"
)

// nonceLife is how long a nonce is taken.
const nonceLife = 5 * time.Minute

// algorithms are those of the challenges, the strongest first. See RFC 8760,
// section 2.3.
var algorithms = []string{"SHA-256", "MD5"}

// An authenticator checks digest credentials. Its nonces carry the time and an
// HMAC, so that none need be remembered. See RFC 7616.
type authenticator struct {
	realm string
	users map[string]string
	key   []byte
}

func newAuthenticator(realm string, users map[string]string) *authenticator {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return &authenticator{realm: realm, users: users, key: key}
}

func (a *authenticator) nonce(at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 16)
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(stamp))
	return stamp + "." + hex.EncodeToString(mac.Sum(nil)[:16])
}

// fresh reports whether a nonce is ours, and not too old.
func (a *authenticator) fresh(nonce string) (ours, young bool) {
	stamp, _, _ := strings.Cut(nonce, ".")
	n, err := strconv.ParseInt(stamp, 16, 64)
	if err != nil {
		return false, false
	}
	at := time.Unix(n, 0)
	ours = hmac.Equal([]byte(nonce), []byte(a.nonce(at)))
	return ours, time.Since(at) < nonceLife
}

// check returns 0 if the request has credentials of the user, 403 if they are
// good but another user's, and otherwise 401 with the challenges to answer with.
func (a *authenticator) check(req *sip.Request, user string) (code int, challenges []sip.Header) {
	if len(a.users) == 0 {
		return 0, nil
	}
	stale := false
	for _, h := range req.GetHeaders("Authorization") {
		c, err := sipua.ReadCredentials(h.Value())
		if err != nil || c.Realm != a.realm || !offered(c) {
			continue
		}
		password, known := a.users[c.Username]
		if ours, young := a.fresh(c.Nonce); !ours || !known || !responseIs(req, c, password) {
			continue
		} else if !young {
			stale = true
			continue
		}
		if c.Username != user {
			return 403, nil
		}
		return 0, nil
	}
	return 401, a.challenges(stale)
}

// offered reports whether credentials are of a kind that the challenges name.
// Those without qop are taken as well, as RFC 2069 had them.
func offered(c *digest.Credentials) bool {
	known := c.Algorithm == "" || slices.ContainsFunc(algorithms, func(x string) bool { return strings.EqualFold(x, c.Algorithm) })
	return known && (c.QOP == "" || c.QOP == "auth")
}

// responseIs computes the response anew and compares.
func responseIs(req *sip.Request, c *digest.Credentials, password string) bool {
	challenge := &digest.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: c.Algorithm, Opaque: c.Opaque}
	if c.QOP != "" {
		challenge.QOP = []string{c.QOP}
	}
	want, err := digest.Digest(challenge, digest.Options{
		Method: req.Method.String(), URI: c.URI, Username: c.Username, Password: password,
		Cnonce: c.Cnonce, Count: c.Nc,
	})
	return err == nil && subtle.ConstantTimeCompare([]byte(want.Response), []byte(c.Response)) == 1
}

// challenges are one for each algorithm. stale says that nothing was wrong but
// the nonce's age.
func (a *authenticator) challenges(stale bool) []sip.Header {
	var list []sip.Header
	for _, algorithm := range algorithms {
		c := digest.Challenge{
			Realm: a.realm, Nonce: a.nonce(time.Now()), Algorithm: algorithm, QOP: []string{"auth"}, Stale: stale,
		}
		list = append(list, sip.NewHeader("WWW-Authenticate", c.String()))
	}
	return list
}
