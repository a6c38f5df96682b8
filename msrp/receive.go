package msrp

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
)

// receive takes one SEND request of this session. An error ends the
// connection. It runs in the connection's reading goroutine.
func (s *Session) receive(c *conn, f *frame) error {
	in, r, refusal := s.admit(f)
	answered := false
	skipped := 0
	for {
		p, err := c.nextPiece(f)
		if err == io.EOF {
			break
		}
		if err != nil {
			if in != nil {
				s.forget(in)
				in.abort(lost(err))
			}
			return err
		}
		if refusal == nil && in == nil {
			in, refusal = s.begin(c, f, r)
		}
		if refusal == nil {
			refusal = s.take(in, r, p)
		}
		if refusal != nil {
			if skipped += len(p); skipped > earlyRefusal && !answered {
				// The sender may stop sooner if it learns it now.
				c.reply(c.replyTo(f), refusal)
				answered = true
			}
		}
	}
	if refusal == nil {
		refusal = s.checkEnd(in, f, r)
	}
	if refusal != nil {
		s.refuseMessage(in, f, refusal)
		if !answered {
			c.reply(c.replyTo(f), refusal)
		}
		return nil
	}
	s.endChunk(c, in, f)
	return nil
}

// admit finds the message a chunk belongs to, and checks that it fits.
func (s *Session) admit(f *frame) (*Incoming, byteRange, *StatusError) {
	s.mu.Lock()
	in := s.open[f.messageID]
	refused := s.refused.get(f.messageID)
	draining := s.draining && in == nil
	s.mu.Unlock()
	r := f.rng
	if !f.hasRange {
		r = byteRange{1, -1, -1} // [RFC4975-7.3.1-1]
		if in != nil {
			r.start = in.received + 1
		}
	}
	switch {
	case refused != nil && !(in == nil && r.start == 1):
		return in, r, refused
	case draining:
		return nil, r, status(StatusNoSession, "Shutting Down")
	case in == nil && r.start != 1:
		return nil, r, status(StatusBadRequest, "Chunk Of An Unknown Message")
	case in == nil:
		return nil, r, nil
	case r.start != in.received+1:
		return in, r, status(StatusBadRequest, "Chunk Out Of Order")
	case in.size >= 0 && r.total >= 0 && r.total != in.size:
		return in, r, status(StatusBadRequest, "Total Has Changed")
	case r.total >= 0 && in.size < 0:
		in.size = r.total
	}
	return in, r, nil
}

// begin starts a message with its first bytes.
func (s *Session) begin(c *conn, f *frame, r byteRange) (*Incoming, *StatusError) {
	switch {
	case s.sc.Handler == nil, !typeAccepted(s.sc.AcceptTypes, f.contentType):
		return nil, status(StatusUnsupportedType, "") // [RFC4975-7.3.1-2]
	case s.sc.MaxSize > 0 && r.total > s.sc.MaxSize:
		return nil, status(StatusTooLarge, "") // [RFC4975-7.3.1-3]
	}
	if se := s.reserve(c); se != nil {
		return nil, se
	}
	in := &Incoming{
		MessageID: f.messageID, ContentType: f.contentType, Size: r.total,
		SuccessReport: f.successReport, FailureReport: f.failureReport,
		From: f.from, To: f.to, Header: f.header, Session: s,
		c: c, size: r.total,
	}
	in.cond.L = &in.mu
	in.ctx, in.cancel = context.WithCancel(s.ctx)
	s.mu.Lock()
	if s.err != nil {
		s.running--
		s.mu.Unlock()
		in.cancel()
		return nil, status(StatusNoSession, "")
	}
	s.refused.remove(in.MessageID)
	s.open[in.MessageID] = in
	s.handlers.Add(1)
	s.mu.Unlock()
	in.watch()
	go in.run(s.sc.Handler)
	return in, nil
}

// reserve gets a place for one more handler. If too many messages are open it
// refuses; if too many handlers are still busy with whole messages it waits,
// for a while.
func (s *Session) reserve(c *conn) *StatusError {
	var late <-chan time.Time
	for {
		s.mu.Lock()
		switch {
		case s.err != nil:
			s.mu.Unlock()
			return status(StatusNoSession, "")
		case len(s.open) >= s.cfg.MaxOpenMessages:
			s.mu.Unlock()
			return status(StatusTooLarge, "Too Many Messages At Once")
		case s.running < s.cfg.MaxHandlers:
			s.running++
			s.mu.Unlock()
			return nil
		}
		changed := s.changed
		s.mu.Unlock()
		if late == nil {
			t := time.NewTimer(s.cfg.HandlerTimeout)
			defer t.Stop()
			late = t.C
			c.blocked.Store(true)
			defer c.blocked.Store(false)
		}
		select {
		case <-changed:
		case <-late:
			return status(StatusTooLarge, "Too Many Messages At Once")
		case <-c.stop:
			return status(StatusNoSession, "")
		}
	}
}

