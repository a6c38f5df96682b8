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
	if !c.isClosing() && err != io.EOF {
		c.logEnd(err)
	}
	if err == io.EOF {
		c.finishReading()
	}
	c.close(lost(err))
}

// logEnd logs why the connection ends. Connections that never had a
// session have only a few lines a minute.
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

// finishReading follows the end of what the peer sends: it may still read, so
// the messages that have arrived whole are answered as at any other time. The
// sessions end at once.
func (c *conn) finishReading() {
	c.mu.Lock()
	sessions, trans := c.sessions, c.trans.removeAll()
	c.sessions = nil
	if c.unbound != nil {
		c.unbound.Stop()
	}
	c.mu.Unlock()
	for _, t := range trans {
		t.conclude(nil, ErrPeerClosed)
	}
	busy := false
	for _, s := range sessions {
		s.close(ErrPeerClosed, true)
		busy = busy || s.hasHandlers()
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
	c.finish()
	select {
	case <-c.written:
	case <-c.stop:
	}
}

// hasHandlers reports whether a handler is running.
func (s *Session) hasHandlers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running > 0
}

func (c *conn) readFrames() error {
	for {
		c.headBy = time.Time{} // each head has StallTimeout of its own
		f, err := c.fr.nextFrame()
		if err != nil {
			return err
		}
		if err := c.handleFrame(f); err != nil {
			return err
		}
	}
}

// handleFrame handles one request or response. An error ends the connection.
func (c *conn) handleFrame(f *frame) error {
	if f.method == "" {
		if err := c.skipBody(f); err != nil {
			return err
		}
		c.handleResponse(f)
		return nil
	}
	if f.pathErr != nil {
		return fmt.Errorf("request without usable paths: %w", f.pathErr)
	}
	s, refusal := c.sessionFor(f) // the first thing to be looked at [RFC4975-7.3-3]
	switch {
	case f.method == "REPORT":
		if err := c.skipBody(f); err != nil {
			return err
		}
		if s != nil {
			s.handleReport(f)
		}
		if f.binds != nil {
			f.binds.openSending()
		}
		return nil // never answered [RFC4975-7.1.2-1]
	case refusal != nil:
	case f.method == "NICKNAME":
		refusal = s.handleNickname(f)
	case f.method != "SEND":
		refusal = status(StatusUnknownMethod, "") // [RFC4975-12-1]
	case f.bad != "":
		refusal = status(StatusBadRequest, "Invalid "+f.bad)
	case f.messageID == "":
		refusal = status(StatusBadRequest, "No Message-ID") // [RFC4975-7.1.1-1]
	default:
		err := s.receiveChunk(c, f)
		if f.binds != nil {
			f.binds.openSendingSoon()
		}
		return err
	}
	if err := c.skipBody(f); err != nil {
		return err
	}
	c.reply(c.replyTo(f), refusal)
	if refusal == wrongCertificate || refusal == noFingerprints {
		c.finishUnbound()
	}
	return nil
}

// nextPiece gives the next piece of a body, io.EOF at its end.
func (c *conn) nextPiece(f *frame) ([]byte, error) {
	if !f.hasBody {
		c.traceReceived(f)
		return nil, io.EOF
	}
	p, err := c.fr.nextPiece(f)
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

// handleResponse finds the transaction of a response. A response that is not awaited (a
// second answer, an answer to a REPORT) is ignored.
func (c *conn) handleResponse(f *frame) {
	t := c.unregisterTransaction(f.tid)
	if t == nil {
		return
	}
	t.header = f.header
	if f.code/100 == 2 {
		t.conclude(nil, nil)
		return
	}
	t.conclude(status(f.code, f.reason), nil)
}
