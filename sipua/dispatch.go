package sipua

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

const (
	// methods are those that the package takes.
	methods = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, UPDATE, INFO"
	// supported are the extensions that the package knows. See RFC 4028.
	supported = "timer"
)

// allow is the value of our Allow headers.
func (ua *UA) allow() string {
	return strings.Join(append([]string{methods}, ua.h.Methods...), ", ")
}

// route registers what takes each method. It must be complete before anything
// is served.
func (ua *UA) route(srv *sipgo.Server) {
	srv.OnInvite(ua.checked(ua.onInvite))
	srv.OnAck(ua.onAck)
	srv.OnBye(ua.checked(ua.onBye))
	srv.OnOptions(ua.checked(ua.onOptions))
	srv.OnUpdate(ua.checked(ua.onModify))
	srv.OnInfo(ua.checked(ua.onInfo))
	srv.OnNotify(ua.checked(ua.onNotify))
	srv.OnCancel(ua.checked(func(req *sip.Request, tx sip.ServerTransaction) {
		ua.respond(req, tx, 481, "") // it matched no INVITE [RFC3261-9.2]
	}))
	srv.OnNoRoute(ua.checked(ua.onOther))
}

// checked refuses a request that lacks what every request must have, and turns
// a panic of a handler into a 500.
func (ua *UA) checked(h sipgo.RequestHandler) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		defer func() {
			if p := recover(); p != nil {
				ua.log.Error("panic in a SIP request handler", "method", req.Method, "panic", fmt.Sprint(p))
				ua.respond(req, tx, 500, "")
			}
		}()
		if reason := malformed(req); reason != "" {
			ua.log.Debug("SIP request refused", "source", req.Source(), "reason", reason)
			ua.respond(req, tx, 400, "Bad Request ("+reason+")")
			return
		}
		if u := &req.Recipient; len(u.User)+len(u.Host) > MaxURI {
			ua.respond(req, tx, 414, "") // [RFC3261-21.4.12]
			return
		}
		if len(req.Body()) > MaxBody {
			ua.respond(req, tx, 413, "")
			return
		}
		if ua.h.Intercept != nil && req.Method != sip.CANCEL && ua.h.Intercept(req, tx) {
			return
		}
		if uri := req.Recipient.String(); !grammar.IsSIP(uri) && req.Recipient.Scheme != "tel" {
			ua.respond(req, tx, 416, "") // [RFC3261-8.2.2.1]
			return
		}
		if unknown := unsupported(req); len(unknown) > 0 && req.Method != sip.CANCEL {
			ua.respond(req, tx, 420, "", Header{"Unsupported", strings.Join(unknown, ", ")}) // [RFC3261-8.2.2.3]
			return
		}
		h(req, tx)
	}
}

// unsupported are the extensions that a request requires and that we do not
// know.
func unsupported(req *sip.Request) (unknown []string) {
	for _, v := range ListHeader(req, "Require") {
		if !strings.EqualFold(v, supported) {
			unknown = append(unknown, v)
		}
	}
	return unknown
}

// singles are the headers that a request must have exactly once. See RFC 3261,
// sections 8.1.1 and 7.3.1.
var singles = []string{"From", "To", "Call-ID", "CSeq"}

// atMostOnce are headers that describe the body and are no lists. See RFC 3261,
// section 7.3.1.
var atMostOnce = []string{"Content-Type", "Content-Disposition"}

// malformed names what is wrong with a request, "" if nothing is.
func malformed(req *sip.Request) string {
	for _, name := range singles {
		if n := len(req.GetHeaders(name)); n != 1 {
			return fmt.Sprintf("%d %s headers", n, name)
		}
	}
	for _, name := range atMostOnce {
		if n := len(req.GetHeaders(name)); n > 1 {
			return fmt.Sprintf("%d %s headers", n, name)
		}
	}
	switch {
	case req.Via() == nil:
		return "no Via"
	case req.CSeq() == nil || !strings.EqualFold(string(req.CSeq().MethodName), string(req.Method)): // sipgo alters the case; see screen
		return "CSeq method" // [RFC3261-8.1.1.5]
	case tagOf(req.From().Params) == "":
		return "no From tag" // [RFC3261-8.1.1.3]
	case req.CallID().Value() == "":
		return "empty Call-ID"
	case req.MaxForwards() != nil && req.MaxForwards().Val() == 0 && req.Method != sip.OPTIONS && req.Method != sip.ACK:
		return "" // we are the end, not a hop
	}
	return ""
}

