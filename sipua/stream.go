package sipua

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// guard wraps the listener's connections as streams of SIP messages.
func (ua *UA) guard(l net.Listener, secure *tls.Config) net.Listener {
	return &guardedListener{Listener: l, ua: ua, secure: secure}
}

type guardedListener struct {
	net.Listener
	ua     *UA
	secure *tls.Config // nil for TCP
}

// Accept refuses connections beyond MaxConnections by closing them.
func (l *guardedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.ua.streams.Add(1) > MaxConnections {
			l.ua.streams.Add(-1)
			l.ua.note(slog.LevelWarn, "SIP connection refused: too many", "peer", c.RemoteAddr())
			c.Close()
			continue
		}
		if l.secure == nil {
			return l.ua.stream(c, "TCP"), nil
		}
		t := tls.Server(c, l.secure) // the handshake is for the first Read, not to hold others up
		s := l.ua.stream(t, "TLS")
		s.secure = t
		return s, nil
	}
}

// A stream is a TCP or TLS connection of SIP messages. It follows their borders, so
// that the trace sees whole ones, a message that never ends is cut off, and a
// peer that falls silent within one does not hold the connection for ever.
type stream struct {
	net.Conn
	ua        *UA
	transport string  // TCP or TLS
	pending   []byte  // read, and not yet a whole message; for the one reader
	skip      skipper // for the one reader
	told      bool    // that a message was too large; for the one reader
	ready     []byte  // screened, and not yet read; for the one reader
	last      error   // what comes after ready; for the one reader
	ended     atomic.Bool
	once      sync.Once

	secure   *tls.Conn // nil over TCP
	shaken   bool      // the handshake is over; for the one reader
	verified *x509.Certificate

	failed   chan struct{} // closed when the connection has failed, not just ended
	brokenBy error         // valid after failed
}

func (ua *UA) stream(c net.Conn, transport string) *stream {
	return &stream{Conn: c, ua: ua, transport: transport, failed: make(chan struct{})}
}

// broken is closed when the connection was reset, or refused by the peer's TLS:
// what was sent on it need not have been read. A connection that has just ended
// may be followed by one of the peer's for its responses. Of no connection at
// all it is nil.
func (s *stream) broken() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.failed
}

// note logs what a connection's reader has met, which sipgo runs in a goroutine
// that Close cannot wait for: after it, nothing is logged.
func (ua *UA) note(level slog.Level, msg string, args ...any) {
	ua.noting.RLock()
	defer ua.noting.RUnlock()
	if ua.ctx.Err() == nil {
		ua.log.Log(context.Background(), level, msg, args...)
	}
}

// handshake lets the peer prove who it is.
func (s *stream) handshake() error {
	ctx, cancel := context.WithTimeout(s.ua.ctx, handshakeWait)
	defer cancel()
	if err := s.secure.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	s.shaken = true
	if certs := s.secure.ConnectionState().PeerCertificates; len(certs) > 0 {
		s.verified = certs[0]
	}
	s.ua.know(s)
	return nil
}

var (
	errTooLong = errors.New("message too long")
	errNoSIP   = errors.New("what came is no SIP")
)

// Write writes one message: sipgo writes each with one call.
func (s *stream) Write(b []byte) (int, error) {
	s.ua.emit(true, s.transport, s.LocalAddr(), s.RemoteAddr(), b)
	_ = s.SetWriteDeadline(time.Now().Add(writeWait))
	return s.Conn.Write(b)
}

// Read returns whole messages, in the form that screen gives them.
func (s *stream) Read(b []byte) (int, error) {
	if s.secure != nil && !s.shaken {
		if err := s.handshake(); err != nil {
			s.ended.Store(true)
			s.ua.note(slog.LevelInfo, "SIP connection refused", "peer", s.RemoteAddr(), "err", err)
			s.Close()
			return 0, io.EOF
		}
	}
	for len(s.ready) == 0 {
		if s.last == nil {
			s.last = s.fill(b)
		} else {
			s.linger()
		}
		if s.last != nil && len(s.ready) == 0 {
			s.fail(s.last)
			return 0, s.last
		}
	}
	n := copy(b, s.ready)
	if s.ready = s.ready[n:]; len(s.ready) == 0 {
		s.ready = nil
	}
	return n, nil
}

// linger lets the answers to what came before the last error go out.
func (s *stream) linger() {
	timer := time.NewTimer(lingerWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ua.ctx.Done():
	}
}

