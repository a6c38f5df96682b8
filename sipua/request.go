package sipua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Header is one header field that a caller adds.
type Header struct{ Name, Value string }

// A target is where requests go: an address and a transport.
type target struct {
	addr      string // host:port
	transport string // UDP, TCP or TLS
}

// CheckDestination tells what is wrong with a destination; see InviteRequest.
func CheckDestination(s string) error {
	_, err := parseDestination(s)
	return err
}

// parseDestination reads "host:port", "host:port;transport=tls" or a SIP URI, which may
// also stand in angle brackets, as in a Route header.
func parseDestination(s string) (t target, err error) {
	bare, err := AddressURI(s)
	if err != nil {
		return target{}, err
	}
	if scheme, _, _ := strings.Cut(bare, ":"); !strings.EqualFold(scheme, "sip") && !strings.EqualFold(scheme, "sips") {
		bare = "sip:" + bare
	}
	if _, err := CanonicalURI(bare); err != nil {
		return target{}, fmt.Errorf("sipua: destination %q is not of the form host:port;transport=tcp: %w", s, err)
	}
	var uri sip.Uri
	if err := sip.ParseUri(bare, &uri); err != nil {
		return target{}, fmt.Errorf("sipua: destination %q is not of the form host:port;transport=tcp: %w", s, err)
	}
	switch t = uriTarget(&uri); t.transport {
	case "UDP", "TCP", "TLS":
		return t, nil
	}
	return target{}, fmt.Errorf("sipua: destination %q: the transport %q is none of udp, tcp, tls", s, strings.ToLower(t.transport))
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
	port := strconv.Itoa(uri.Port)
	if uri.Port == 0 {
		port = defaultPort(t.transport)
	}
	t.addr = net.JoinHostPort(strings.Trim(host(uri), "[]"), port)
	return t
}

// defaultPort is the port where none is named. See RFC 3261, section 19.1.2.
func defaultPort(transport string) string {
	if transport == "TLS" {
		return "5061"
	}
	return "5060"
}

// host is where a URI leads to: its host, unless it names another by maddr. See
// RFC 3263, section 4.
func host(uri *sip.Uri) string {
	if maddr, ok := uri.UriParams.Get("maddr"); ok && maddr != "" {
		return maddr
	}
	return uri.Host
}

// isAddress reports whether a URI leads to an IP address.
func isAddress(uri *sip.Uri) bool {
	_, err := netip.ParseAddr(strings.Trim(host(uri), "[]"))
	return err == nil
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
// its final response. A challenge is answered if Config.Credentials can.
func (ua *UA) Do(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	if ua.cfg.Credentials == nil {
		return ua.once(ctx, req)
	}
	return ua.do(ctx, req, login{}, func() uint32 { return req.CSeq().SeqNo + 1 })
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
// authentication if it is asked for and there are credentials. nextSeq gives the
// CSeq of each further attempt.
func (ua *UA) do(ctx context.Context, req *sip.Request, l login, nextSeq func() uint32) (*sip.Response, error) {
	var tried challenges
	for {
		res, err := ua.once(ctx, req)
		if err != nil || !isChallenge(res) {
			return res, err
		}
		next, err := ua.answerChallenge(req, res, l, &tried, nextSeq)
		if err != nil || next == nil {
			return res, err
		}
		req = next
	}
}

func (ua *UA) once(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	tx, err := ua.start(ctx, req)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	conn, sent, seen := streamOf(tx), time.Now(), false
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
			seen = true
		case <-conn.broken():
			return nil, fmt.Errorf("%s: %w: %w", req.Method, errNoResponse, conn.brokenBy)
		case <-tx.Done():
			return nil, noAnswer(req, sent, seen, transactionError(tx))
		case <-ctx.Done():
			return nil, noAnswer(req, sent, seen, ctx.Err())
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
