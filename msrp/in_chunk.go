package msrp

import (
	"io"
	"time"
)

// chunk is a SEND request being received.
type chunk struct {
	c        *conn
	f        *frame
	in       *Incoming // nil until its first byte, in an empty SEND for good
	r        byteRange
	begin    int64 // offset in the message of its first byte
	pos      int64 // of the next byte
	refusal  *StatusError
	skipped  int // bytes thrown away after it was refused
	answered bool
}

// receive takes one SEND request of this session. An error ends the
// connection. It runs in the connection's reading goroutine.
func (s *Session) receive(c *conn, f *frame) error {
	k := &chunk{c: c, f: f}
	s.admit(k)
	for {
		p, err := c.nextPiece(f)
		if err == io.EOF {
			break
		}
		if err != nil {
			if k.in != nil {
				s.forget(k.in)
				k.in.abort(lost(err))
			}
			return err
		}
		s.piece(k, p)
	}
	if k.refusal == nil {
		k.refusal = k.checkEnd()
	}
	if k.refusal == nil && k.in == nil && f.emptyBody() {
		k.in, k.refusal = s.begin(c, f, k.r)
	}
	if k.refusal != nil {
		s.refuseMessage(k.in, f, k.refusal)
		k.answer()
		return nil
	}
	s.endChunk(k)
	return nil
}

// piece takes a piece of a chunk's body.
func (s *Session) piece(k *chunk, p []byte) {
	if k.refusal == nil && k.in == nil {
		k.in, k.refusal = s.begin(k.c, k.f, k.r)
	}
	if k.refusal == nil {
		k.refusal = s.take(k, p)
	}
	if k.refusal != nil {
		if k.skipped += len(p); k.skipped > earlyRefusal {
			k.answer() // the sender may stop sooner if it learns it now
		}
	}
}

// emptyBody tells of a whole message of no bytes, which is not the same as a
// SEND without a body. An end-line right behind the blank line is no body.
func (f *frame) emptyBody() bool {
	return f.hasBody && !f.direct && f.contentType != "" && f.flag == flagLast
}

// answer sends the chunk's refusal, once.
func (k *chunk) answer() {
	if !k.answered {
		k.answered = true
		k.c.reply(k.c.replyTo(k.f), k.refusal)
	}
}

// admit finds the message a chunk belongs to, and checks that it fits.
func (s *Session) admit(k *chunk) {
	s.mu.Lock()
	in := s.arriving[k.f.messageID]
	refused := s.refused.get(k.f.messageID)
	draining := s.draining && in == nil
	s.mu.Unlock()
	r := k.f.rng
	if !k.f.hasRange {
		r = byteRange{1, -1, -1} // no Byte-Range is a whole message (RFC 4975, 7.3.1)
		if in != nil {
			r.start = in.received + 1
		}
	}
	k.in, k.r, k.begin = in, r, r.start-1
	if in != nil {
		k.begin = in.place(r)
	}
	k.pos = k.begin
	switch {
	case refused != nil && !(in == nil && r.start == 1):
		k.refusal = refused
	case draining:
		k.refusal = status(StatusNoSession, "Session Has Ended")
	case in == nil:
	case in.stated >= 0 && r.total >= 0 && r.total != in.stated:
		k.refusal = status(StatusBadRequest, "Total Has Changed")
	case r.total >= 0:
		in.stated = r.total
	}
}

// begin starts a message with its first bytes.
func (s *Session) begin(c *conn, f *frame, r byteRange) (*Incoming, *StatusError) {
	switch {
	case s.sc.Handler == nil, !TypeAccepted(s.sc.AcceptTypes, f.contentType):
		return nil, status(StatusUnsupportedType, "") // [RFC4975-7.3.1-1]
	case s.sc.MaxSize > 0 && r.total > s.sc.MaxSize:
		return nil, status(StatusTooLarge, "") // see RFC 4975, section 10.5
	}
	waited, se := s.reserve(c)
	if se != nil {
		return nil, se
	}
	waited += f.waited
	if !s.memory().Take(messageCost) {
		s.unreserve()
		return nil, noMemory
	}
	in := &Incoming{
		charged:   messageCost,
		MessageID: f.messageID, ContentType: f.contentType, Size: r.total,
		SuccessReport: f.successReport, FailureReport: f.failureReport,
		From: f.from, To: f.to, Header: f.header, Session: s,
		c: c, size: -1, stated: r.total, waited: waited,
	}
	in.cond.L = &in.mu
	in.ctx.parent, in.ctx.session = s.ctx, s
	s.mu.Lock()
	if s.err != nil || s.draining {
		s.mu.Unlock()
		s.memory().Give(messageCost)
		s.unreserve()
		return nil, status(StatusNoSession, "Session Has Ended")
	}
	s.refused.remove(in.MessageID)
	s.arriving[in.MessageID] = in
	s.handlers.Add(1)
	s.mu.Unlock()
	c.workers.run(in)
	return in, nil
}

