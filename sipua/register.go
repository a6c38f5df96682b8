package sipua

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/wait"
	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// RegisterRequest describes a registration. Registrar and AOR are needed.
type RegisterRequest struct {
	Registrar      string // Request-URI, "sip:example.com"
	AOR            string // the address of record: From and To
	User, Password string // credentials, if the registrar asks for them
	Expires        time.Duration
	Destination    string // as in InviteRequest
}

// A Registration binds the user agent's Contact to an address of record. It is refreshed
// until Unregister or Close of the user agent.
type Registration struct {
	ua     *agent
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

// Register registers and returns when the registrar has accepted. A refusal is a
// *StatusError.
func (ua *UA) Register(ctx context.Context, r RegisterRequest) (*Registration, error) {
	g := &Registration{ua: ua.agent, r: r, callID: token() + "@" + ua.host, tag: token(), done: make(chan struct{})}
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

// register sends one REGISTER and returns the granted lifetime. If the registrar requires
// a longer lifetime, that is requested from then on. All REGISTERs of a registration have
// the same Call-ID and an increasing CSeq. See RFC 3261, section 10.2.
func (g *Registration) register(ctx context.Context, expires time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, t64)
	defer cancel()
	for tries := 1; ; tries++ {
		req, err := g.newRegister(expires)
		if err != nil {
			return 0, err
		}
		res, err := g.ua.do(ctx, req, login{g.r.User, g.r.Password}, g.nextSeq)
		if err != nil {
			return 0, err
		}
		if res.IsSuccess() {
			return grantedExpires(res, g.ua, expires), nil
		}
		longer := minExpires(res, expires)
		if res.StatusCode != 423 || longer == 0 || expires == 0 || tries == maxTooBrief {
			return 0, statusError(res)
		}
		expires, g.r.Expires = longer, longer // [RFC3261-10.2.8]
	}
}

func (g *Registration) newRegister(expires time.Duration) (*sip.Request, error) {
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

// grantedExpires returns the lifetime of our binding: the expires parameter of our
// Contact, else the Expires header, else the requested lifetime, which is also the
// maximum. 0 means that the registrar has no binding of ours. See RFC 3261, section
// 10.2.4.
func grantedExpires(res *sip.Response, ua *agent, asked time.Duration) time.Duration {
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok || !ua.isOwn(&c.Address) {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			if d, ok := grammar.DeltaSeconds(strings.TrimSpace(v)); ok {
				return min(d, asked)
			}
		}
	}
	if d, ok := grammar.DeltaSeconds(strings.TrimSpace(headerValue(res, "Expires"))); ok {
		return min(d, asked)
	}
	return asked
}

// refresh registers again in time, until ctx ends.
func (g *Registration) refresh(ctx context.Context, granted time.Duration) {
	defer close(g.done)
	retry := pauses{timers: &g.ua.cfg.timers}
	trouble := ""
	next := refreshAfter(granted, &retry)
	for {
		if !wait.For(next, ctx.Done()) {
			return
		}
		granted, err := g.register(ctx, g.r.Expires)
		if err != nil {
			b := registerSetback(err)
			next = retry.step(b.remedy, b.after)
			if b.cause != trouble && ctx.Err() == nil {
				g.ua.log.Warn("REGISTER failed; trying again later", "aor", g.r.AOR, "in", next, "err", err)
			}
			trouble = b.cause
			continue
		}
		if trouble != "" {
			g.ua.log.Info("registered again", "aor", g.r.AOR, "after", trouble)
			trouble = ""
		}
		next = refreshAfter(granted, &retry)
	}
}

// refreshAfter returns when a binding with that lifetime is refreshed. If the registrar
// keeps no binding, the pauses grow.
func refreshAfter(granted time.Duration, retry *pauses) time.Duration {
	if granted == 0 {
		return retry.step(askLater, 0)
	}
	retry.reset()
	return max(granted, minLife) * 4 / 5
}

// registerSetback returns when a failed REGISTER is repeated. If it would be refused
// again, the pauses are longer.
func registerSetback(err error) setback {
	var status *StatusError
	if !errors.As(err, &status) {
		return setback{cause: "no answer", remedy: askLater}
	}
	b := setback{cause: fmt.Sprint(status.Code), remedy: askLater, after: status.RetryAfter()}
	if asksInVain(status.Code) {
		b.remedy = askSlowly
	}
	return b
}

// Unregister removes the binding and stops refreshing it.
func (g *Registration) Unregister(ctx context.Context) error {
	g.cancel()
	<-g.done
	_, err := g.register(ctx, 0)
	return err
}
