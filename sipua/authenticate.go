package sipua

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

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// AuthConfig describes who may do something. Realm and Lookup are needed.
type AuthConfig struct {
	Realm string
	// Lookup finds a user's secret; false if there is no such user. It must be
	// safe for concurrent use.
	Lookup func(user string) (Secret, bool)
	// Algorithms are those that are offered, the preferred one first; nil means
	// SHA-256 and MD5. SHA-512-256 is known as well. See RFC 8760.
	Algorithms []string
	// NonceLife is how long a nonce is taken; 0 means 5 minutes.
	NonceLife time.Duration
	// Proxy asks with 407 and Proxy-Authenticate instead of 401.
	Proxy bool
	// AnyURI takes credentials for another Request-URI as well: behind a proxy
	// that rewrites it, the two differ. See RFC 3261, section 22.4.
	AnyURI bool
}

// A Secret is what a user is known by: a password, or the hashes that stand for
// it.
type Secret struct {
	Password string
	// HA1 has, by algorithm in upper case, the hash of user, realm and password,
	// in hexadecimal. See RFC 7616, section 3.4.2.
	HA1 map[string]string
}

// An Authenticator asks for digest credentials and checks them. See RFC 3261,
// section 22, RFC 7616 and RFC 8760. It is safe for concurrent use.
//
// A nonce carries its time and a signature, so that those nobody uses need no
// memory. Each is taken for NonceLife, with a count that must not repeat; the
// counts of MaxNonces nonces are kept, and when there are more, the oldest ones
// become stale early.
type Authenticator struct {
	cfg    AuthConfig
	key    []byte
	now    func() time.Time
	nonces nonceTable
}

// NewAuthenticator makes an Authenticator.
func NewAuthenticator(cfg AuthConfig) *Authenticator {
	if cfg.NonceLife <= 0 {
		cfg.NonceLife = 5 * time.Minute
	}
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []string{"SHA-256", "MD5"}
	}
	a := &Authenticator{cfg: cfg, key: make([]byte, sha256.Size), now: time.Now, nonces: nonceTable{limit: MaxNonces}}
	_, _ = rand.Read(a.key) // never fails
	return a
}

// Check tells whose valid credentials a request has. Without any, the error
// holds a *StatusError: a 401 or 407, whose challenges Challenge makes, or a 400
// for credentials that are for another Request-URI.
func (a *Authenticator) Check(req *sip.Request) (user string, err error) {
	_, answer := a.headers()
	result := errNoCredentials
	for _, h := range req.GetHeaders(answer) {
		c, err := ReadCredentials(h.Value())
		if err != nil || c.Realm != a.cfg.Realm {
			continue // another's, or another scheme
		}
		if err := a.verify(req, c); err == nil {
			return c.Username, nil
		} else if result == errNoCredentials || errors.Is(err, errStale) {
			result = err
		}
	}
	if errors.Is(result, errWrongURI) {
		return "", &StatusError{Code: 400, Reason: "Bad Request (digest-uri)"} // [RFC7616-3.4.6]
	}
	return "", &refusal{StatusError: &StatusError{Code: a.code(), Reason: reasonPhrase(a.code())}, stale: errors.Is(result, errStale)}
}

// A refusal is a 401 or 407 that remembers whether only the nonce was at fault.
type refusal struct {
	*StatusError
	stale bool
}

func (r *refusal) Unwrap() error { return r.StatusError }

var (
	errNoCredentials = errors.New("no credentials")
	errWrong         = errors.New("wrong credentials")
	errWrongURI      = errors.New("credentials for another URI")
	errStale         = errors.New("stale nonce")
)

// Challenge makes the headers of the response to a request whose Check has
// failed with err: a challenge for each algorithm, the preferred one first.
func (a *Authenticator) Challenge(err error) []Header {
	var status *StatusError
	if errors.As(err, &status) && status.Code != a.code() {
		return nil
	}
	var r *refusal
	stale := errors.As(err, &r) && r.stale
	ask, _ := a.headers()
	nonce := a.newNonce()
	var headers []Header
	for _, algorithm := range a.cfg.Algorithms {
		c := digest.Challenge{Realm: a.cfg.Realm, Nonce: nonce, Algorithm: algorithm, QOP: []string{"auth"}, Stale: stale}
		headers = append(headers, Header{ask, c.String()})
	}
	return headers
}

