package sipua

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/wait"
)

// beginChange waits until neither side is changing the session, and begins a change.
func (c *Call) beginChange(ctx context.Context, kind change) error {
	for {
		c.mu.Lock()
		if c.uac && !c.acks.acked {
			c.mu.Unlock()
			return errors.New("sipua: the 2xx is not acknowledged yet")
		}
		x := &c.exchange
		if x.ours == noChange && x.theirs == noChange { // [RFC3261-14.1]
			x.ours, x.free = kind, make(chan struct{})
			c.mu.Unlock()
			return nil
		}
		free := x.free
		c.mu.Unlock()
		select {
		case <-free:
		case <-c.done:
			return ErrEnded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// endChange ends the change of beginChange.
func (c *Call) endChange() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exchange.ours = noChange
	c.exchange.release()
}

// Reinvite sends a re-INVITE with a new offer and returns the answer. Without an offer it
// requests the peer's offer, returns that, and answers with our latest description. If it
// crosses a request of the peer, it is repeated after the pause of RFC 3261, section
// 14.1. A refusal is a *StatusError and leaves the session as it is. The call ends if the
// peer does not know the dialog (481, 408) or does not answer.
func (c *Call) Reinvite(ctx context.Context, offer []byte, contentType string) (answer []byte, err error) {
	return c.modify(ctx, sip.INVITE, offer, contentType)
}

// Relay sends a re-INVITE or an UPDATE with the offer of another call and returns the
// answer. Unlike Reinvite, it does not try again after a 491: the 491 must reach the side
// that made the offer, because otherwise both sides would wait for each other.
func (c *Call) Relay(ctx context.Context, method string, offer []byte, contentType string) (answer []byte, err error) {
	_, heard, err := c.modifyUntil(ctx, sip.RequestMethod(method), description{offer, contentType}, relayed)
	if err != nil {
		return nil, err
	}
	if len(heard.body) == 0 && len(offer) > 0 {
		return nil, fmt.Errorf("%w in the 2xx to %s", ErrNoDescription, method)
	}
	return heard.body, nil
}

// AskOffer sends a re-INVITE without an offer and returns the peer's offer. The function
// answer sends our answer in the ACK; it must be called once, within 32 s. Otherwise
// AskOffer is like Relay. See RFC 3725, section 4.1.
func (c *Call) AskOffer(ctx context.Context) (offer []byte, answer func(ctx context.Context, body []byte, contentType string) error, err error) {
	res, heard, err := c.modifyUntil(ctx, sip.INVITE, description{}, asking)
	if err != nil {
		return nil, nil, err
	}
	return heard.body, func(ctx context.Context, body []byte, contentType string) error {
		defer c.endChange()
		c.mu.Lock()
		if len(body) > 0 {
			c.said = description{body, contentType}
		}
		ack := c.makeAck(res.CSeq().SeqNo, body, contentType)
		c.mu.Unlock()
		return c.ua.write(ctx, ack)
	}, nil
}

// Update sends an UPDATE with a new offer and returns the answer. Without an offer it
// refreshes our Contact and the session timer. Otherwise it is like Reinvite. See RFC
// 3311.
func (c *Call) Update(ctx context.Context, offer []byte, contentType string) (answer []byte, err error) {
	return c.modify(ctx, sip.UPDATE, offer, contentType)
}

// PeerTakesUpdate reports whether the peer has announced that it accepts UPDATE.
func (c *Call) PeerTakesUpdate() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.updates
}

// modify sends a request that may change the session. It repeats the request if it
// crossed one of the peer, or if the session timer was too short.
func (c *Call) modify(ctx context.Context, method sip.RequestMethod, offer []byte, contentType string) ([]byte, error) {
	_, heard, err := c.modifyUntil(ctx, method, description{offer, contentType}, ours)
	return heard.body, err
}

// A manner is how a change is requested.
type manner int

const (
	ours    manner = iota // repeated if it crosses another
	relayed               // once
	asking                // once; the caller sends the ACK and ends the change
)

// modifyUntil returns the 2xx and the session description in it.
func (c *Call) modifyUntil(ctx context.Context, method sip.RequestMethod, offer description, how manner) (res *sip.Response, heard description, err error) {
	open := how == asking
	for try := 1; ; try++ {
		if err := c.beginChange(ctx, changeOf(method, offer.body)); err != nil {
			return nil, heard, err
		}
		res, heard, err = c.attempt(ctx, method, offer, open)
		if open && err == nil && res.IsSuccess() {
			return res, heard, nil
		}
		c.endChange()
		if err != nil {
			if errors.Is(err, errNoResponse) { // [RFC3261-12.2.1.2]
				c.hangUp(err)
			}
			return nil, heard, err
		}
		if res.IsSuccess() {
			return res, heard, nil
		}
		if res.StatusCode == 481 || res.StatusCode == 408 { // [RFC3261-12.2.1.2]
			c.hangUp(statusError(res))
			return nil, heard, statusError(res)
		}
		pause, again := c.again(res)
		if !again || try == modifyTries || how != ours && res.StatusCode != 422 {
			return nil, heard, statusError(res)
		}
		if !wait.ForEither(pause, c.done, ctx.Done()) {
			return nil, heard, cmp.Or(ctx.Err(), ErrEnded)
		}
	}
}

// again reports whether a refused request is repeated, and after what pause.
func (c *Call) again(res *sip.Response) (pause time.Duration, again bool) {
	switch res.StatusCode {
	case 491:
		n := rand.IntN(200) + 1 // [RFC3261-14.1] units of 10 ms
		if c.uac {
			n = 210 + rand.IntN(190)
		}
		return time.Duration(n) * c.ua.cfg.timers.glareUnit, true
	case 500:
		n, err := strconv.Atoi(headerValue(res, "Retry-After"))
		return time.Duration(n) * time.Second, err == nil && n >= 0 && n <= 10
	case 422:
		c.mu.Lock()
		defer c.mu.Unlock()
		return 0, c.timer.tooBrief(res)
	}
	return 0, false
}

// attempt sends one request that may change the session, and notes the changes if it is
// accepted. With open, the caller sends the ACK.
func (c *Call) attempt(ctx context.Context, method sip.RequestMethod, offer description, open bool) (res *sip.Response, heard description, err error) {
	if c.Ended() {
		return nil, heard, ErrEnded
	}
	c.mu.Lock()
	req := c.dialog.request(c.ua, method)
	c.askTimer(req, true)
	c.mu.Unlock()
	req.AppendHeader(sip.NewHeader("Supported", supported))
	req.AppendHeader(sip.NewHeader("Allow", c.ua.allowed))
	setBody(req, offer.body, offer.contentType)
	if method == sip.INVITE {
		res, err = c.reinvite(ctx, req)
	} else {
		res, err = c.ua.do(ctx, req, c.auth, c.nextSeq)
	}
	if err != nil || !res.IsSuccess() {
		return res, heard, err
	}
	c.mu.Lock()
	refreshTarget(&c.dialog, res.Contact())
	c.readAllow(res)
	c.takeTimer(res)
	if len(offer.body) > 0 {
		c.said = offer
	}
	heard, unread := c.described(res, len(offer.body) > 0)
	if unread != nil {
		c.log.Info("response without a readable body", "to", method, "err", unread)
	}
	if len(heard.body) > 0 {
		c.heard = heard
	}
	var answer description
	if len(offer.body) == 0 && len(heard.body) > 0 {
		answer = c.said // an offer must be answered [RFC3261-13.2.2.4]
	}
	if method != sip.INVITE || open {
		c.mu.Unlock()
		return res, heard, nil
	}
	ack := c.makeAck(res.CSeq().SeqNo, answer.body, answer.contentType)
	c.mu.Unlock()
	return res, heard, c.ua.write(ctx, ack)
}

// reinvite sends a re-INVITE, with credentials if needed, and returns its final response.
// If ctx ends first, the re-INVITE is cancelled.
func (c *Call) reinvite(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	var tried challenges
	for {
		tx, err := c.ua.start(ctx, req)
		if err != nil {
			return nil, err
		}
		tx.OnRetransmission(func(res *sip.Response) { go c.table.strayResponse(res) })
		res, seen, err := c.ua.awaitFinal(ctx, req, tx, nil)
		if err != nil {
			if !errors.Is(err, errNoResponse) {
				c.ua.abandon(req, tx, seen, func(_ context.Context, res *sip.Response) { c.acceptLate(res) })
			}
			return nil, err
		}
		if !isChallenge(res) {
			return res, nil
		}
		next, err := c.ua.answerChallenge(req, res, c.auth, &tried, c.nextSeq)
		if err != nil || next == nil {
			return res, err
		}
		req = next
	}
}

// acceptLate acknowledges the 2xx to a re-INVITE whose caller does not wait any more.
func (c *Call) acceptLate(res *sip.Response) {
	if !res.IsSuccess() {
		return
	}
	c.mu.Lock()
	refreshTarget(&c.dialog, res.Contact())
	c.takeTimer(res)
	ack := c.makeAck(res.CSeq().SeqNo, nil, "")
	c.mu.Unlock()
	_ = c.ua.write(c.ua.ctx, ack) // a repeated 2xx gets it again
}
