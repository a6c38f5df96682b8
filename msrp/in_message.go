package msrp

import (
	"errors"
	"io"
	"sync"
	"time"
)

// Incoming is a message that a Handler receives.
type Incoming struct {
	// MessageID is the Message-ID that the sender chose.
	MessageID string
	// ContentType is the Content-Type of the first chunk; "" if it had none.
	ContentType string
	// Size is the size of the whole message in bytes, as stated by the sender; -1 if the
	// sender did not state it.
	Size int64
	// SuccessReport reports whether the sender requested a success report. It is sent
	// when the Handler returns nil.
	SuccessReport bool
	// FailureReport is which responses the sender requested.
	FailureReport FailureReport
	// From and To are the paths of the first chunk, From starting with the
	// previous hop.
	From, To Path
	// Header has all other headers of the first chunk.
	Header Header
	// Session is the session on which the message arrives.
	Session *Session

	ctx messageContext
	c   *conn

	inTurn
	inPosition

	mu   sync.Mutex
	cond sync.Cond // of mu: something has arrived, was read, or ended
	inBuffer
	inAnswers
	inTimer
	inState
}

// inTurn is a message's place in the order of arrival; see in_order.go. It is guarded by
// Session.mu.
type inTurn struct {
	placed, left bool
	turn         chan struct{} // nil until somebody waits for it
}

// inPosition says which bytes of a message have arrived. Only the reader uses it.
type inPosition struct {
	received    int64      // bytes given to the handler's pipe
	size        int64      // where the chunk with '$' ended, -1 before that chunk
	stated      int64      // the total so far, -1 if there was none
	ended       int64      // where the last chunk ended
	claimed     int64      // the same by its Byte-Range
	held        []heldBody // arrived ahead of a gap; sorted, not adjacent
	heldSize    int
	heldCharged int   // bytes of the budget for them
	extra       int64 // bytes that the sender counts and that are not there
}

// inBuffer holds the bytes that wait for the handler. It is guarded by mu, as all that
// follows.
type inBuffer struct {
	pipe     pipe
	charged  int64 // bytes taken from the budget
	granted  int   // of these, for the pipe
	consumed int64 // bytes the handler has read
}

// inAnswers are the chunks that are not answered yet.
type inAnswers struct {
	acks     []ack   // chunks to be answered when consumed
	final    replyTo // of the last chunk, to be answered if hasFinal
	hasFinal bool
	last     *replyTo // the chunk with '$', if it arrived before others
	owes     *replyTo // the last chunk, if it was answered before the handler had returned
}

// inTimer bounds the wait for the handler; see in_late.go.
type inTimer struct {
	late                  *time.Timer   // see in_late.go
	lateConsumed          int64         // consumed when it was set
	finalSince, lastSince time.Time     // when final and last were set
	waited                time.Duration // before there was a handler
}

// inState says how far message and handler are.
type inState struct {
	whole    bool // all has arrived
	aborted  error
	returned bool         // the handler has
	result   *StatusError // its verdict, nil if it took the message
	active   time.Time    // when something last arrived
	stall    *time.Timer
}

// ack is a chunk to be answered with 200 once the handler has read up to its end.
type ack struct {
	upto  int64
	r     replyTo
	since time.Time
}

// Read reads the body. It returns io.EOF only at the end of a complete message, and an
// error that wraps ErrAborted if the rest will not arrive.
func (in *Incoming) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	in.mu.Lock()
	if err := in.awaitBytes(); err != nil {
		in.mu.Unlock()
		return 0, err
	}
	n := in.pipe.copyOut(p)
	in.noteConsumed(n)
	return n, nil
}

// WriteTo writes the whole body to w, for io.Copy, without a buffer of its own. Its
// errors are those of w, and those of Read except io.EOF. Bytes that w did not write
// before an error can still be read.
func (in *Incoming) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		in.mu.Lock()
		if err := in.awaitBytes(); err != nil {
			in.mu.Unlock()
			if err == io.EOF {
				err = nil
			}
			return total, err
		}
		lent := in.pipe.lend()
		in.mu.Unlock()
		b := lent.buf[lent.unread:]
		n, err := w.Write(b) // may wait, while the reader goes on
		if err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		total += int64(n)
		in.mu.Lock()
		in.pipe.takeBack(lent, n)
		if in.returned {
			in.pipe.discard()
		}
		in.noteConsumed(n)
		if err != nil {
			return total, err
		}
	}
}

