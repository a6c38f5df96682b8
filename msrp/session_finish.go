package msrp

import (
	"context"
	"time"
)

// Finish ends the session in good order after the end of its dialog. It reads what the
// peer has sent before. A complete message goes to its Handler and is answered with the
// Handler's result, and responses to our requests are processed. Each further message
// gets 481. An incomplete message also gets 481, and its Handler gets ErrAborted.
//
// Unlike Close, Finish does not end the contexts of handlers. It returns when all
// handlers have returned and the session is closed; their answers are then being written.
// It waits for missing responses for 2 s at most. If ctx ends first, the session closes
// at once, as with Close, and Finish returns ctx's error.
//
// Finish must not be called from a handler. It may be called again, and together with
// Close.
func (s *Session) Finish(ctx context.Context) error {
	s.catchUp(ctx)
	for _, in := range s.refuseNew() {
		in.abortAndAnswer(ErrClosed, status(StatusNoSession, "Session Has Ended"))
	}
	err := s.awaitHandlers(ctx)
	s.Close()
	return err
}

// refuseNew lets no further message begin, and gives those that are not whole.
func (s *Session) refuseNew() (incomplete []*Incoming) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for id, in := range s.arriving {
		incomplete = append(incomplete, in)
		delete(s.arriving, id)
	}
	s.wakeWaiters()
	return incomplete
}

// awaitHandlers waits until no handler runs, and until the responses to our messages have
// arrived, for lastResponses at most.
func (s *Session) awaitHandlers(ctx context.Context) error {
	overdue := time.NewTimer(lastResponses)
	defer overdue.Stop()
	for patient := true; ; {
		s.mu.Lock()
		busy, live := s.running > 0, s.err == nil
		waits := patient && live && s.sends > 0
		changed := s.waitForChange()
		s.mu.Unlock()
		if !busy && !waits {
			return nil
		}
		select {
		case <-changed:
		case <-overdue.C:
			patient = false
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// catchUp waits until the connection's reader has read all bytes that had arrived when it
// was called, for catchUpLimit at most.
func (s *Session) catchUp(ctx context.Context) {
	c := s.conn()
	if c == nil {
		return
	}
	m := &readMark{at: c.read.Load() + int64(unread(c.nc)), reached: make(chan struct{})}
	if !c.setMark(m) {
		return // another Finish waits, whose session shares the connection
	}
	limit := time.NewTimer(catchUpLimit)
	defer limit.Stop()
	select {
	case <-m.reached:
	case <-limit.C:
	case <-s.done:
	case <-c.stop:
	case <-ctx.Done():
	}
	c.mark.CompareAndSwap(m, nil)
}

// A readMark is reached when the reader needs more than that many bytes of its
// connection.
type readMark struct {
	at      int64
	reached chan struct{}
}

// setMark sets the mark, and reports false if there is one.
func (c *conn) setMark(m *readMark) bool {
	if !c.mark.CompareAndSwap(nil, m) {
		return false
	}
	if c.reading.Load() { // it may have looked before
		c.passMark()
	}
	return true
}

// passMark wakes catchUp if the reader has read up to its mark and needs more bytes.
func (c *conn) passMark() {
	m := c.mark.Load()
	if m != nil && c.read.Load() >= m.at && c.mark.CompareAndSwap(m, nil) {
		close(m.reached)
	}
}
