package sipua

import (
	"context"
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"
)

// expectAck begins to wait for the ACK of the INVITE with that CSeq.
func (c *Call) expectAck(seq uint32) *ackWait {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &ackWait{done: make(chan struct{})}
	if c.acks.awaited == nil {
		c.acks.awaited = map[uint32]*ackWait{}
	}
	c.acks.awaited[seq] = w
	return w
}

// takeAck notes the ACK for a 2xx of ours. Repetitions have no effect.
func (c *Call) takeAck(ack *sip.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.acks.awaited[ack.CSeq().SeqNo]
	if w == nil {
		return
	}
	delete(c.acks.awaited, ack.CSeq().SeqNo)
	answer, err := sessionIn(ack)
	if err != nil { // an ACK cannot be refused; it is one without an answer
		c.log.Info("ACK without a readable body", "err", err)
	}
	w.body, w.contentType = answer.body, answer.contentType
	close(w.done)
}

// repeat2xx repeats a 2xx until its ACK comes, for at most 64*T1. It does so over TCP
// too, because a later hop may use UDP. See RFC 3261, section 13.3.1.4.
func (c *Call) repeat2xx(ctx context.Context, tx sip.ServerTransaction, res *sip.Response, w *ackWait) error {
	t := c.ua.cfg.timers
	interval := t.t1
	repeat := time.NewTimer(interval)
	defer repeat.Stop()
	giveUp := time.NewTimer(64 * t.t1)
	defer giveUp.Stop()
	for {
		select {
		case <-w.done:
			return nil
		case ack := <-tx.Acks(): // an ACK that reuses the INVITE's branch
			c.takeAck(ack)
		case <-c.done: // a BYE, which may overtake the ACK, ends the wait as well
			return nil
		case <-repeat.C:
			_ = tx.Respond(res)
			interval = min(2*interval, t.t2)
			repeat.Reset(interval)
		case <-giveUp.C:
			return ErrNoACK
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ua.ctx.Done():
			return ErrClosed
		}
	}
}

// Ack acknowledges the 2xx that created the dialog, with an answer if the 2xx carried the
// offer. Each repetition of the 2xx gets the same ACK. Only the caller may call it.
func (c *Call) Ack(ctx context.Context, body []byte, contentType string) error {
	c.mu.Lock()
	if !c.uac || c.acks.acked {
		c.mu.Unlock()
		return errors.New("sipua: nothing to acknowledge")
	}
	c.acks.acked = true
	if len(body) > 0 {
		c.said = description{body, contentType}
	}
	ack := c.makeAck(c.acks.inviteSeq, body, contentType)
	c.mu.Unlock()
	return c.ua.write(ctx, ack)
}

// Acknowledged reports whether Ack was called.
func (c *Call) Acknowledged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acks.acked
}

// makeAck makes the ACK for the 2xx to an INVITE of ours, to be repeated for
// each repetition of the 2xx. c.mu is held.
func (c *Call) makeAck(seq uint32, body []byte, contentType string) *sip.Request {
	ack := c.dialog.build(c.ua, sip.ACK, seq) // [RFC3261-13.2.2.4]
	setBody(ack, body, contentType)
	if c.acks.sent == nil {
		c.acks.sent = map[uint32]*sip.Request{}
	}
	c.acks.sent[seq] = ack.Clone()
	for old := range c.acks.sent {
		if old+keptAcks <= seq {
			delete(c.acks.sent, old)
		}
	}
	return ack
}

// repeatAck answers a repeated 2xx, if ours was answered before.
func (c *Call) repeatAck(seq uint32) {
	c.mu.Lock()
	ack := c.acks.sent[seq]
	c.mu.Unlock()
	if ack != nil {
		_ = c.ua.write(c.ua.ctx, ack.Clone()) // it will be repeated once more if this is lost
	}
}
