package sipua

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"
)

// An ackWait waits for the ACK for one 2xx of ours. A dialog can have several:
// a re-INVITE may overtake the ACK before it, since sipgo keeps no order.
type ackWait struct {
	done        chan struct{}
	body        []byte // the session description in the ACK; valid after done, as is its type
	contentType string
}

// expectAck begins to wait for the ACK of the INVITE with that CSeq.
func (c *Call) expectAck(seq uint32) *ackWait {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &ackWait{done: make(chan struct{})}
	if c.acks == nil {
		c.acks = map[uint32]*ackWait{}
	}
	c.acks[seq] = w
	return w
}

// takeAck takes the ACK for a 2xx of ours; repetitions do nothing.
func (c *Call) takeAck(ack *sip.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.acks[ack.CSeq().SeqNo]
	if w == nil {
		return
	}
	delete(c.acks, ack.CSeq().SeqNo)
	answer, err := sessionIn(ack)
	if err != nil { // an ACK cannot be refused; it is one without an answer
		c.log.Info("ACK without a readable body", "err", err)
	}
	w.body, w.contentType = answer.body, answer.contentType
	close(w.done)
}

// repeat2xx repeats a 2xx that was sent until its ACK comes, for 64*T1 at the
// most; over TCP too, since the way to the other side may have hops without it.
// See RFC 3261, section 13.3.1.4.
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
