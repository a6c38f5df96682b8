package access

import (
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/budget"
	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/sipua"
)

// Why a request of the outside is rejected, as metrics and logs have it.
const (
	rejectStranger    = "stranger"
	rejectCredentials = "credentials"
	rejectFrom        = "from"
)

// GateConfig is what a Gate needs.
type GateConfig struct {
	Rules      *Rules
	Limits     Limits
	Memory     *budget.Budget // of which calls take their part; nil: no limit
	RetryAfter time.Duration  // to wait for the end of other calls
	// Ready waits until requests can be served; it reports false if the server closes.
	Ready    func() bool
	Rejected func(why string) // counts a request that was not let in
	Log      *slog.Logger
}

// A Gate lets requests of the outside in, or answers them. Its methods can be called from
// several goroutines.
type Gate struct {
	cfg    GateConfig
	ua     *sipua.UA // set before Ready reports true
	rules  atomic.Pointer[Rules]
	limits *limiter
	quiet  quietlog.Log // for what strangers do
}

// NewGate makes a gate. The user agent that it answers with is set by Use.
func NewGate(cfg GateConfig) *Gate {
	g := &Gate{cfg: cfg, limits: newLimiter(cfg.Limits, cfg.Memory, cfg.RetryAfter)}
	g.rules.Store(cfg.Rules)
	return g
}

// Use sets the user agent, before Ready reports true.
func (g *Gate) Use(ua *sipua.UA) { g.ua = ua }

// Change replaces rules and limits. Calls that are there stay, and count on.
func (g *Gate) Change(rules *Rules, limits Limits) {
	g.rules.Store(rules)
	g.limits.set(limits)
}

// Begin counts a call that was let in. The end function gives its place back; calling it
// again does nothing. If the call is over a limit, it is to be answered with that.
func (g *Gate) Begin(in *sipua.IncomingCall, caller, recipient string) (end func(), over *OverLimit) {
	stranger := !g.IsPeer(in.Peer.Addr.Addr(), in.Peer.Names)
	if end, over = g.limits.begin(caller, recipient, stranger); over != nil {
		code, _ := over.Code()
		g.rejected(over.Why, in.Source, code)
	}
	return end, over
}

// limited rejects a request whose source is over its rate.
func (g *Gate) limited(req *sip.Request, tx sip.ServerTransaction, peer sipua.Peer) bool {
	over := g.limits.source(peer.Addr.Addr())
	if over == nil {
		return false
	}
	code, reason := over.Code()
	g.reject(req, tx, over.Why, code, reason, sip.NewHeader("Retry-After", over.RetryAfter()))
	return true
}

// IsPeer reports whether requests from there are let in without credentials.
func (g *Gate) IsPeer(addr netip.Addr, names []string) bool {
	a := g.rules.Load()
	return a.trusted.Has(addr, names) || a.peers.Has(addr, names)
}

// Intercept sees every request of a peer's before anything else does, and those of strangers
// that Judge has let in, and reports whether it has answered it. What is within a dialog
// has proved itself by the dialog's tags, except that a NOTIFY may come before its dialog.
// P-Asserted-Identity remains in a request only from who is trusted to have it.
func (g *Gate) Intercept(req *sip.Request, tx sip.ServerTransaction) bool {
	if tx == nil || tagOf(req.To()) != "" && req.Method != sip.NOTIFY {
		return false
	}
	if !g.cfg.Ready() {
		return true
	}
	a, peer := g.rules.Load(), g.ua.Peer(req)
	if a.trusted.Has(peer.Addr.Addr(), peer.Names) {
		return false
	}
	sipua.RemoveHeaders(req, headerAsserted) // [RFC3325-5] of others it must not be used
	if !a.peers.Has(peer.Addr.Addr(), peer.Names) {
		return false // Judge has let it in
	}
	if g.limited(req, tx, peer) {
		return true
	}
	if a.peers.HasAddr(peer.Addr.Addr()) || vouches(peer.Names, req.From()) {
		return false
	}
	g.reject(req, tx, rejectFrom, 403, "Forbidden (From is not of this certificate)")
	return true
}

// Judge lets a stranger's request in, with nil, or makes the answer. Nothing is kept of
// what it refuses, and the answer goes out once: a stranger need not be who his address
// says.
func (g *Gate) Judge(req *sip.Request, peer sipua.Peer) *sip.Response {
	if !g.cfg.Ready() {
		return sip.NewResponseFromRequest(req, 503, "Server Is Closing", nil)
	}
	if over := g.limits.source(peer.Addr.Addr()); over != nil {
		code, reason := over.Code()
		return g.rejection(req, over.Why, code, reason, sip.NewHeader("Retry-After", over.RetryAfter()))
	}
	a := g.rules.Load()
	if a.ask == nil || req.Method == sip.REGISTER || req.Method == sip.NOTIFY { // of other servers only
		return g.rejection(req, rejectStranger, 403, "")
	}
	return g.challenge(a, req)
}

// challenge asks for credentials, and compares From with whose they are.
func (g *Gate) challenge(a *Rules, req *sip.Request) *sip.Response {
	user, challenge := g.ua.Ask(a.ask, req)
	if challenge != nil {
		if req.GetHeader("Authorization") != nil {
			g.rejected(rejectCredentials, req.Source(), 401)
		}
		return challenge
	}
	from, err := sipua.CanonicalURI(req.From().Address.String())
	if err != nil || !a.users.owns(user, from) {
		return g.rejection(req, rejectFrom, 403, "Forbidden (From is not the user's)")
	}
	return nil
}

// reject answers a request that is not let in; phrase "" means the usual one.
func (g *Gate) reject(req *sip.Request, tx sip.ServerTransaction, why string, code int, phrase string, headers ...sip.Header) {
	g.ua.RespondOnce(req, tx, g.rejection(req, why, code, phrase, headers...))
}

// rejection makes that answer, and counts it.
func (g *Gate) rejection(req *sip.Request, why string, code int, phrase string, headers ...sip.Header) *sip.Response {
	if phrase == "" {
		phrase = "Forbidden"
	}
	res := sip.NewResponseFromRequest(req, code, phrase, nil)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	g.rejected(why, req.Source(), code)
	return res
}

// rejected counts a rejection and logs the first of its kind.
func (g *Gate) rejected(why, source string, code int) {
	g.cfg.Rejected(why)
	g.quiet.Warn(g.cfg.Log, "request rejected", why, "source", source, "code", code)
}

// tagOf is the tag of a To header, "" without one.
func tagOf(to *sip.ToHeader) string {
	if to == nil {
		return ""
	}
	tag, _ := to.Params.Get("tag")
	return tag
}
