package msrp

import (
	"fmt"
	"io"
	"time"
)

// readLoop takes one frame after the other until the connection ends.
func (c *conn) readLoop() {
	defer c.loops.Done()
	err := c.readFrames()
	c.fr.close()
	if !c.closing() && err != io.EOF {
		c.logEnd(err)
	}
	if err == io.EOF {
		c.answerLast()
	}
	c.fail(lost(err))
}

// logEnd logs why the connection ends. Those who never had a session do not fill the log.
func (c *conn) logEnd(err error) {
	remote := c.nc.RemoteAddr().String()
	c.mu.Lock()
	stranger := c.lst != nil && !c.bound
	c.mu.Unlock()
	if stranger {
		c.lst.quiet.Warn(c.cfg.Logger, "msrp connection closed", "unbound", "remote", remote, "err", err)
		return
	}
	c.cfg.Logger.Warn("msrp connection closed", "remote", remote, "err", err)
}

// answerLast follows the end of what the peer sends: it may still read, so
// the messages that have arrived whole are answered as at any other time. The
// sessions end at once.
func (c *conn) answerLast() {
	c.mu.Lock()
	sessions, trans := c.sessions, c.trans.takeAll()
	c.sessions = nil
	if c.unbound != nil {
		c.unbound.Stop()
	}
	c.mu.Unlock()
	for _, t := range trans {
		t.done(nil, ErrPeerClosed)
	}
	busy := false
	for _, s := range sessions {
		s.end(ErrPeerClosed, true)
		busy = busy || s.busy()
	}
	if !busy {
		return
	}
	answered := make(chan struct{})
	go func() {
		for _, s := range sessions {
			s.handlers.Wait()
		}
		close(answered)
	}()
	select {
	case <-answered:
	case <-time.After(c.cfg.HandlerTimeout + 2*c.cfg.grace()): // each has its answer before
	case <-c.stop:
		return
	}
	c.closeGently()
	select {
	case <-c.written:
	case <-c.stop:
	}
}

// busy tells whether a handler is running.
func (s *Session) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running > 0
}

// closing tells whether an error of the reader is no news.
func (c *conn) closing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining || c.err != nil
}

func (c *conn) readFrames() error {
	for {
		c.headBy = time.Time{} // each head has StallTimeout of its own
		f, err := c.fr.next()
		if err != nil {
			return err
		}
		if err := c.frame(f); err != nil {
			return err
		}
	}
}

// frame handles one request or response. An error ends the connection.
func (c *conn) frame(f *frame) error {
	if f.method == "" {
		if err := c.skipBody(f); err != nil {
			return err
		}
		c.response(f)
		return nil
	}
	if f.pathErr != nil {
		return fmt.Errorf("request without usable paths: %w", f.pathErr)
	}
	s, refusal := c.session(f) // the first thing to be looked at [RFC4975-7.3-3]
	switch {
	case f.method == "REPORT":
		if err := c.skipBody(f); err != nil {
			return err
		}
		if s != nil {
			s.report(f)
		}
		if f.binds != nil {
			f.binds.open()
		}
		return nil // never answered [RFC4975-7.1.2-1]
	case refusal != nil:
	case f.method == "NICKNAME":
		refusal = s.nickname(f)
	case f.method != "SEND":
		refusal = status(StatusUnknownMethod, "") // [RFC4975-12-1]
	case f.bad != "":
		refusal = status(StatusBadRequest, "Invalid "+f.bad)
	case f.messageID == "":
		refusal = status(StatusBadRequest, "No Message-ID") // [RFC4975-7.1.1-1]
	default:
		err := s.receive(c, f)
		if f.binds != nil {
			f.binds.openSoon()
		}
		return err
	}
	if err := c.skipBody(f); err != nil {
		return err
	}
	c.reply(c.replyTo(f), refusal)
	if refusal == wrongCertificate || refusal == noFingerprints {
		c.closeUnbound()
	}
	return nil
}

// nextPiece gives the next piece of a body, io.EOF at its end.
func (c *conn) nextPiece(f *frame) ([]byte, error) {
	if !f.hasBody {
		c.traceReceived(f)
		return nil, io.EOF
	}
	p, err := c.fr.body(f)
	if c.cfg.Trace != nil {
		switch {
		case err == nil:
			c.tracePiece(f, p)
		case err == io.EOF:
			c.traceReceived(f)
		}
	}
	return p, err
}

func (c *conn) skipBody(f *frame) error {
	for {
		if _, err := c.nextPiece(f); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// response finds the transaction of a response. One that nobody waits for (a
// second answer, an answer to a REPORT) is ignored.
func (c *conn) response(f *frame) {
	t := c.take(f.tid)
	if t == nil {
		return
	}
	t.header = f.header
	if f.code/100 == 2 {
		t.done(nil, nil)
		return
	}
	t.done(status(f.code, f.reason), nil)
}

// replyTo is what is needed to answer a request later.
type replyTo struct {
	tid      string
	to, from string // of the response
	wants    FailureReport
	silent   bool     // REPORT is never answered
	binds    *Session // the session that the request has bound
}

func (c *conn) replyTo(f *frame) replyTo {
	r := replyTo{tid: f.tid, to: f.hop, from: f.target, wants: f.failureReport, silent: f.method == "REPORT", binds: f.binds}
	if f.method != "SEND" {
		r.to = f.from.String() // the whole path back; for SEND the previous hop alone [RFC4975-7.2-1]
		r.wants = FailureYes   // Failure-Report is a header of SEND
	}
	return r
}

// reply answers a request, with 200 if se is nil, if an answer is wanted. The
// session that it has bound may send behind the answer.
func (c *conn) reply(r replyTo, se *StatusError) {
	if r.binds != nil {
		defer r.binds.open()
	}
	code, reason := StatusOK, "OK"
	if se != nil {
		code, reason = se.Code, se.reason()
	}
	// [RFC4975-7.1.4-1] [RFC4975-7.1.4-2]
	if r.silent || r.wants == FailureNo || r.wants == FailurePartial && code == StatusOK {
		return
	}
	f := controlPool.Get().(*outFrame)
	f.tid, f.flag, f.pooled = r.tid, flagLast, true
	f.head = appendResponse(f.head, r.tid, code, reason, r.to, r.from) // [RFC4975-7.2-2] [RFC4975-7.2-3]
	c.control(f)
}

// tracePiece keeps as much of a body as a trace wants.
func (c *conn) tracePiece(f *frame, p []byte) {
	f.bodySize += len(p)
	n := min(len(p), c.cfg.TraceBody-f.kept)
	f.raw = append(f.raw, p[:n]...)
	f.kept += n
}

func (c *conn) traceReceived(f *frame) {
	if c.cfg.Trace == nil {
		return
	}
	raw := f.raw
	if f.kept == f.bodySize {
		if f.hasBody && !f.direct {
			raw = append(raw, "\r\n"...)
		}
		raw = appendEndLine(raw, f.tid, f.flag)
	}
	c.trace(false, raw, f.size)
	f.raw = nil
}
