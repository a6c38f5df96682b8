package sipua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// A Call is an INVITE dialog, in either role.
type Call struct {
	ua   *UA
	id   DialogID
	key  dialogKey
	uac  bool
	log  *slog.Logger
	auth login // for challenges to requests within the dialog

	mu        sync.Mutex
	dialog    dialog
	body      []byte                   // the peer's session description, of its INVITE or of the responses to ours
	unread    error                    // why there is none though there was a body
	early     map[earlyKey]description // of 1xx to our INVITE
	inviteSeq uint32                   // CSeq of the INVITE that Ack acknowledges
	acked     bool                     // by Ack
	sent      map[uint32]*sip.Request  // our latest ACKs, to be repeated for a repeated 2xx
	acks      map[uint32]*ackWait      // for our 2xx, by the CSeq of their INVITE
	byeSent   bool

	onOffer     func(context.Context, Offer) ([]byte, error)
	exchange    exchange
	said, heard description // the session as described last, by us and by the peer
	updates     bool        // the peer takes UPDATE

	onInfo    func(context.Context, Info) error
	infos     chan struct{} // of capacity 1: an INFO of ours is under way; nil before the first
	infoOrder sync.Mutex    // held while an INFO of the peer's is handled

	timer sessionTimer

	done  chan struct{}
	once  sync.Once
	err   error
	after []func() // see AfterEnd
}

// A description is a body that describes the session.
type description struct {
	body        []byte
	contentType string
}

// ID names the dialog.
func (c *Call) ID() DialogID { return c.id }

// Logger is the dialog's logger: the one of InviteRequest or of
// IncomingCall.SetLogger or, without one, the user agent's with the Call-ID as
// "call".
func (c *Call) Logger() *slog.Logger { return c.log }

// RemoteBody is the session description in the peer's INVITE or, where the INVITE was
// ours, the first that its responses have brought; nil if there was none.
func (c *Call) RemoteBody() []byte { return c.body }

// RemoteBodyError tells why there is no RemoteBody: a *BodyError for a body that was
// not understood, otherwise ErrNoDescription. It is nil if there is one.
func (c *Call) RemoteBodyError() error {
	switch {
	case len(c.body) > 0:
		return nil
	case c.unread != nil:
		return c.unread
	}
	return ErrNoDescription
}

// Done is closed when the dialog has ended, whoever ended it.
func (c *Call) Done() <-chan struct{} { return c.done }

// Err tells why the dialog has ended: nil after a BYE of either side. It is
// valid after Done.
func (c *Call) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Ended reports whether Done is closed.
func (c *Call) Ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// end marks the dialog as ended and forgets it.
func (c *Call) end(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.done)
		c.mu.Lock()
		c.timer.stop()
		after := c.after
		c.after = nil
		c.mu.Unlock()
		for _, f := range after {
			f()
		}
	})
	c.ua.forget(c)
}

// AfterEnd has f called when the dialog has ended, at once if it has, in the
// goroutine that ends it: f must not block.
func (c *Call) AfterEnd(f func()) {
	c.mu.Lock()
	if !c.Ended() {
		c.after = append(c.after, f)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	f()
}

// Ack acknowledges the 2xx that created the dialog, with an answer in it if
// the 2xx carried the offer. Repeated 2xx are acknowledged by the same ACK
// from then on. It is for the side that sent the INVITE.
func (c *Call) Ack(ctx context.Context, body []byte, contentType string) error {
	c.mu.Lock()
	if !c.uac || c.acked {
		c.mu.Unlock()
		return errors.New("sipua: nothing to acknowledge")
	}
	c.acked = true
	if len(body) > 0 {
		c.said = description{body, contentType}
	}
	ack := c.makeAck(c.inviteSeq, body, contentType)
	c.mu.Unlock()
	return c.ua.write(ctx, ack)
}

// Acknowledged reports whether Ack was called.
func (c *Call) Acknowledged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acked
}

// makeAck makes the ACK for the 2xx to an INVITE of ours, to be repeated for
// each repetition of the 2xx. c.mu is held.
func (c *Call) makeAck(seq uint32, body []byte, contentType string) *sip.Request {
	ack := c.dialog.build(c.ua, sip.ACK, seq) // [RFC3261-13.2.2.4]
	setBody(ack, body, contentType)
	if c.sent == nil {
		c.sent = map[uint32]*sip.Request{}
	}
	c.sent[seq] = ack.Clone()
	for old := range c.sent {
		if old+keptAcks <= seq {
			delete(c.sent, old)
		}
	}
	return ack
}

// repeatAck answers a repeated 2xx, if ours was answered before.
func (c *Call) repeatAck(seq uint32) {
	c.mu.Lock()
	ack := c.sent[seq]
	c.mu.Unlock()
	if ack != nil {
		_ = c.ua.write(c.ua.ctx, ack.Clone()) // it will be repeated once more if this is lost
	}
}

// Bye ends the dialog, with further headers such as Reason. If the other side
// has ended it already, it does nothing. The dialog counts as ended even if an
// error is returned.
func (c *Call) Bye(ctx context.Context, headers ...Header) error {
	return c.bye(ctx, nil, headers...)
}

// bye ends the dialog because of cause.
func (c *Call) bye(ctx context.Context, cause error, headers ...Header) error {
	c.mu.Lock()
	if c.byeSent || c.Ended() {
		c.mu.Unlock()
		return nil
	}
	c.byeSent = true
	mustAck := c.uac && !c.acked
	c.mu.Unlock()
	if mustAck { // a 2xx must be acknowledged even if it is not wanted [RFC3261-13.2.2.4]
		if err := c.Ack(ctx, nil, ""); err != nil {
			c.end(err)
			return err
		}
	}
	c.mu.Lock()
	bye := c.dialog.request(c.ua, sip.BYE)
	c.mu.Unlock()
	for _, h := range headers {
		bye.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	defer c.end(cause)
	ctx, cancel := context.WithTimeout(ctx, byeWait)
	defer cancel()
	res, err := c.ua.do(ctx, bye, c.auth, c.nextSeq)
	if err != nil {
		return fmt.Errorf("BYE: %w", err)
	}
	if !res.IsSuccess() && res.StatusCode != 481 && res.StatusCode != 408 { // [RFC3261-15.1.1]
		return fmt.Errorf("BYE: %w", statusError(res))
	}
	return nil
}

// hangUp ends the dialog in the background: the peer may be gone.
func (c *Call) hangUp(cause error, headers ...Header) {
	if !c.ua.goroutine(func() { _ = c.bye(c.ua.ctx, cause, headers...) }) {
		c.end(cause)
	}
}
