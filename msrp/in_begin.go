package msrp

import "time"

// beginMessage starts a message with its first bytes.
func (s *Session) beginMessage(c *conn, f *frame, r byteRange) (*Incoming, *StatusError) {
	switch {
	case s.sc.Handler == nil, !TypeAccepted(s.sc.AcceptTypes, f.contentType):
		return nil, status(StatusUnsupportedType, "") // [RFC4975-7.3.1-1]
	case s.sc.MaxSize > 0 && r.total > s.sc.MaxSize:
		return nil, status(StatusTooLarge, "") // see RFC 4975, section 10.5
	}
	waited, se := s.reserveHandler(c)
	if se != nil {
		return nil, se
	}
	waited += f.waited
	if !s.memory().Take(messageCost) {
		s.unreserveHandler()
		return nil, noMemory
	}
	in := &Incoming{
		MessageID: f.messageID, ContentType: f.contentType, Size: r.total,
		SuccessReport: f.successReport, FailureReport: f.failureReport,
		From: f.from, To: f.to, Header: f.header, Session: s,
		c:          c,
		inPosition: inPosition{size: -1, stated: r.total},
		inBuffer:   inBuffer{charged: messageCost},
		inTimer:    inTimer{waited: waited},
	}
	in.cond.L = &in.mu
	in.ctx.parent, in.ctx.session = s.ctx, s
	s.mu.Lock()
	if s.err != nil || s.draining {
		s.mu.Unlock()
		s.memory().Give(messageCost)
		s.unreserveHandler()
		return nil, status(StatusNoSession, "Session Has Ended")
	}
	s.refused.removeID(in.MessageID)
	s.arriving[in.MessageID] = in
	s.handlers.Add(1)
	s.mu.Unlock()
	c.workers.dispatch(in)
	return in, nil
}

// reserveHandler gets a place for one more handler. If too many messages are open it
// refuses; if too many handlers are still busy with whole messages it waits,
// for a while, and returns how long it waited.
func (s *Session) reserveHandler(c *conn) (time.Duration, *StatusError) {
	began := time.Now()
	var look *time.Ticker
	for {
		s.mu.Lock()
		switch {
		case s.err != nil:
			s.mu.Unlock()
			return 0, status(StatusNoSession, "")
		case len(s.arriving) >= s.cfg.MaxOpenMessages:
			s.mu.Unlock()
			return 0, status(StatusTooLarge, "Too Many Messages At Once")
		case s.running < s.cfg.MaxHandlers:
			s.running++
			s.handlerCount.Store(int32(s.running))
			s.mu.Unlock()
			if look == nil {
				return 0, nil
			}
			return time.Since(began), nil
		}
		changed := s.waitForChange()
		s.mu.Unlock()
		if look == nil {
			look = time.NewTicker(c.overdueInterval())
			defer look.Stop()
			c.blocked.Store(true)
			defer c.blocked.Store(false)
		}
		select {
		case <-changed:
		case <-look.C:
			if c.handlerOverdue(began) {
				return 0, status(StatusTooLarge, "Too Many Messages At Once")
			}
		case <-c.stop:
			return 0, status(StatusNoSession, "")
		}
	}
}

// unreserveHandler gives a place of reserveHandler back.
func (s *Session) unreserveHandler() {
	s.mu.Lock()
	s.running--
	s.handlerCount.Store(int32(s.running))
	s.wakeWaiters()
	s.mu.Unlock()
	s.cleanUp()
}
