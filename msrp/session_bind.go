package msrp

import (
	"context"
	"time"
)

// isNamedBy reports whether a request is for this session: its To-Path is our URI,
// as RFC 4975, section 6.1, compares URIs.
func (s *Session) isNamedBy(f *frame) bool {
	return f.target == s.from || f.to[0].Equal(s.local)
}

// bindAndOpen binds the session to a connection on which it may send at once.
func (s *Session) bindAndOpen(c *conn) *StatusError {
	if _, se := s.bindTo(c); se != nil {
		return se
	}
	s.openSending()
	return nil
}

// bindTo binds the session to a connection, and reports whether it was not
// bound before. It may send from open on.
func (s *Session) bindTo(c *conn) (fresh bool, se *StatusError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return false, status(StatusNoSession, "")
	case s.c == c:
		return false, nil
	case s.lst != nil && s.checkCertificate(c.nc) != nil:
		return false, s.checkCertificate(c.nc)
	case s.c != nil:
		return false, status(StatusBoundElsewhere, "") // [RFC4975-5.4-4]
	case !c.bindSession(s):
		return false, status(StatusNoSession, "")
	}
	s.c = c
	return true, nil
}

// openSending lets a session that is bound send. Of an accepted session the answer
// to the request that bound it is queued by then, so that nothing of ours
// overtakes it.
func (s *Session) openSending() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opener != nil {
		s.opener.Stop()
	}
	select {
	case <-s.bound:
	default:
		close(s.bound)
	}
}

// openSendingSoon bounds the wait for an answer that a handler has to give: what it
// waits for may be what the session is to send.
func (s *Session) openSendingSoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.bound:
	default:
		s.opener = time.AfterFunc(bindingAnswer, s.openSending)
	}
}

// sendBinding sends the empty SEND that binds the session at the peer
// [RFC4975-5.4-2].
func (s *Session) sendBinding(ctx context.Context) error {
	_, to, err := s.target()
	if err != nil {
		return err
	}
	tid := newTransactionID()
	head := appendRequest(nil, tid, "SEND", to, s.from)
	head = appendField(head, hdrMessageID, newID(messageIDSize))
	head = appendRange(head, byteRange{1, 0, 0})
	_, err = s.conn().exchange(ctx, tid, head)
	return err
}