// Authenticate tells whose valid credentials a request has, or answers it with a
// challenge: then ok is false, and there is nothing left to do. It is for
// Handlers.Intercept and Handlers.Other.
func (ua *UA) Authenticate(a *Authenticator, req *sip.Request, tx sip.ServerTransaction) (user string, ok bool) {
	user, challenge := ua.Ask(a, req)
	if challenge != nil {
		ua.RespondOnce(req, tx, challenge)
	}
	return user, challenge == nil
}

// Ask tells whose valid credentials a request has, or makes the challenge that is the
// answer to it. It is for Handlers.Admit.
func (ua *UA) Ask(a *Authenticator, req *sip.Request) (user string, challenge *sip.Response) {
	user, err := a.Check(req)
	if err == nil {
		return user, nil
	}
	var status *StatusError
	errors.As(err, &status)
	return "", ua.response(req, status.Code, status.Reason, a.Challenge(err)...)
}

// Authenticate tells whose valid credentials the INVITE has, or rejects it with
// a challenge: then ok is false, and there is nothing left to do.
func (in *IncomingCall) Authenticate(a *Authenticator) (user string, ok bool) {
	user, err := a.Check(in.req)
	if err == nil {
		return user, true
	}
	var status *StatusError
	errors.As(err, &status)
	_ = in.Reject(status.Code, status.Reason, a.Challenge(err)...) // its caller may have cancelled
	return "", false
}

func (a *Authenticator) code() int {
	if a.cfg.Proxy {
		return sip.StatusProxyAuthRequired
	}
	return sip.StatusUnauthorized
}

func (a *Authenticator) headers() (ask, answer string) {
	if a.cfg.Proxy {
		return "Proxy-Authenticate", "Proxy-Authorization"
	}
	return "WWW-Authenticate", "Authorization"
}

// verify checks credentials for our realm. What is cheap to forge is checked
// last, so that nothing is remembered for who does not know the secret.
func (a *Authenticator) verify(req *sip.Request, c *digest.Credentials) error {
	algorithm := strings.ToUpper(c.Algorithm)
	if algorithm == "" {
		algorithm = "MD5" // [RFC7616-3.3]
	}
	if !slices.Contains(a.cfg.Algorithms, algorithm) || c.QOP != "" && c.QOP != "auth" || c.Userhash {
		return errWrong
	}
	issued, ours := a.issued(c.Nonce)
	if !ours {
		return errWrong
	}
	secret, known := a.cfg.Lookup(c.Username)
	if !responseIs(req.Method.String(), c, algorithm, secret) || !known {
		return errWrong
	}
	if !a.cfg.AnyURI && !sameURI(c.URI, req.Recipient.String()) {
		return errWrongURI
	}
	nc := uint32(c.Nc)
	if c.QOP == "" {
		nc = 1 // an old client counts nothing, so that each nonce is for one request
	}
	now := a.now()
	if now.Sub(issued) > a.cfg.NonceLife || !a.nonces.use(c.Nonce, nc, issued, now.Add(-a.cfg.NonceLife)) {
		return errStale
	}
	return nil
}

// responseIs computes the response anew and compares, for an unknown user as for
// a known one, and in a time that tells nothing.
func responseIs(method string, c *digest.Credentials, algorithm string, secret Secret) bool {
	challenge := &digest.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: algorithm, Opaque: c.Opaque}
	if c.QOP != "" {
		challenge.QOP = []string{c.QOP}
	}
	password := secret.Password
	if password == "" && secret.HA1[algorithm] == "" {
		password = token() // there is nothing that could be right
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

// sameURI compares a digest-uri with a Request-URI.
func sameURI(a, b string) bool {
	if a == b {
		return true
	}
	x, err := CanonicalURI(a)
	if err != nil {
		return false
	}
	y, err := CanonicalURI(b)
	return err == nil && x == y
}

// newNonce makes a nonce: its time in nanoseconds, random bytes, and a signature
// of both.
func (a *Authenticator) newNonce() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(a.now().UnixNano()))
	b = append(b, token()[:8]...)
	return base64.RawURLEncoding.EncodeToString(append(b, a.sign(b)...))
}

func (a *Authenticator) sign(b []byte) []byte {
	mac := hmac.New(sha256.New, a.key)
	mac.Write(b)
	return mac.Sum(nil)[:16]
}

// issued tells when a nonce was made; false if it is none of ours.
func (a *Authenticator) issued(nonce string) (time.Time, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != 8+8+16 || !hmac.Equal(b[16:], a.sign(b[:16])) {
		return time.Time{}, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(b))), true
}