// fail marks the connection as ended by err. sipgo reads no more after it.
func (s *stream) fail(err error) {
	s.ended.Store(true)
	s.ua.connectionEnded(s.transport, s.RemoteAddr().String())
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	s.brokenBy = err
	close(s.failed)
	var f *flaw
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errTooLong) || errors.Is(err, errNoSIP) || errors.As(err, &f) {
		s.ua.note(slog.LevelWarn, "SIP connection closed", "peer", s.RemoteAddr(), "err", err)
		s.Close()
	}
}

// fill reads on, with b as the buffer, and screens the messages that are
// complete.
func (s *stream) fill(b []byte) error {
	var deadline time.Time // between messages a connection may be silent
	if len(s.pending) > 0 || s.skip.body > 0 || s.skip.head != nil {
		deadline = time.Now().Add(messageWait)
	}
	_ = s.SetReadDeadline(deadline)
	n, err := s.Conn.Read(b)
	if err != nil {
		return err
	}
	if len(s.pending) == 0 && string(b[:n]) == "\r\n\r\n" {
		_ = s.SetWriteDeadline(time.Now().Add(writeWait))
		_, err = s.Conn.Write([]byte("\r\n")) // [RFC5626-3.5.1]
		return err
	}
	return s.follow(b[:n])
}

// follow takes what was read, and traces and screens the messages that it
// completes.
func (s *stream) follow(b []byte) error {
	b, ended := s.skip.over(b)
	switch {
	case ended:
		if err := s.tooLarge(s.skip.head, 513); err != nil { // [RFC3261-21.5.7]
			return err
		}
		return s.follow(b)
	case s.skip.head != nil && s.skip.size > MaxSkipped:
		return fmt.Errorf("%w: headers of more than %d bytes", errTooLong, MaxSkipped)
	}
	s.pending = append(s.pending, b...)
	for {
		s.pending = bytes.TrimLeft(s.pending, "\r\n") // keep-alives between messages
		if head := bytes.Index(s.pending, []byte("\r\n\r\n")); head >= 0 {
			code := 513 // [RFC3261-21.5.7]
			if head+4 <= MaxHead {
				code = 413 // [RFC3261-21.4.11]
			}
			if length, ok := contentLength(s.pending[:head]); code == 513 || ok && length > MaxBody {
				rest := s.pending[head+4:]
				if err := s.tooLarge(s.pending[:head], code); err != nil {
					return err
				}
				s.pending = nil
				return s.follow(rest)
			}
		}
		size := messageSize(s.pending)
		if size == 0 {
			break
		}
		raw := s.pending[:size]
		s.ua.emit(false, s.transport, s.LocalAddr(), s.RemoteAddr(), raw)
		clean, m, f := screen(raw, false)
		if f != nil {
			if answer := f.answer(m, s.ua.allow()); answer != nil {
				if _, err := s.Write(answer); err != nil {
					return err
				}
			}
			if f.broken {
				return f
			}
		}
		s.ua.noteEarly(m, clean)
		s.ready = append(s.ready, clean...)
		s.pending = s.pending[size:]
	}
	if len(s.pending) == 0 {
		s.pending = nil
	}
	if !mayBeSIP(s.pending) {
		return errNoSIP
	}
	if len(s.pending) > MaxHead && !bytes.Contains(s.pending, []byte("\r\n\r\n")) {
		s.skip.begin(s.pending)
		s.pending = nil
	}
	return nil
}

// Close closes the connection. If nobody else has ended it before, sipgo has
// met something that is no SIP.
func (s *stream) Close() error {
	s.once.Do(func() {
		s.ua.streams.Add(-1)
		if s.secure != nil {
			s.ua.unknow(s)
		}
		if !s.ended.Load() && s.ua.ctx.Err() == nil {
			s.ua.note(slog.LevelWarn, "SIP connection closed: what came on it is no SIP", "peer", s.RemoteAddr())
		}
	})
	if err := s.Conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // who closes next does no harm
}

// mayBeSIP reports whether b can be the begin of a message: its first line, as
// far as it is there, is text, and names the protocol once it is whole. Waiting
// for the headers' end of anything else would take as long as messageWait.
func mayBeSIP(b []byte) bool {
	line, _, whole := bytes.Cut(b, []byte("\r\n"))
	if !whole {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return !whole || bytes.Contains(bytes.ToUpper(line), []byte("SIP/"))
}

// messageSize is the size of the first message in b, 0 if it is not complete.
// One whose Content-Length makes no sense ends with its headers.
func messageSize(b []byte) int {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return 0
	}
	length, _ := contentLength(b[:head])
	if size := head + 4 + length; size <= len(b) {
		return size
	}
	return 0
}
