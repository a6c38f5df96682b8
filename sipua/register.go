package sipua

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// RegisterRequest describes a registration. Registrar and AOR are needed.
type RegisterRequest struct {
	Registrar      string // Request-URI, "sip:example.com"
	AOR            string // the address of record: From and To
	User, Password string // credentials, if the registrar asks for them
	Expires        time.Duration
	Destination    string // as in InviteRequest
}

// A Registration binds the user agent's Contact to an address of record, and
// is refreshed until Unregister or the end of the user agent.
type Registration struct {
	ua     *UA
	r      RegisterRequest
	uri    sip.Uri
	to     target
	callID string
	tag    string

	cancel context.CancelFunc
	done   chan struct{}

	mu  sync.Mutex
	seq uint32
}

// Register registers and returns when the registrar has accepted, or with its
// *StatusError.
func (ua *UA) Register(ctx context.Context, r RegisterRequest) (*Registration, error) {
	g := &Registration{ua: ua, r: r, callID: token() + "@" + ua.host, tag: token(), done: make(chan struct{})}
	if err := sip.ParseUri(r.Registrar, &g.uri); err != nil {
		return nil, fmt.Errorf("sipua: registrar %q: %w", r.Registrar, err)
	}
	g.to = uriTarget(&g.uri)
	if r.Destination != "" {
		var err error
		if g.to, err = parseDestination(r.Destination); err != nil {
			return nil, err
		}
	}
	if g.r.Expires <= 0 {
		g.r.Expires = defaultExpires
	}
	granted, err := g.register(ctx, g.r.Expires)
	if err != nil {
		return nil, err
	}
	rctx, cancel := context.WithCancel(ua.ctx)
	g.cancel = cancel
	if !ua.goroutine(func() { g.refresh(rctx, granted) }) {
		cancel()
		return nil, ErrClosed
	}
	return g, nil
}

// register sends one REGISTER and returns the time that the registrar grants.
// All of a registration share the Call-ID, and their CSeq increases. See RFC
// 3261, section 10.2.
func (g *Registration) register(ctx context.Context, expires time.Duration) (time.Duration, error) {
	req, err := g.request(expires)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, t64)
	defer cancel()
	res, err := g.ua.do(ctx, req, login{g.r.User, g.r.Password}, g.nextSeq)
	if err != nil {
		return 0, err
	}
	if !res.IsSuccess() {
		return 0, statusError(res)
	}
	return grantedExpires(res, g.ua, expires), nil
}

func (g *Registration) request(expires time.Duration) (*sip.Request, error) {
	from, err := parseFrom(g.r.AOR)
	if err != nil {
		return nil, err
	}
	to, err := parseTo(g.r.AOR)
	if err != nil {
		return nil, err
	}
	from.Params.Add("tag", g.tag)
	seq := g.nextSeq()
	req := g.ua.newRequest(sip.REGISTER, *g.uri.Clone(), g.to)
	callID := sip.CallIDHeader(g.callID)
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: sip.REGISTER})
	req.AppendHeader(&sip.ContactHeader{Address: g.ua.contactURI(g.to.transport, g.uri.Scheme)})
	req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(expires/time.Second))))
	req.SetBody(nil)
	return req, nil
}

func (g *Registration) nextSeq() uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seq++
	return g.seq
}

// grantedExpires reads how long our binding lasts: from the expires parameter
// of our Contact, else from the Expires header, else as asked for.
func grantedExpires(res *sip.Response, ua *UA, asked time.Duration) time.Duration {
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok || !ua.isOwn(&c.Address) {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.Atoi(v); err == nil && n > 0 {
				return time.Duration(n) * time.Second
			}
		}
	}
	if n, err := strconv.Atoi(headerValue(res, "Expires")); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return asked
}

// refresh registers again in time, until ctx ends.
func (g *Registration) refresh(ctx context.Context, granted time.Duration) {
	defer close(g.done)
	retry := subscribeRetryMin
	next := max(granted*4/5, time.Second)
	for {
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		granted, err := g.register(ctx, g.r.Expires)
		if err != nil {
			g.ua.log.Warn("REGISTER failed; trying on", "aor", g.r.AOR, "in", retry, "err", err)
			next, retry = retry, min(2*retry, subscribeRetryMax)
			continue
		}
		next, retry = max(granted*4/5, time.Second), subscribeRetryMin
	}
}

// Unregister removes the binding and ends the refreshing.
func (g *Registration) Unregister(ctx context.Context) error {
	g.cancel()
	<-g.done
	_, err := g.register(ctx, 0)
	return err
}
