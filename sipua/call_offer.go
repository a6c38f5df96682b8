package sipua

import (
	"context"
	"errors"

	"github.com/emiago/sipgo/sip"
)

// OnOffer sets what answers the peer's re-INVITEs and UPDATEs. f returns the answer, or
// an error: a *StatusError is sent as it is, any other error as 488. f does not get an
// UPDATE without a body. Without f, an offer that repeats the current description is
// answered with ours, as is a request for an offer, so that the peer can refresh the
// session. Every other offer gets 488, and the session stays as it is.
func (c *Call) OnOffer(f func(ctx context.Context, o Offer) (answer []byte, err error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onOffer = f
}

// OnReinvite is OnOffer with no more than the offer.
func (c *Call) OnReinvite(f func(ctx context.Context, offer []byte) (answer []byte, err error)) {
	if f == nil {
		c.OnOffer(nil)
		return
	}
	c.OnOffer(func(ctx context.Context, o Offer) ([]byte, error) { return f(ctx, o.Body) })
}

// onModify handles an INVITE or UPDATE within a dialog.
func (t *callTable) onModify(req *sip.Request, tx sip.ServerTransaction) {
	c := t.dialogOf(req)
	if c == nil || c.peerTag() == "" {
		t.ua.respond(req, tx, 481, "")
		return
	}
	offer, unreadable := sessionIn(req)
	kind := changeOf(req.Method, offer.body)
	if code, headers := c.admit(req, kind); code != 0 {
		t.ua.respond(req, tx, code, "", headers...)
		return
	}
	if unreadable != nil {
		c.finished()
		t.ua.refuseBody(req, tx, unreadable)
		return
	}
	answer, answered, res := c.consider(req, kind, offer)
	if !res.IsSuccess() {
		c.finished()
		t.ua.send(tx, res)
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
		t.ua.send(tx, res)
		return
	}
	w := c.expectAck(req.CSeq().SeqNo)
	if err := tx.Respond(res); err != nil {
		answered(nil, "")
		return
	}
	if err := c.repeat2xx(t.ua.ctx, tx, res, w); errors.Is(err, ErrNoACK) {
		c.log.Info("re-INVITE not acknowledged; ending the call")
		c.hangUp(ErrNoACK) // [RFC3261-13.3.1.4]
	}
	c.takeAnswer(w, answered)
}

// takeAnswer passes on the answer in the ACK to a re-INVITE, if the ACK has come.
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

// admit checks whether the peer may change the session now, and notes the change.
// Otherwise it returns the code of the response.
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
	case kind == inviting && c.uac && !c.acks.acked:
		return 491, nil // our own INVITE is still in progress
	case kind == offering && c.uac && !c.acks.acked && len(c.said.body) == 0:
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

// finished ends the change that admit has noted.
func (c *Call) finished() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exchange.theirs = noChange
	c.exchange.release()
}

// consider makes the response to a request that may change the session. answered gets the
// answer in the ACK.
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
	res.AppendHeader(sip.NewHeader("Allow", c.ua.allowed))
	setBody(res, answer.body, answer.contentType)
	c.mu.Lock()
	c.setTimer(agreed, res)
	c.mu.Unlock()
	return answer, answered, res
}
