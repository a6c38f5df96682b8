package msrp

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// chunkDone answers a chunk that is not the last: now, or when its bytes, up
// to upto, have been read.
func (in *Incoming) chunkDone(upto int64, r replyTo) {
	in.mu.Lock()
	for len(in.acks) >= maxPendingAcks && upto <= in.received && in.waitHandler() && !in.returned && in.aborted == nil {
	}
	in.active = time.Now()
	if in.consumed < upto && !in.returned && in.aborted == nil && len(in.acks) < maxPendingAcks {
		i := len(in.acks)
		for i > 0 && in.acks[i-1].upto > upto {
			i--
		}
		in.acks = slices.Insert(in.acks, i, ack{upto, r, in.since()})
		in.answerSoon()
		in.mu.Unlock()
		return
	}
	se, _ := in.refusal()
	in.mu.Unlock()
	in.c.reply(r, se)
}

// abort ends a message that will not arrive whole, or whose session ends, and answers
// nothing.
func (in *Incoming) abort(cause error) {
	in.abortUnanswered(cause)
}

// abortAndAnswer aborts a message and answers its unanswered chunks with se, or with 200
// if that is nil.
func (in *Incoming) abortAndAnswer(cause error, se *StatusError) {
	for _, a := range in.abortUnanswered(cause) {
		in.c.reply(a.r, se)
	}
}

// abortUnanswered aborts a message and returns the chunks that are not answered yet.
func (in *Incoming) abortUnanswered(cause error) []ack {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.stall != nil {
		in.stall.Stop()
	}
	if in.aborted != nil || in.whole {
		return nil
	}
	var open []ack
	if !in.returned {
		in.aborted = ErrAborted
		if cause != nil {
			in.aborted = fmt.Errorf("%w: %w", ErrAborted, cause)
		}
		in.ctx.cancel()
		in.cond.Broadcast()
		open, in.acks = in.acks, nil
	}
	in.stopLate()
	if in.last != nil {
		open = append(open, ack{in.size, *in.last, in.lastSince})
		in.last = nil
	}
	return open
}

// finish marks a message as whole. Its last chunk is answered when the handler has
// returned.
func (in *Incoming) finish(r replyTo) {
	in.mu.Lock()
	if in.stall != nil {
		in.stall.Stop()
	}
	if in.aborted != nil {
		se := in.abortRefusal()
		in.mu.Unlock()
		in.c.reply(r, se)
		return
	}
	in.whole = true
	if !in.returned {
		in.final, in.hasFinal, in.finalSince = r, true, in.since()
		in.answerSoon()
		in.cond.Broadcast()
		in.mu.Unlock()
		return
	}
	se := in.result
	in.mu.Unlock()
	in.answerLast(r, se)
}

// answerLast answers the last chunk, and reports if asked to [RFC4975-7.1.3-1]
// [RFC4975-7.1.3-2].
func (in *Incoming) answerLast(r replyTo, se *StatusError) {
	in.c.reply(r, se)
	if se == nil && in.SuccessReport {
		in.sendOutcome(r, nil)
	}
}

// handle calls the handler and answers what its result decides.
func (in *Incoming) handle() {
	s := in.Session
	defer s.handlers.Done()
	err := s.sc.Handler(&in.ctx, in)
	in.ctx.cancel()
	in.mu.Lock()
	in.returned = true
	in.result = refusalFor(err)
	se := in.result
	final, acks := in.final, in.acks
	hasFinal := in.hasFinal
	in.hasFinal, in.acks = false, nil
	in.pipe.discard()
	in.unchargeAll()
	gone := in.aborted != nil
	owes := in.owes
	in.stopLate()
	in.cond.Broadcast()
	in.mu.Unlock()
	if !gone {
		for _, a := range acks {
			in.c.reply(a.r, se)
		}
		if hasFinal {
			in.answerLast(final, se)
		}
		if owes != nil {
			in.sendOutcome(*owes, se)
		}
	}
	s.mu.Lock()
	s.passTurn(in)
	s.running--
	s.handlerCount.Store(int32(s.running))
	s.wakeWaiters()
	s.mu.Unlock()
	s.cleanUp()
}

// refusalFor gives what a handler's error says on the wire.
func refusalFor(err error) *StatusError {
	if err == nil {
		return nil
	}
	var se *StatusError
	if errors.As(err, &se) && se.Code >= 100 && se.Code <= 999 && se.Code/100 != 2 {
		return se
	}
	return status(StatusForbidden, "Not Taken")
}

// watchStall aborts the message when its sender is silent for StallTimeout between two
// chunks. It starts after the first chunk that is not the whole message.
func (in *Incoming) watchStall() {
	limit := in.c.cfg.StallTimeout
	in.mu.Lock()
	defer in.mu.Unlock()
	in.active = time.Now()
	if in.stall != nil || in.whole || in.aborted != nil {
		return
	}
	in.stall = time.AfterFunc(limit, func() {
		in.mu.Lock()
		if in.whole || in.aborted != nil {
			in.mu.Unlock()
			return
		}
		idle := time.Since(in.active)
		if idle < limit || in.c.blocked.Load() {
			in.stall.Reset(max(limit-idle, limit/8))
			in.mu.Unlock()
			return
		}
		in.mu.Unlock()
		in.Session.abortMessage(in, ErrStalled, status(StatusTooLarge, "Stalled"))
	})
}

// sendReport sends a REPORT on a message of n bytes. code is the status code with its
// comment.
func (c *conn) sendReport(id string, to Path, from string, n int64, code string) {
	tid := newTransactionID()
	b := appendRequest(make([]byte, 0, 256), tid, "REPORT", to.String(), from)
	b = appendField(b, hdrMessageID, id) // [RFC4975-7.1.2-2]
	b = appendRange(b, byteRange{1, n, n})
	b = appendField(b, hdrStatus, "000 "+code) // [RFC4975-7.1.2-3]
	c.queueControl(&outFrame{tid: tid, head: b, flag: flagLast})
}
