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

// route registers the handler of each method. It must be complete before anything is
// served.
func (ua *UA) route(srv *sipgo.Server) {
	srv.OnInvite(ua.checked(ua.onInvite))
	srv.OnAck(ua.onAck)
	srv.OnBye(ua.checked(ua.onBye))
	srv.OnOptions(ua.checked(ua.onOptions))
	srv.OnUpdate(ua.checked(ua.calls.onModify))
	srv.OnInfo(ua.checked(ua.calls.onInfo))
	srv.OnNotify(ua.checked(ua.subs.onNotify))
	srv.OnCancel(ua.checked(func(req *sip.Request, tx sip.ServerTransaction) {
		ua.respond(req, tx, 481, "") // it matched no INVITE [RFC3261-9.2]
	}))
	srv.OnNoRoute(ua.checked(ua.onOther))
}

// checked refuses requests that lack required headers, and turns a panic of a handler
// into a 500.
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

// unsupported returns the extensions that a request requires and that we do not support.
func unsupported(req *sip.Request) (unknown []string) {
	for _, v := range ListHeader(req, "Require") {
		if !strings.EqualFold(v, supported) {
			unknown = append(unknown, v)
		}
	}
	return unknown
}

// onInvite handles new calls and re-INVITEs. It returns when the final response is
// acknowledged, because sipgo then ends the transaction.
func (ua *UA) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	if tagOf(req.To().Params) != "" {
		ua.calls.onModify(req, tx)
		return
	}
	if c := ua.calls.call(dialogKey{req.CallID().Value(), tagOf(req.From().Params)}); c != nil && c.uac {
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
	in := ua.openCall(req, tx, offer)
	if in == nil {
		place.Leave()
		return
	}
	ua.serveCall(in, place)
}

// openCall makes the call of an INVITE, or refuses the INVITE and returns nil.
func (ua *UA) openCall(req *sip.Request, tx sip.ServerTransaction, offer description) *IncomingCall {
	in, err := ua.calls.newIncoming(req, tx, offer)
	if err != nil {
		reason := "Bad Request (URI)"
		if errors.Is(err, ErrURITooLong) {
			reason = "Bad Request (URI too long)"
		}
		ua.respond(req, tx, 400, reason)
		return nil
	}
	in.call.mu.Lock()
	agreed, code, headers := in.call.answerTimer(req)
	in.call.mu.Unlock()
	if code != 0 {
		ua.respond(req, tx, code, "", headers...)
		return nil
	}
	in.timer = agreed
	return in
}

// serveCall runs the handler of a call, and returns when the transaction is not needed any
// more.
func (ua *UA) serveCall(in *IncomingCall, place *admit.Place) {
	// sipgo keeps the transaction long after the call, but must not keep the call.
	var cancellable atomic.Pointer[IncomingCall]
	cancellable.Store(in)
	defer cancellable.Store(nil)
	in.tx.OnCancel(func(*sip.Request) {
		if in := cancellable.Load(); in != nil {
			in.cancel()
		}
	})
	if err := in.tx.Respond(in.response(100, "Trying")); err != nil {
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

// runInvite calls the handler, and rejects the call if the handler has not answered.
func (ua *UA) runInvite(in *IncomingCall) {
	defer func() {
		if p := recover(); p != nil {
			ua.log.Error("panic in the Invite handler", "call", in.ID().CallID, "panic", fmt.Sprint(p))
		}
		_ = in.Reject(500, "")
	}()
	ua.h.Invite(in)
}

// awaitFinished waits until the transaction is not needed any more: our final response
// was acknowledged, or the handler has returned.
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

// enter counts a new call. It is nil if there are too many.
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
	place.Prove() // a new call never replaces another
	return place
}

// onAck handles the ACK for a 2xx of ours. A BYE may have overtaken it.
func (ua *UA) onAck(req *sip.Request, _ sip.ServerTransaction) {
	if malformed(req) != "" || ua.h.Intercept != nil && ua.h.Intercept(req, nil) {
		return
	}
	if c := ua.calls.dialogOf(req); c != nil {
		c.takeAck(req)
	}
}

// onBye ends a dialog.
func (ua *UA) onBye(req *sip.Request, tx sip.ServerTransaction) {
	c := ua.calls.dialogOf(req)
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
	ua.calls.forget(c) // a request after the 200 finds no dialog
	ua.respond(req, tx, 200, "")
	c.end(nil)
}

func (ua *UA) onOptions(req *sip.Request, tx sip.ServerTransaction) {
	if tagOf(req.To().Params) != "" && ua.calls.dialogOf(req) == nil { // asks whether the call still exists
		ua.respond(req, tx, 481, "") // [RFC3261-12.2.2]
		return
	}
	ua.respond(req, tx, 200, "", Header{"Allow", ua.allowed}, Header{"Accept", sdpType}, Header{"Accept-Encoding", "identity"}, Header{"Supported", supported}) // [RFC3261-11.2]
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
	ua.respond(req, tx, code, "", Header{"Allow", ua.allowed})
}
