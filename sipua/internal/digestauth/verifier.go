package digestauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/icholy/digest"

	"github.com/gomscp/gomscp/sipua/internal/sipuri"
)

// Config says whose credentials a Verifier accepts. All of it is needed.
type Config struct {
	Realm string
	// Lookup finds a user's secret; false if there is no such user.
	Lookup func(user string) (Secret, bool)
	// Algorithms are those of the challenges, the preferred one first.
	Algorithms []string
	NonceLife  time.Duration // how long a nonce is accepted
	MaxNonces  int           // bounds the nonces whose use is remembered
	AnyURI     bool          // accept credentials for another Request-URI
}

// A Secret is a password, or the hashes that replace it.
type Secret struct {
	Password string
	// HA1 has, by algorithm in upper case, the hash of user, realm and password,
	// in hexadecimal. See RFC 7616, section 3.4.2.
	HA1 map[string]string
}

// Why a request is not authenticated.
var (
	ErrNone     = errors.New("no credentials")
	ErrWrong    = errors.New("wrong credentials")
	ErrWrongURI = errors.New("credentials for another URI")
	ErrStale    = errors.New("stale nonce")
)

// A Verifier makes challenges and checks the credentials that answer them. It is safe for
// concurrent use.
//
// A nonce contains its time and a signature, so that an unused nonce takes no memory. It is
// accepted for NonceLife, with a count that must not repeat. The counts of MaxNonces
// nonces are kept; beyond that, the oldest nonces become stale early.
type Verifier struct {
	cfg    Config
	key    []byte
	now    func() time.Time
	nonces nonceTable
}

// NewVerifier makes a Verifier.
func NewVerifier(cfg Config) *Verifier {
	v := &Verifier{cfg: cfg, key: make([]byte, sha256.Size), now: time.Now, nonces: nonceTable{limit: cfg.MaxNonces}}
	_, _ = rand.Read(v.key) // never fails
	return v
}

// Verify returns the user whose valid credentials are among the values of a request's
// Authorization headers. The errors are those of this package: ErrStale if nothing but
// the nonce is wrong, else the first reason.
func (v *Verifier) Verify(values []string, r Request) (user string, err error) {
	result := ErrNone
	for _, value := range values {
		c, err := ParseCredentials(value)
		if err != nil || c.Realm != v.cfg.Realm {
			continue // for another server, or of another scheme
		}
		if err := v.verify(r, c); err == nil {
			return c.Username, nil
		} else if result == ErrNone || errors.Is(err, ErrStale) {
			result = err
		}
	}
	return "", result
}

// Challenges returns the values of a response's WWW-Authenticate headers: one for each
// algorithm, the preferred one first. stale says that the credentials were right but for
// their nonce.
func (v *Verifier) Challenges(stale bool) []string {
	nonce := v.newNonce()
	var values []string
	for _, algorithm := range v.cfg.Algorithms {
		c := digest.Challenge{Realm: v.cfg.Realm, Nonce: nonce, Algorithm: algorithm, QOP: []string{"auth"}, Stale: stale}
		values = append(values, c.String())
	}
	return values
}

// verify checks credentials for our realm. The nonce's count is checked last, so that
// nothing is remembered of a client that does not know the secret.
func (v *Verifier) verify(r Request, c *digest.Credentials) error {
	algorithm := strings.ToUpper(c.Algorithm)
	if algorithm == "" {
		algorithm = "MD5" // [RFC7616-3.3]
	}
	if !slices.Contains(v.cfg.Algorithms, algorithm) || c.QOP != "" && c.QOP != "auth" || c.Userhash {
		return ErrWrong
	}
	issued, ours := v.issued(c.Nonce)
	if !ours {
		return ErrWrong
	}
	secret, known := v.cfg.Lookup(c.Username)
	if !responseIs(r.Method, c, algorithm, secret) || !known {
		return ErrWrong
	}
	if !v.cfg.AnyURI && !sameURI(c.URI, r.URI) {
		return ErrWrongURI
	}
	nc := uint32(c.Nc)
	if c.QOP == "" {
		nc = 1 // an old client does not count, so that it can use each nonce once
	}
	now := v.now()
	if now.Sub(issued) > v.cfg.NonceLife || !v.nonces.use(c.Nonce, nc, issued, now.Add(-v.cfg.NonceLife)) {
		return ErrStale
	}
	return nil
}

// responseIs reports whether the response in credentials is right. It takes the same time
// for an unknown user as for a known one.
func responseIs(method string, c *digest.Credentials, algorithm string, secret Secret) bool {
	challenge := &digest.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: algorithm, Opaque: c.Opaque}
	if c.QOP != "" {
		challenge.QOP = []string{c.QOP}
	}
	password := secret.Password
	if password == "" && secret.HA1[algorithm] == "" {
		password = rand.Text() // no response is right
	}
	want, err := digest.Digest(challenge, digest.Options{
		Method: method, URI: c.URI, Username: c.Username, Password: password, A1: secret.HA1[algorithm],
		Cnonce: c.Cnonce, Count: c.Nc,
	})
	if err != nil || c.QOP != "" && (c.Cnonce == "" || c.Nc <= 0) {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(want.Response), []byte(strings.ToLower(c.Response))) == 1
}

// sameURI reports whether a digest-uri and a Request-URI are equal.
func sameURI(a, b string) bool {
	if a == b {
		return true
	}
	x, err := sipuri.Canonical(a)
	if err != nil {
		return false
	}
	y, err := sipuri.Canonical(b)
	return err == nil && x == y
}

// newNonce makes a nonce of its time in nanoseconds, random bytes, and a signature of both.
func (v *Verifier) newNonce() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(v.now().UnixNano()))
	b = append(b, rand.Text()[:8]...)
	return base64.RawURLEncoding.EncodeToString(append(b, v.sign(b)...))
}

func (v *Verifier) sign(b []byte) []byte {
	mac := hmac.New(sha256.New, v.key)
	mac.Write(b)
	return mac.Sum(nil)[:16]
}

// issued returns when a nonce was made. It reports false if the nonce is not ours.
func (v *Verifier) issued(nonce string) (time.Time, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != 8+8+16 || !hmac.Equal(b[16:], v.sign(b[:16])) {
		return time.Time{}, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(b))), true
}