// awaitBytes waits until there is something to read; in.mu is held.
func (in *Incoming) awaitBytes() error {
	for in.pipe.empty() && !in.whole && in.aborted == nil && !in.returned {
		in.cond.Wait()
	}
	switch {
	case in.returned:
		return io.ErrClosedPipe // its bytes are gone
	case in.aborted != nil:
		return in.aborted
	case in.pipe.empty():
		return io.EOF
	}
	return nil
}

// noteConsumed notes that the handler has taken n bytes, and answers the chunks
// that this completes. It unlocks in.mu.
func (in *Incoming) noteConsumed(n int) {
	in.consumed += int64(n)
	in.shrinkPipe()
	due := in.popConsumed()
	in.cond.Broadcast()
	in.mu.Unlock()
	for _, a := range due {
		in.c.reply(a.r, nil)
	}
}

// popConsumed removes and returns the chunks whose answer is due; in.mu is held.
func (in *Incoming) popConsumed() []ack {
	n := 0
	for n < len(in.acks) && in.acks[n].upto <= in.consumed {
		n++
	}
	if n == 0 {
		return nil
	}
	due := append([]ack(nil), in.acks[:n]...)
	in.acks = append(in.acks[:0], in.acks[n:]...)
	return due
}

// deliver gives a piece to the handler. It waits while the handler has enough
// to read, so that TCP holds the sender back. A StatusError refuses the
// message.
func (in *Incoming) deliver(p []byte) *StatusError {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.received += int64(len(p))
	in.active = time.Now()
	for len(p) > 0 {
		if se, over := in.refusal(); over {
			return se
		}
		limit := in.c.cfg.pipe(int(in.Session.handlerCount.Load()))
		room := limit - in.pipe.size()
		if room <= 0 {
			if !in.waitHandler() {
				return status(StatusTooLarge, "Too Slow To Take It") // [RFC4975-5.3-1]
			}
			continue
		}
		if room = min(room, in.grant(len(p), limit)); room <= 0 {
			if in.pipe.empty() && in.pipe.lent == 0 || !in.waitHandler() {
				return noMemory
			}
			continue
		}
		n := min(room, len(p))
		in.pipe.append(p[:n], limit)
		p = p[n:]
		in.cond.Broadcast()
	}
	return nil
}

// refusal reports whether the message is no longer read, and then what refuses it, nil if
// its handler took it; in.mu is held.
func (in *Incoming) refusal() (*StatusError, bool) {
	switch {
	case in.returned:
		return in.result, true
	case in.aborted != nil:
		return in.abortRefusal(), true
	}
	return nil, false
}

// abortRefusal returns the answer to further chunks of an aborted message: 481, not 413, if
// the session has ended, so that the sender may try again. in.mu is held. See RFC 4975,
// section 10.8.
func (in *Incoming) abortRefusal() *StatusError {
	if errors.Is(in.aborted, ErrClosed) {
		return status(StatusNoSession, "Session Has Ended")
	}
	return status(StatusTooLarge, "Message Aborted")
}

// waitHandler waits until the handler has read something, or has ended. It
// gives false when that takes too long. in.mu is held.
func (in *Incoming) waitHandler() bool {
	late, over := false, false
	began := time.Now()
	var look *time.Timer
	look = time.AfterFunc(in.c.overdueInterval(), func() {
		overdue := in.c.handlerOverdue(began)
		in.mu.Lock()
		defer in.mu.Unlock()
		if over {
			return
		}
		if !overdue {
			look.Reset(in.c.overdueInterval())
			return
		}
		late = true
		in.cond.Broadcast()
	})
	defer func() {
		over = true
		look.Stop()
	}()
	in.c.blocked.Store(true)
	defer in.c.blocked.Store(false)
	consumed, acks := in.consumed, len(in.acks)
	for !late && in.consumed == consumed && len(in.acks) == acks && !in.returned && in.aborted == nil {
		in.cond.Wait()
	}
	in.active = time.Now()
	return !late
}
