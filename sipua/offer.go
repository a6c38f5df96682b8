package sipua

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// An Offer is a re-INVITE or an UPDATE of the peer's that wants to change the
// session. An INVITE without a body asks for an offer of ours.
type Offer struct {
	Method      string // INVITE or UPDATE
	Body        []byte // the session description, nil without one
	ContentType string

	req      *sip.Request
	answered *func(body []byte, contentType string)
}

// OnAnswer sets what gets the peer's answer, where the offer is ours: the body
// of the ACK to an INVITE that had none. It is called once, when the ACK has come,
// or with nil when none will. It is for OnOffer's function to call.
func (o Offer) OnAnswer(f func(body []byte, contentType string)) { *o.answered = f }

// Header returns the value of the request's first header of that name.
func (o Offer) Header(name string) string { return headerValue(o.req, name) }

// OnOffer sets what answers the peer's re-INVITEs and UPDATEs: f returns the
// answer, or an error for a 488 or, if it is a *StatusError, for its code. An
// UPDATE without a body needs no answer and is not shown. Without f, an offer
// that repeats the session's last description is answered with ours, as are
// requests for an offer, so that a peer can keep the session alive; every other
// one gets 488 and leaves the session as it is.
func (c *Call) OnOffer(f func(ctx context.Context, o Offer) (answer []byte, err error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onOffer = f
}

// OnReinvite is OnOffer for those who need no more than the offer.
func (c *Call) OnReinvite(f func(ctx context.Context, offer []byte) (answer []byte, err error)) {
	if f == nil {
		c.OnOffer(nil)
		return
	}
	c.OnOffer(func(ctx context.Context, o Offer) ([]byte, error) { return f(ctx, o.Body) })
}

// onModify takes an INVITE or UPDATE within a dialog.
func (ua *UA) onModify(req *sip.Request, tx sip.ServerTransaction) {
	c := ua.dialogOf(req)
	if c == nil || c.peerTag() == "" {
		ua.respond(req, tx, 481, "")
		return
	}
	offer, unreadable := sessionIn(req)
	kind := changeOf(req.Method, offer.body)
	if code, headers := c.admit(req, kind); code != 0 {
		ua.respond(req, tx, code, "", headers...)
		return
	}
	if unreadable != nil {
		c.finished()
		ua.refuseBody(req, tx, unreadable)
		return
	}
	answer, answered, res := c.consider(req, kind, offer)
	if !res.IsSuccess() {
		c.finished()
		ua.send(tx, res)
		return
	}
	c.mu.Lock()
	refreshTarget(&c.dialog, req.Contact())
	c.readAllow(req)
	if len(offer.body) > 0 {
		c.heard = offer
	}
	if len(answer.body) > 0 {
		c.said = answer
	}
	c.mu.Unlock()
	c.finished()
	if kind != inviting {
		ua.send(tx, res)
		return
	}
	w := c.expectAck(req.CSeq().SeqNo)
	if err := tx.Respond(res); err != nil {
		answered(nil, "")
		return
	}
	if err := c.repeat2xx(ua.ctx, tx, res, w); errors.Is(err, ErrNoACK) {
		c.log.Info("re-INVITE not acknowledged; ending the call")
		c.hangUp(ErrNoACK) // [RFC3261-13.3.1.4]
	}
	c.takeAnswer(w, answered)
}

// takeAnswer takes what the ACK to a re-INVITE has brought, if it has come.
func (c *Call) takeAnswer(w *ackWait, answered func([]byte, string)) {
	select {
	case <-w.done:
	default:
		answered(nil, "")
		return
	}
	if len(w.body) > 0 {
		c.mu.Lock()
		c.heard = description{w.body, w.contentType}
		c.mu.Unlock()
	}
	answered(w.body, w.contentType)
}

// admit checks whether the peer may change the session now, and notes that it
// does. Otherwise it returns the response's code.
func (c *Call) admit(req *sip.Request, kind change) (code int, headers []Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.inOrder(req) { // [RFC3261-12.2.2]
		return 500, retryLater()
	}
	x := &c.exchange
	switch {
	case x.theirs == inviting && kind != refreshing, x.theirs != noChange && x.theirs != inviting:
		return 500, retryLater() // [RFC3261-14.2] [RFC3311-5.2]
	case kind != refreshing && (x.ours == inviting || x.ours == offering):
		return 491, nil // [RFC3261-14.2] [RFC3311-5.2]
	case kind == inviting && c.uac && !c.acked:
		return 491, nil // our own INVITE is still in progress
	case kind == offering && c.uac && !c.acked && len(c.said.body) == 0:
		return 500, retryLater() // the offer of its 2xx is still to be answered [RFC3311-5.2]
	}
	if x.theirs == noChange {
		x.theirs = kind
		if x.free == nil {
			x.free = make(chan struct{})
		}
	}
	return 0, nil
}

// finished ends what admit has noted.
func (c *Call) finished() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exchange.theirs = noChange
	c.exchange.release()
}