// take hands one piece on, if it fits the stated sizes.
func (s *Session) take(in *Incoming, r byteRange, p []byte) *StatusError {
	n := in.received + int64(len(p))
	switch {
	case r.end >= 0 && n > r.end:
		return status(StatusBadRequest, "More Bytes Than Byte-Range Says")
	case in.size >= 0 && n > in.size:
		return status(StatusBadRequest, "More Bytes Than The Total")
	case s.sc.MaxSize > 0 && n > s.sc.MaxSize:
		return status(StatusTooLarge, "")
	}
	return in.deliver(p)
}

// checkEnd checks a chunk that has ended against its Byte-Range.
func (s *Session) checkEnd(in *Incoming, f *frame, r byteRange) *StatusError {
	if f.flag != flagLast {
		return nil
	}
	var received, size int64 = 0, r.total
	if in != nil {
		received, size = in.received, in.size
	}
	if size >= 0 && received != size || r.end >= 0 && received != r.end {
		return status(StatusBadRequest, "Fewer Bytes Than Byte-Range Says")
	}
	return nil
}

// endChunk answers a chunk that was fine, at the right time.
func (s *Session) endChunk(c *conn, in *Incoming, f *frame) {
	r := c.replyTo(f)
	switch {
	case in == nil:
		// An empty SEND: it binds, or keeps the connection alive.
		c.reply(r, nil)
		if f.successReport && f.flag == flagLast {
			c.sendReport(f.messageID, f.from, r.from, 0)
		}
	case f.flag == flagAbort:
		s.forget(in)
		in.abort(errors.New("given up by its sender"))
		c.reply(r, nil)
	case f.flag == flagMore:
		in.chunkDone(r)
	default:
		s.mu.Lock()
		delete(s.open, in.MessageID)
		if s.err == nil {
			s.arrived(in)
		}
		s.signal()
		s.mu.Unlock()
		in.complete(r)
	}
}

// refuseMessage drops a message, and remembers what its further chunks get.
func (s *Session) refuseMessage(in *Incoming, f *frame, se *StatusError) {
	s.mu.Lock()
	if in != nil && s.open[in.MessageID] == in {
		delete(s.open, in.MessageID)
		s.signal()
	}
	if f.flag == flagMore {
		s.refused.add(f.messageID, se)
	} else {
		s.refused.remove(f.messageID)
	}
	s.mu.Unlock()
	if in != nil {
		in.abort(se)
	}
}

func (s *Session) forget(in *Incoming) {
	s.mu.Lock()
	if s.open[in.MessageID] == in {
		delete(s.open, in.MessageID)
		s.signal()
	}
	s.mu.Unlock()
}

// giveUp ends a message whose sender is silent; chunks that come yet get 408.
func (s *Session) giveUp(in *Incoming) {
	s.mu.Lock()
	if s.open[in.MessageID] != in {
		s.mu.Unlock()
		return
	}
	delete(s.open, in.MessageID)
	s.refused.add(in.MessageID, status(StatusTimeout, "Stalled"))
	s.signal()
	s.mu.Unlock()
	in.abort(ErrStalled)
}

// typeAccepted matches a Content-Type with the media ranges of accept-types.
// See RFC 4975, section 8.6.
func typeAccepted(ranges []string, contentType string) bool {
	if ranges == nil {
		return true
	}
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	major, _, _ := strings.Cut(t, "/")
	for _, r := range ranges {
		r, _, _ = strings.Cut(strings.ToLower(r), ";")
		r = strings.TrimSpace(r)
		if r == "*" || r == "*/*" || t != "" && (r == t || r == major+"/*") {
			return true
		}
	}
	return false
}

// refusals remember the messages refused whose last chunk has not come; the
// oldest goes when there are maxRefused.
type refusals struct {
	ids   []string
	codes map[string]*StatusError
}

func (r *refusals) get(id string) *StatusError { return r.codes[id] }

func (r *refusals) add(id string, se *StatusError) {
	if r.codes == nil {
		r.codes = make(map[string]*StatusError)
	}
	if r.codes[id] == nil {
		if len(r.ids) >= maxRefused {
			delete(r.codes, r.ids[0])
			r.ids = append(r.ids[:0], r.ids[1:]...)
		}
		r.ids = append(r.ids, id)
	}
	r.codes[id] = se
}

func (r *refusals) remove(id string) {
	if r.codes[id] == nil {
		return
	}
	delete(r.codes, id)
	for i, x := range r.ids {
		if x == id {
			r.ids = append(r.ids[:i], r.ids[i+1:]...)
			return
		}
	}
}
