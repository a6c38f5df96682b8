package sipua

import (
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/digestauth"
	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// AuthConfig configures an [Authenticator]. Realm and Lookup are needed.
type AuthConfig struct {
	Realm string
	// Lookup finds a user's secret; false if there is no such user. It must be
	// safe for concurrent use.
	Lookup func(user string) (Secret, bool)
	// Algorithms are those of the challenges, the preferred one first; nil means
	// SHA-256 and MD5. SHA-512-256 is known as well. See RFC 8760.
	Algorithms []string
	// NonceLife is how long a nonce is accepted; 0 means 5 minutes.
	NonceLife time.Duration
	// Proxy challenges with 407 and Proxy-Authenticate instead of 401.
	Proxy bool
	// AnyURI accepts credentials for another Request-URI as well. A proxy may
	// rewrite the Request-URI. See RFC 3261, section 22.4.
	AnyURI bool
}

// A Secret is a user's password, or the hashes that replace it.
type Secret struct {
	Password string
	// HA1 has, by algorithm in upper case, the hash of user, realm and password,
	// in hexadecimal. See RFC 7616, section 3.4.2.
	HA1 map[string]string
}

// An Authenticator challenges requests for digest credentials and checks them. See RFC
// 3261, section 22, RFC 7616 and RFC 8760. It is safe for concurrent use.
//
// A nonce is accepted for NonceLife, and each of its counts once. The counts of
// MaxNonces nonces are kept; beyond that, the oldest nonces become stale early.
type Authenticator struct {
	verifier *digestauth.Verifier
	proxy    bool
}

// NewAuthenticator makes an Authenticator.
func NewAuthenticator(cfg AuthConfig) *Authenticator {
	if cfg.NonceLife <= 0 {
		cfg.NonceLife = 5 * time.Minute
	}
	if len(cfg.Algorithms) == 0 {
		cfg.Algorithms = []string{"SHA-256", "MD5"}
	}
	lookup := func(user string) (digestauth.Secret, bool) {
		s, ok := cfg.Lookup(user)
		return digestauth.Secret(s), ok
	}
	return &Authenticator{proxy: cfg.Proxy, verifier: digestauth.NewVerifier(digestauth.Config{
		Realm: cfg.Realm, Lookup: lookup, Algorithms: cfg.Algorithms, NonceLife: cfg.NonceLife, MaxNonces: MaxNonces, AnyURI: cfg.AnyURI,
	})}
}

// Check returns the user whose valid credentials a request has. Otherwise the error holds
// a *StatusError: a 401 or 407, whose headers Challenge makes, or a 400 for credentials
// for another Request-URI.
func (a *Authenticator) Check(req *sip.Request) (user string, err error) {
	_, answer := a.headers()
	var values []string
	for _, h := range req.GetHeaders(answer) {
		values = append(values, h.Value())
	}
	user, err = a.verifier.Verify(values, digestauth.Request{Method: req.Method.String(), URI: req.Recipient.String()})
	switch {
	case err == nil:
		return user, nil
	case errors.Is(err, digestauth.ErrWrongURI):
		return "", &StatusError{Code: 400, Reason: "Bad Request (digest-uri)"} // [RFC7616-3.4.6]
	}
	status := &StatusError{Code: a.code(), Reason: grammar.ReasonPhrase(a.code())}
	return "", &refusal{StatusError: status, stale: errors.Is(err, digestauth.ErrStale)}
}

// A refusal is a 401 or 407 that remembers whether only the nonce was at fault.
type refusal struct {
	*StatusError
	stale bool
}

func (r *refusal) Unwrap() error { return r.StatusError }

// Challenge makes the headers of the response to a request whose Check has failed with
// err: a challenge for each algorithm, the preferred one first.
func (a *Authenticator) Challenge(err error) []Header {
	var status *StatusError
	if errors.As(err, &status) && status.Code != a.code() {
		return nil
	}
	var r *refusal
	stale := errors.As(err, &r) && r.stale
	ask, _ := a.headers()
	var headers []Header
	for _, value := range a.verifier.Challenges(stale) {
		headers = append(headers, Header{ask, value})
	}
	return headers
}

// Authenticate returns the user whose valid credentials a request has. Otherwise it
// answers the request with a challenge and returns false; the caller must not answer it
// again. It is for Handlers.Intercept and Handlers.Other.
func (ua *UA) Authenticate(a *Authenticator, req *sip.Request, tx sip.ServerTransaction) (user string, ok bool) {
	user, challenge := ua.Ask(a, req)
	if challenge != nil {
		ua.RespondOnce(req, tx, challenge)
	}
	return user, challenge == nil
}

// Ask returns the user whose valid credentials a request has, or the challenge to answer
// it with. It is for Handlers.Admit.
func (ua *UA) Ask(a *Authenticator, req *sip.Request) (user string, challenge *sip.Response) {
	user, err := a.Check(req)
	if err == nil {
		return user, nil
	}
	var status *StatusError
	errors.As(err, &status)
	return "", ua.response(req, status.Code, status.Reason, a.Challenge(err)...)
}

// Authenticate returns the user whose valid credentials the INVITE has. Otherwise it
// rejects the INVITE with a challenge and returns false; the caller must not answer it
// again.
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
	if a.proxy {
		return sip.StatusProxyAuthRequired
	}
	return sip.StatusUnauthorized
}

func (a *Authenticator) headers() (ask, answer string) {
	if a.proxy {
		return "Proxy-Authenticate", "Proxy-Authorization"
	}
	return "WWW-Authenticate", "Authorization"
}
