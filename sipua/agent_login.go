package sipua

import (
	"fmt"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"github.com/gomscp/gomscp/sipua/internal/digestauth"
)

// A login is the user and password that answer challenges. If it is empty,
// Config.Credentials is asked.
type login struct{ user, password string }

// challenges count the challenges that were answered for one request.
type challenges struct {
	rounds   int
	answered map[string]bool // by header name and realm
}

func isChallenge(res *sip.Response) bool {
	return res.StatusCode == sip.StatusUnauthorized || res.StatusCode == sip.StatusProxyAuthRequired
}

// credentials returns the login for a realm.
func (ua *agent) credentials(l login, realm string) (login, bool) {
	if l.password != "" {
		return l, true
	}
	if ua.cfg.Credentials == nil {
		return login{}, false
	}
	user, password, ok := ua.cfg.Credentials(realm)
	return login{user, password}, ok
}

// answerChallenge makes the next attempt at a request: with credentials for each realm in
// res, a new CSeq, and no Via, so that it gets a new branch. It is nil if there are no
// credentials, or if they were refused before. See RFC 3261, section 22.2, and RFC 8760.
func (ua *agent) answerChallenge(req *sip.Request, res *sip.Response, l login, tried *challenges, nextSeq func() uint32) (*sip.Request, error) {
	ask, answer := "WWW-Authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	if tried.rounds++; tried.rounds > maxChallenges {
		return nil, nil
	}
	next := req.Clone()
	done := map[string]bool{}
	cause := fmt.Errorf("%d without %s", res.StatusCode, ask)
	for _, h := range res.GetHeaders(ask) {
		challenge, err := digestauth.ParseChallenge(h.Value())
		if err != nil {
			cause = err
			continue
		}
		key := ask + " " + challenge.Realm
		if done[key] {
			continue // the first is the one preferred [RFC8760-2.4]
		}
		own, ok := ua.credentials(l, challenge.Realm)
		if !ok || tried.answered[key] && !challenge.Stale {
			return nil, nil
		}
		to := digestauth.Request{Method: req.Method.String(), URI: req.Recipient.String(), Body: req.Body()}
		credentials, err := digestauth.Answer(challenge, to, own.user, own.password)
		if err != nil {
			cause = err
			continue
		}
		setCredentials(next, answer, credentials)
		done[key] = true
	}
	if len(done) == 0 {
		if _, ok := ua.credentials(l, ""); !ok && l.password == "" {
			return nil, nil
		}
		return nil, fmt.Errorf("sipua: no usable challenge: %w", cause)
	}
	if tried.answered == nil {
		tried.answered = map[string]bool{}
	}
	for key := range done {
		tried.answered[key] = true
	}
	next.RemoveHeader("Via")
	next.CSeq().SeqNo = nextSeq()
	return next, nil
}

// setCredentials replaces the credentials of the same realm.
func setCredentials(req *sip.Request, header string, credentials *digest.Credentials) {
	old := req.GetHeaders(header)
	RemoveHeaders(req, header)
	for _, h := range old {
		if c, err := digestauth.ParseCredentials(h.Value()); err == nil && c.Realm != credentials.Realm {
			req.AppendHeader(sip.NewHeader(header, h.Value()))
		}
	}
	req.AppendHeader(sip.NewHeader(header, credentials.String()))
}
