package msrp

import (
	"io"
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

// receiveChunk takes one SEND request of this session. An error ends the
// connection. It runs in the connection's reading goroutine.
func (s *Session) receiveChunk(c *conn, f *frame) error {
	k := &chunk{c: c, f: f}
	s.findMessage(k)
	for {
		p, err := c.nextPiece(f)
		if err == io.EOF {
			break
		}
		if err != nil {
			if k.in != nil {
				s.dropMessage(k.in)
				k.in.abort(lost(err))
			}
			return err
		}
		s.receivePiece(k, p)
	}
	if k.refusal == nil {
		k.refusal = k.checkEnd()
	}
	if k.refusal == nil && k.in == nil && f.emptyBody() {
		k.in, k.refusal = s.beginMessage(c, f, k.r)
	}
	if k.refusal != nil {
		s.refuseMessage(k.in, f, k.refusal)
		k.answerRefusal()
		return nil
	}
	s.finishChunk(k)
	return nil
}

// receivePiece takes a piece of a chunk's body.
func (s *Session) receivePiece(k *chunk, p []byte) {
	if k.refusal == nil && k.in == nil {
		k.in, k.refusal = s.beginMessage(k.c, k.f, k.r)
	}
	if k.refusal == nil {
		k.refusal = s.takePiece(k, p)
	}
	if k.refusal != nil {
		if k.skipped += len(p); k.skipped > earlyRefusal {
			k.answerRefusal() // the sender may stop sooner if it learns it now
		}
	}
}

// emptyBody reports whether the frame is a whole message of no bytes, which differs from
// a SEND without a body. An end-line directly behind the blank line is no body.
func (f *frame) emptyBody() bool {
	return f.hasBody && !f.direct && f.contentType != "" && f.flag == flagLast
}

// answerRefusal sends the chunk's refusal, once.
func (k *chunk) answerRefusal() {
	if !k.answered {
		k.answered = true
		k.c.reply(k.c.replyTo(k.f), k.refusal)
	}
}

// findMessage finds the message a chunk belongs to, and checks that it fits.
func (s *Session) findMessage(k *chunk) {
	s.mu.Lock()
	in := s.arriving[k.f.messageID]
	refused := s.refused.lookUp(k.f.messageID)
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
		k.begin = in.offsetOf(r)
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

// takePiece gives one piece to the message, if it fits the stated sizes. Bytes that the
// handler has already are dropped, bytes ahead of a gap held [RFC4975-7.3.1-2].
func (s *Session) takePiece(k *chunk, p []byte) *StatusError {
	in := k.in
	end := k.pos + int64(len(p))
	if s.sc.MaxSize > 0 && end > s.sc.MaxSize {
		return status(StatusTooLarge, "")
	}
	at := k.pos
	k.pos = end
	if at > in.received {
		return in.holdPiece(at, p)
	}
	if end <= in.received {
		in.noteActive()
		return nil
	}
	if se := in.deliver(p[in.received-at:]); se != nil {
		return se
	}
	return in.deliverHeld()
}

// finishChunk answers a chunk that was fine, at the right time.
func (s *Session) finishChunk(k *chunk) {
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
		s.dropMessage(in)
		in.abortAndAnswer(errGivenUp, nil)
		k.c.reply(r, nil)
		return
	}
	in.noteRange(k)
	switch {
	case k.f.flag == flagLast:
		in.size = k.pos
		in.extra = k.uncounted()
		if in.received == in.size {
			s.finishMessage(in, r)
			return
		}
		in.setLast(r)
		in.watchStall()
	default:
		in.chunkDone(k.pos, r)
		in.watchStall()
	}
	if in.received == in.size {
		if last := in.popLast(); last != nil {
			s.finishMessage(in, *last)
		}
	}
}

// finishMessage gives a message that is whole its place in the order of arrivals.
func (s *Session) finishMessage(in *Incoming, last replyTo) {
	s.mu.Lock()
	delete(s.arriving, in.MessageID)
	if s.err == nil {
		s.queueTurn(in)
	}
	s.wakeWaiters()
	s.mu.Unlock()
	in.finish(last)
}

// refuseMessage aborts a message, and remembers the answer to its further chunks.
func (s *Session) refuseMessage(in *Incoming, f *frame, se *StatusError) {
	s.mu.Lock()
	if in != nil && s.arriving[in.MessageID] == in {
		delete(s.arriving, in.MessageID)
		s.wakeWaiters()
	}
	if f.flag == flagMore {
		s.refused.remember(f.messageID, se)
	} else {
		s.refused.removeID(f.messageID)
	}
	s.mu.Unlock()
	if in != nil {
		in.abortAndAnswer(se, se)
	}
}

func (s *Session) dropMessage(in *Incoming) {
	s.mu.Lock()
	if s.arriving[in.MessageID] == in {
		delete(s.arriving, in.MessageID)
		s.wakeWaiters()
	}
	s.mu.Unlock()
}

// abortMessage aborts a message that is not whole; its later chunks get se, too.
func (s *Session) abortMessage(in *Incoming, cause error, se *StatusError) {
	s.mu.Lock()
	if s.arriving[in.MessageID] != in {
		s.mu.Unlock()
		return
	}
	delete(s.arriving, in.MessageID)
	s.refused.remember(in.MessageID, se)
	s.wakeWaiters()
	s.mu.Unlock()
	in.abortAndAnswer(cause, se)
}