// respond sends a response without a body; reason "" means the usual one.
func (ua *UA) respond(req *sip.Request, tx sip.ServerTransaction, code int, reason string, headers ...Header) {
	ua.send(tx, ua.response(req, code, reason, headers...))
}

// response makes a response without a body.
func (ua *UA) response(req *sip.Request, code int, reason string, headers ...Header) *sip.Response {
	if reason == "" {
		reason = grammar.ReasonPhrase(code)
	}
	res := sip.NewResponseFromRequest(req, code, reason, nil)
	for _, h := range headers {
		res.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	return res
}

func (ua *UA) send(tx sip.ServerTransaction, res *sip.Response) {
	if err := tx.Respond(res); err != nil {
		ua.log.Debug("SIP response not sent", "code", res.StatusCode, "err", err)
	}
}

// dialogOf is the dialog that a request belongs to: its To tag is ours, and its
// From tag the peer's, once that is known.
func (ua *UA) dialogOf(req *sip.Request) *Call {
	c := ua.call(dialogKey{req.CallID().Value(), tagOf(req.To().Params)})
	if c == nil {
		return nil
	}
	if known := c.peerTag(); known != "" && known != tagOf(req.From().Params) { // [RFC3261-12.2.2]
		return nil
	}
	return c
}

// peerTag is the peer's tag, "" before there is a dialog.
func (c *Call) peerTag() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return tagOf(c.dialog.remote.Params)
}

func (ua *UA) call(k dialogKey) *Call {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	return ua.calls[k]
}

func (ua *UA) remember(c *Call) {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	if !ua.closed {
		ua.calls[c.key] = c
	}
}

func (ua *UA) forget(c *Call) {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	if ua.calls[c.key] == c {
		delete(ua.calls, c.key)
	}
}

// onInvite takes new calls and re-INVITEs. It returns when the final response
// is acknowledged, since sipgo ends the transaction then.
func (ua *UA) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	if tagOf(req.To().Params) != "" {
		ua.onModify(req, tx)
		return
	}
	if c := ua.call(dialogKey{req.CallID().Value(), tagOf(req.From().Params)}); c != nil && c.uac {
		ua.respond(req, tx, 482, "") // a call of our own has come back to us
		return
	}
	if ua.h.Invite == nil {
		ua.respond(req, tx, 480, "")
		return
	}
	if req.Contact() == nil {
		ua.respond(req, tx, 400, "Bad Request (no Contact)") // [RFC3261-8.1.1.8]
		return
	}
	offer, err := sessionIn(req)
	if err != nil {
		ua.refuseBody(req, tx, err)
		return
	}
	place := ua.enter(ua.Peer(req))
	if place == nil {
		ua.respond(req, tx, 503, "", Header{"Retry-After", "5"})
		return
	}
	in, err := ua.newIncoming(req, tx, offer)
	if err != nil {
		place.Leave()
		reason := "Bad Request (URI)"
		if errors.Is(err, ErrURITooLong) {
			reason = "Bad Request (URI too long)"
		}
		ua.respond(req, tx, 400, reason)
		return
	}
	in.call.mu.Lock()
	agreed, code, headers := in.call.answerTimer(req)
	in.call.mu.Unlock()
	if code != 0 {
		place.Leave()
		ua.respond(req, tx, code, "", headers...)
		return
	}
	in.timer = agreed
	// sipgo keeps the transaction long after the call; it is not to keep all of that.
	var cancellable atomic.Pointer[IncomingCall]
	cancellable.Store(in)
	defer cancellable.Store(nil)
	tx.OnCancel(func(*sip.Request) {
		if in := cancellable.Load(); in != nil {
			in.cancel()
		}
	})
	if err := tx.Respond(in.response(100, "Trying")); err != nil {
		ua.log.Debug("100 not sent", "err", err)
	}
	returned := make(chan struct{})
	started := ua.goroutine(func() {
		defer close(returned)
		defer place.Leave()
		ua.runInvite(in)
	})
	if !started {
		place.Leave()
		return
	}
	ua.awaitFinished(in, returned)
}