// reserve gets a place for one more handler. If too many messages are open it
// refuses; if too many handlers are still busy with whole messages it waits,
// for a while, and tells for how long.
func (s *Session) reserve(c *conn) (time.Duration, *StatusError) {
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
			s.crowd.Store(int32(s.running))
			s.mu.Unlock()
			if look == nil {
				return 0, nil
			}
			return time.Since(began), nil
		}
		changed := s.change()
		s.mu.Unlock()
		if look == nil {
			look = time.NewTicker(c.lookAgain())
			defer look.Stop()
			c.blocked.Store(true)
			defer c.blocked.Store(false)
		}
		select {
		case <-changed:
		case <-look.C:
			if c.overdue(began) {
				return 0, status(StatusTooLarge, "Too Many Messages At Once")
			}
		case <-c.stop:
			return 0, status(StatusNoSession, "")
		}
	}
}

// unreserve gives a place of reserve back.
func (s *Session) unreserve() {
	s.mu.Lock()
	s.running--
	s.crowd.Store(int32(s.running))
	s.signal()
	s.mu.Unlock()
	s.retire()
}

// take hands one piece on, if it fits the stated sizes. Bytes that came
// before are dropped, those ahead of their turn held [RFC4975-7.3.1-2].
func (s *Session) take(k *chunk, p []byte) *StatusError {
	in := k.in
	end := k.pos + int64(len(p))
	if s.sc.MaxSize > 0 && end > s.sc.MaxSize {
		return status(StatusTooLarge, "")
	}
	at := k.pos
	k.pos = end
	if at > in.received {
		return in.hold(at, p)
	}
	if end <= in.received {
		in.touch()
		return nil
	}
	if se := in.deliver(p[in.received-at:]); se != nil {
		return se
	}
	return in.release()
}

// endChunk answers a chunk that was fine, at the right time.
func (s *Session) endChunk(k *chunk) {
	in, r := k.in, k.c.replyTo(k.f)
	switch {
	case in == nil:
		// An empty SEND: it binds, or keeps the connection alive.
		k.c.reply(r, nil)
		if k.f.successReport && k.f.flag == flagLast {
			k.c.sendReport(k.f.messageID, k.f.from, r.from, 0, "200 OK")
		}
		return
	case k.f.flag == flagAbort:
		s.forget(in)
		in.abandon(errGivenUp, nil)
		k.c.reply(r, nil)
		return
	}
	in.claim(k)
	switch {
	case k.f.flag == flagLast:
		in.size = k.pos
		in.extra = k.uncounted()
		if in.received == in.size {
			s.finish(in, r)
			return
		}
		in.setLast(r)
		in.watch()
	default:
		in.chunkDone(k.pos, r)
		in.watch()
	}
	if in.received == in.size {
		if last := in.takeLast(); last != nil {
			s.finish(in, *last)
		}
	}
}

// finish gives a message that is whole its place in the order of arrivals.
func (s *Session) finish(in *Incoming, last replyTo) {
	s.mu.Lock()
	delete(s.arriving, in.MessageID)
	if s.err == nil {
		s.arrived(in)
	}
	s.signal()
	s.mu.Unlock()
	in.complete(last)
}

// refuseMessage drops a message, and remembers what its further chunks get.
func (s *Session) refuseMessage(in *Incoming, f *frame, se *StatusError) {
	s.mu.Lock()
	if in != nil && s.arriving[in.MessageID] == in {
		delete(s.arriving, in.MessageID)
		s.signal()
	}
	if f.flag == flagMore {
		s.refused.add(f.messageID, se)
	} else {
		s.refused.remove(f.messageID)
	}
	s.mu.Unlock()
	if in != nil {
		in.abandon(se, se)
	}
}

func (s *Session) forget(in *Incoming) {
	s.mu.Lock()
	if s.arriving[in.MessageID] == in {
		delete(s.arriving, in.MessageID)
		s.signal()
	}
	s.mu.Unlock()
}

// giveUp ends a message that has not come whole; chunks that come yet get se
// too.
func (s *Session) giveUp(in *Incoming, cause error, se *StatusError) {
	s.mu.Lock()
	if s.arriving[in.MessageID] != in {
		s.mu.Unlock()
		return
	}
	delete(s.arriving, in.MessageID)
	s.refused.add(in.MessageID, se)
	s.signal()
	s.mu.Unlock()
	in.abandon(cause, se)
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
