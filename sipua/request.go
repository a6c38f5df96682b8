package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// Header is one header field that a caller adds.
type Header struct{ Name, Value string }

// A target is where requests go: an address and a transport.
type target struct {
	addr      string // host:port
	transport string // UDP, TCP or TLS
}

// parseDestination reads "host:port", "host:port;transport=tls" or a SIP URI.
func parseDestination(s string) (target, error) {
	if !strings.HasPrefix(s, "sip:") && !strings.HasPrefix(s, "sips:") {
		s = "sip:" + s
	}
	var uri sip.Uri
	if err := sip.ParseUri(s, &uri); err != nil {
		return target{}, fmt.Errorf("sipua: destination %q: %w", s, err)
	}
	return uriTarget(&uri), nil
}

// uriTarget is where a URI leads to.
func uriTarget(uri *sip.Uri) target {
	t := target{transport: "UDP"}
	if v, ok := uri.UriParams.Get("transport"); ok {
		t.transport = strings.ToUpper(v)
	}
	if strings.EqualFold(uri.Scheme, "sips") { // [RFC3261-26.2.2]
		t.transport = "TLS"
	}
	port := uri.Port
	if port == 0 {
		port = 5060
		if t.transport == "TLS" {
			port = 5061
		}
	}
	t.addr = net.JoinHostPort(strings.Trim(uri.Host, "[]"), fmt.Sprint(port))
	return t
}

// newRequest makes a request of ours with the headers that all have.
func (ua *UA) newRequest(method sip.RequestMethod, uri sip.Uri, t target) *sip.Request {
	req := sip.NewRequest(method, uri)
	req.SetTransport(t.transport)
	req.SetDestination(t.addr)
	maxForwards := sip.MaxForwardsHeader(70)
	req.AppendHeader(&maxForwards)
	if ua.cfg.UserAgent != "" {
		req.AppendHeader(sip.NewHeader("User-Agent", ua.cfg.UserAgent))
	}
	return req
}

func setBody(m interface {
	AppendHeader(sip.Header)
	SetBody([]byte)
}, body []byte, contentType string) {
	if len(body) > 0 {
		m.AppendHeader(sip.NewHeader("Content-Type", contentType))
	}
	m.SetBody(body)
}

// Transact sends a request that the caller has made, to its destination, in a
// transaction of its own. A Via is added if it has none.
func (ua *UA) Transact(ctx context.Context, req *sip.Request) (sip.ClientTransaction, error) {
	return ua.start(ctx, req)
}

// Send sends a request that the caller has made without a transaction, as a
// proxy does with the ACK for a 2xx.
func (ua *UA) Send(ctx context.Context, req *sip.Request) error { return ua.write(ctx, req) }

// Do sends a request that the caller has made, other than INVITE, and returns
// its final response.
func (ua *UA) Do(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	return ua.once(ctx, req)
}

// start sends a request in a transaction of its own.
func (ua *UA) start(ctx context.Context, req *sip.Request) (sip.ClientTransaction, error) {
	conn, err := ua.connect(ctx, req)
	if err != nil {
		return nil, err
	}
	tx, err := ua.client(req.Transport()).TransactionRequest(ctx, req)
	if err != nil {
		select {
		case <-conn.broken(): // the peer has refused us, which is the reason
			err = conn.brokenBy
		default:
		}
		return nil, fmt.Errorf("%s: %w", req.Method, err)
	}
	return tx, nil
}

// write sends a request outside transactions: the ACK for a 2xx.
func (ua *UA) write(ctx context.Context, req *sip.Request) error {
	if _, err := ua.connect(ctx, req); err != nil {
		return err
	}
	return ua.client(req.Transport()).WriteRequest(req)
}

// do sends a request that is no INVITE and returns its final response, after
// one round of digest authentication if it is asked for and a password is
// given.
func (ua *UA) do(ctx context.Context, req *sip.Request, user, password string) (*sip.Response, error) {
	res, err := ua.once(ctx, req)
	if err != nil || password == "" || !isChallenge(res) {
		return res, err
	}
	if err := authorize(req, res, user, password); err != nil {
		return nil, err
	}
	return ua.once(ctx, req)
}

func (ua *UA) once(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	tx, err := ua.start(ctx, req)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	conn := streamOf(tx)
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-conn.broken():
			return nil, fmt.Errorf("%s: %w: %w", req.Method, errNoResponse, conn.brokenBy)
		case <-tx.Done():
			return nil, transactionError(tx)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ua.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// errNoResponse says that a transaction ended without a final response.
var errNoResponse = errors.New("sipua: no response")

func transactionError(tx sip.ClientTransaction) error {
	if err := tx.Err(); err != nil {
		return fmt.Errorf("%w: %w", errNoResponse, err)
	}
	return errNoResponse
}

func isChallenge(res *sip.Response) bool {
	return res.StatusCode == sip.StatusUnauthorized || res.StatusCode == sip.StatusProxyAuthRequired
}

// authorize turns req into its next attempt: with credentials for the
// challenge in res, a CSeq one higher, and to be sent with a new branch. See
// RFC 3261, section 22.2, and RFC 8760.
func authorize(req *sip.Request, res *sip.Response, user, password string) error {
	ask, answer := "WWW-Authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	err := fmt.Errorf("sipua: %d without %s", res.StatusCode, ask)
	for _, h := range res.GetHeaders(ask) {
		var challenge *digest.Challenge
		if challenge, err = digest.ParseChallenge(h.Value()); err != nil {
			continue
		}
		challenge.Algorithm = strings.ToUpper(challenge.Algorithm)
		var credentials *digest.Credentials
		credentials, err = digest.Digest(challenge, digest.Options{
			Method: req.Method.String(), URI: req.Recipient.String(), Username: user, Password: password,
		})
		if err != nil {
			continue
		}
		req.RemoveHeader(answer)
		req.AppendHeader(sip.NewHeader(answer, credentials.String()))
		req.RemoveHeader("Via")
		req.CSeq().SeqNo++
		return nil
	}
	return fmt.Errorf("sipua: no usable challenge: %w", err)
}