// refuseBody answers a request whose body is not understood. See RFC 3261, section
// 8.2.3.
func (ua *UA) refuseBody(req *sip.Request, tx sip.ServerTransaction, err error) {
	ua.log.Info("SIP request refused", "method", req.Method, "source", req.Source(), "call", req.CallID().Value(), "err", err)
	var status *StatusError
	errors.As(err, &status)
	ua.respond(req, tx, status.Code, status.Reason, status.Headers...)
}

// runInvite calls the handler, and makes up for what it leaves undone.
func (ua *UA) runInvite(in *IncomingCall) {
	defer func() {
		if p := recover(); p != nil {
			ua.log.Error("panic in the Invite handler", "call", in.ID().CallID, "panic", fmt.Sprint(p))
		}
		_ = in.Reject(500, "")
	}()
	ua.h.Invite(in)
}

// awaitFinished waits until the transaction is needed no more: a final response
// of ours was acknowledged, or the handler has returned.
func (ua *UA) awaitFinished(in *IncomingCall, returned <-chan struct{}) {
	select {
	case <-in.final:
	case <-in.cancelled:
		return
	case <-returned:
		return
	}
	if in.answered {
		returned = nil // the 2xx may still have to be repeated
	}
	select {
	case <-in.ack.done:
	case <-in.call.done:
	case <-in.tx.Done():
	case <-returned:
	}
}

// enter counts a new call; nil if there are too many.
func (ua *UA) enter(from Peer) *admit.Place {
	ua.mu.Lock()
	closed := ua.closed
	ua.mu.Unlock()
	if closed {
		return nil
	}
	place, err := ua.rings.Enter(from.Addr.Addr(), ua.isPeer(from.Addr.Addr(), from.Names), func() {})
	if err != nil {
		return nil
	}
	place.Prove() // nobody loses a call for another's
	return place
}

// onAck takes the ACK for a 2xx of ours. A BYE may have overtaken it.
func (ua *UA) onAck(req *sip.Request, _ sip.ServerTransaction) {
	if malformed(req) != "" || ua.h.Intercept != nil && ua.h.Intercept(req, nil) {
		return
	}
	if c := ua.dialogOf(req); c != nil {
		c.takeAck(req)
	}
}

// onBye ends a dialog.
func (ua *UA) onBye(req *sip.Request, tx sip.ServerTransaction) {
	c := ua.dialogOf(req)
	if c == nil {
		ua.respond(req, tx, 481, "") // [RFC3261-15.1.2]
		return
	}
	c.mu.Lock()
	inOrder := c.inOrder(req)
	c.mu.Unlock()
	if !inOrder {
		ua.respond(req, tx, 500, "", retryLater()...) // [RFC3261-12.2.2]
		return
	}
	ua.forget(c) // what comes after the 200 finds no dialog
	ua.respond(req, tx, 200, "")
	c.end(nil)
}

func (ua *UA) onOptions(req *sip.Request, tx sip.ServerTransaction) {
	if tagOf(req.To().Params) != "" && ua.dialogOf(req) == nil { // who asks wants to know whether the call is there
		ua.respond(req, tx, 481, "") // [RFC3261-12.2.2]
		return
	}
	ua.respond(req, tx, 200, "", Header{"Allow", ua.allow()}, Header{"Accept", sdpType}, Header{"Accept-Encoding", "identity"}, Header{"Supported", supported}) // [RFC3261-11.2]
}

func (ua *UA) onOther(req *sip.Request, tx sip.ServerTransaction) {
	if ua.h.Other != nil && (len(ua.h.Methods) == 0 || slices.Contains(ua.h.Methods, string(req.Method))) {
		ua.h.Other(req, tx)
		return
	}
	code := 501 // [RFC3261-21.5.2]
	if grammar.KnownMethod(string(req.Method)) {
		code = 405 // [RFC3261-8.2.1]
	}
	ua.respond(req, tx, code, "", Header{"Allow", ua.allow()})
}