// inOrder takes the CSeq of a request within the dialog; false if it is not
// above the last. c.mu is held.
func (c *Call) inOrder(req *sip.Request) bool {
	seq := req.CSeq().SeqNo
	if seq <= c.dialog.remoteSeq {
		return false
	}
	c.dialog.remoteSeq = seq
	return true
}

// retryLater makes the Retry-After of a 500 to a request out of order.
func retryLater() []Header {
	return []Header{{"Retry-After", strconv.Itoa(rand.IntN(11))}}
}

// consider makes the response to a request that may change the session. answered
// is what the answer in its ACK is for.
func (c *Call) consider(req *sip.Request, kind change, offer description) (answer description, answered func([]byte, string), res *sip.Response) {
	answered = func([]byte, string) {}
	refuse := func(code int, headers ...Header) (description, func([]byte, string), *sip.Response) {
		return description{}, answered, c.ua.response(req, code, "", headers...)
	}
	c.mu.Lock()
	agreed, code, headers := c.answerTimer(req)
	f, said, heard := c.onOffer, c.said, c.heard
	c.mu.Unlock()
	if code != 0 {
		return refuse(code, headers...)
	}
	switch o := (Offer{string(req.Method), offer.body, offer.contentType, req, &answered}); {
	case kind == refreshing:
	case f != nil:
		body, err := f(c.ua.ctx, o)
		if err != nil {
			c.log.Info("change of the session refused", "method", req.Method, "err", err)
			var status *StatusError
			if errors.As(err, &status) && status.Code >= 300 && status.Code < 700 {
				return refuse(status.Code, status.Headers...)
			}
			return refuse(488, c.ua.noChange())
		}
		answer = description{body, sdpType}
	case len(said.body) > 0 && (len(o.Body) == 0 || sameSession(o.Body, heard.body)):
		answer = said
	default:
		return refuse(488, c.ua.noChange())
	}
	res = c.ua.response(req, 200, "")
	res.AppendHeader(&sip.ContactHeader{Address: c.ua.contactURI(req.Transport(), req.Recipient.Scheme)})
	res.AppendHeader(sip.NewHeader("Allow", c.ua.allow()))
	setBody(res, answer.body, answer.contentType)
	c.mu.Lock()
	c.setTimer(agreed, res)
	c.mu.Unlock()
	return answer, answered, res
}

// noChange is the Warning of a 488 that has no other. See RFC 3261, section 21.4.26.
func (ua *UA) noChange() Header {
	return WarningHeader(WarnMiscellaneous, ua.addr, "the session cannot be changed so")
}

// sameSession reports whether a description repeats another: by the o= line,
// whose version grows with every change of SDP. See RFC 3264, section 8, and
// RFC 4028, section 7.4.
func sameSession(a, b []byte) bool {
	x, y := origin(a), origin(b)
	return x != nil && bytes.Equal(x, y) || bytes.Equal(a, b)
}

// origin is the o= line of SDP, nil without one.
func origin(sdp []byte) []byte {
	for line := range bytes.Lines(sdp) {
		if bytes.HasPrefix(line, []byte("o=")) {
			return bytes.TrimSpace(line)
		}
	}
	return nil
}
