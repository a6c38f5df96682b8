package msrp

import (
	"context"
	"errors"
)

// close ends the session with err. If lostConn, the connection is gone; messages that
// have arrived whole are still with their handlers.
func (s *Session) close(err error, lostConn bool) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	if lostConn {
		s.err = lost(err)
		if errors.Is(err, ErrClosed) {
			s.err = ErrClosed
		}
	}
	err = s.err
	arriving := s.arriving
	s.arriving = make(map[string]*Incoming)
	waiting := s.receipts.removeAll()
	c := s.c
	s.mu.Unlock()

	close(s.done)
	for _, in := range arriving {
		in.abort(err)
	}
	for _, r := range waiting {
		r.failWith(err)
	}
	if s.lst != nil {
		s.lst.unregister(s)
	}
	if c != nil && !lostConn {
		c.unbind(s)
	}
	s.cleanUp()
}

// cleanUp ends the handlers' context and drops the session from its listener, once the
// session is closed and its last handler has returned.
func (s *Session) cleanUp() {
	s.mu.Lock()
	over := s.err != nil && s.running == 0
	s.mu.Unlock()
	if !over {
		return
	}
	s.cancel()
	if s.lst != nil {
		s.lst.dropSession(s)
	}
}

// Close ends the session at once: Sends fail, and the contexts of handlers end. It waits
// until the handlers return and, for a dialled session, until the connection is closed.
// It must not be called from a handler.
func (s *Session) Close() error {
	s.close(ErrClosed, false)
	s.cancel()
	s.handlers.Wait()
	if c := s.conn(); c != nil && s.lst == nil && c.isFinishing() {
		c.loops.Wait()
	}
	return nil
}

// Shutdown refuses new messages in both directions, waits for the messages in progress,
// and closes the session. If ctx ends first, it closes at once and returns ctx's error.
func (s *Session) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	var err error
	for err == nil {
		s.mu.Lock()
		idle := s.err != nil || s.sends == 0 && s.running == 0 && len(s.arriving) == 0
		changed := s.waitForChange()
		s.mu.Unlock()
		if idle {
			break
		}
		select {
		case <-changed:
		case <-s.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	s.Close()
	return err
}

// wakeWaiters wakes the callers of waitForChange; s.mu is held.
func (s *Session) wakeWaiters() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// waitForChange returns a channel that is closed when fewer Sends or handlers are under
// way, or fewer messages arriving; s.mu is held.
func (s *Session) waitForChange() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}
