package sipua

import (
	"fmt"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// allow lists the methods that the package takes.
const allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY"

// route registers what takes each method. It must be complete before anything
// is served.
func (ua *UA) route(srv *sipgo.Server) {
	srv.OnInvite(ua.checked(ua.onInvite))
	srv.OnAck(ua.onAck)
	srv.OnBye(ua.checked(ua.onBye))
	srv.OnOptions(ua.checked(ua.onOptions))
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
		if len(req.Body()) > MaxBody {
			ua.respond(req, tx, 413, "")
			return
		}
		if ua.h.Intercept != nil && req.Method != sip.CANCEL && ua.h.Intercept(req, tx) {
			return
		}
		h(req, tx)
	}
}

// singles are the headers that a request must have exactly once. See RFC 3261,
// sections 8.1.1 and 7.3.1.
var singles = []string{"From", "To", "Call-ID", "CSeq"}

// malformed names what is wrong with a request, "" if nothing is.
func malformed(req *sip.Request) string {
	for _, name := range singles {
		if n := len(req.GetHeaders(name)); n != 1 {
			return fmt.Sprintf("%d %s headers", n, name)
		}
	}
	switch {
	case req.Via() == nil:
		return "no Via"
	case req.CSeq() == nil || req.CSeq().MethodName != req.Method:
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
	if reason == "" {
		reason = reasonPhrase(code)
	}
	res := sip.NewResponseFromRequest(req, code, reason, nil)
	for _, h := range headers {
		res.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	if err := tx.Respond(res); err != nil {
		ua.log.Debug("SIP response not sent", "code", code, "err", err)
	}
}

// dialogOf is the dialog that a request belongs to: its To tag is ours.
func (ua *UA) dialogOf(req *sip.Request) *Call {
	return ua.call(dialogKey{req.CallID().Value(), tagOf(req.To().Params)})
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
		ua.onReinvite(req, tx)
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
	if !ua.enter() {
		ua.respond(req, tx, 503, "", Header{"Retry-After", "5"})
		return
	}
	in, err := ua.newIncoming(req, tx)
	if err != nil {
		ua.leave()
		ua.respond(req, tx, 400, "Bad Request (URI)")
		return
	}
	tx.OnCancel(func(*sip.Request) { in.cancel() })
	if err := tx.Respond(in.response(100, "Trying")); err != nil {
		ua.log.Debug("100 not sent", "err", err)
	}
	returned := make(chan struct{})
	started := ua.goroutine(func() {
		defer close(returned)
		defer ua.leave()
		ua.runInvite(in)
	})
	if !started {
		ua.leave()
		return
	}
	ua.awaitFinished(in, returned)
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
	select {
	case <-in.ack.done:
	case <-in.call.done:
	case <-in.tx.Done():
	case <-returned:
	}
}

// enter counts a new call; false if there are too many.
func (ua *UA) enter() bool {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	if ua.rings >= MaxCalls || ua.closed {
		return false
	}
	ua.rings++
	return true
}

func (ua *UA) leave() {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	ua.rings--
}

// onReinvite answers an INVITE within a dialog.
func (ua *UA) onReinvite(req *sip.Request, tx sip.ServerTransaction) {
	c := ua.dialogOf(req)
	if c == nil {
		ua.respond(req, tx, 481, "")
		return
	}
	c.mu.Lock()
	late := req.CSeq().SeqNo <= c.dialog.remoteSeq
	f := c.onReinvite
	if !late {
		c.dialog.remoteSeq = req.CSeq().SeqNo
	}
	c.mu.Unlock()
	if late {
		ua.respond(req, tx, 500, "Server Internal Error (CSeq)") // [RFC3261-12.2.2]
		return
	}
	if f == nil {
		ua.respond(req, tx, 488, "")
		return
	}
	answer, err := f(ua.ctx, req.Body())
	if err != nil {
		ua.log.Info("re-INVITE refused", "dialog", c.id.String(), "err", err)
		ua.respond(req, tx, 488, "")
		return
	}
	c.acceptReinvite(req, tx, answer)
}

// acceptReinvite answers with 200 and waits for its ACK, whose loss does not
// end the dialog.
func (c *Call) acceptReinvite(req *sip.Request, tx sip.ServerTransaction, answer []byte) {
	c.mu.Lock()
	refreshTarget(&c.dialog, req.Contact())
	c.mu.Unlock()
	w := c.expectAck(req.CSeq().SeqNo)
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	res.AppendHeader(&sip.ContactHeader{Address: c.ua.contactURI(req.Transport(), req.Recipient.Scheme)})
	setBody(res, answer, "application/sdp")
	if err := tx.Respond(res); err != nil {
		return
	}
	if err := c.repeat2xx(c.ua.ctx, tx, res, w); err != nil {
		c.ua.log.Info("re-INVITE not acknowledged", "dialog", c.id.String(), "err", err)
	}
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
	ua.respond(req, tx, 200, "")
	c.end(nil)
}

func (ua *UA) onOptions(req *sip.Request, tx sip.ServerTransaction) {
	ua.respond(req, tx, 200, "", Header{"Allow", allow}, Header{"Accept", "application/sdp"})
}

func (ua *UA) onOther(req *sip.Request, tx sip.ServerTransaction) {
	if ua.h.Other != nil {
		ua.h.Other(req, tx)
		return
	}
	ua.respond(req, tx, 405, "", Header{"Allow", allow})
}

// reasonPhrase is the usual phrase for a status code. See RFC 3261, section 21.
func reasonPhrase(code int) string {
	if s, ok := phrases[code]; ok {
		return s
	}
	return map[int]string{
		1: "Progress", 2: "OK", 3: "Redirection", 4: "Request Failure", 5: "Server Failure", 6: "Global Failure",
	}[code/100]
}

var phrases = map[int]string{
	100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 400: "Bad Request", 403: "Forbidden",
	404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 413: "Request Entity Too Large",
	415: "Unsupported Media Type", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
	486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 500: "Server Internal Error",
	503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline", 606: "Not Acceptable",
}
