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
	"strconv"
	"strings"
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
	transport string // TCP or TLS
	pending   []byte // read, and not yet a whole message; for the one reader
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

var errTooLong = errors.New("message too long")

// Write writes one message: sipgo writes each with one call.
func (s *stream) Write(b []byte) (int, error) {
	s.ua.emit(true, s.transport, s.LocalAddr(), s.RemoteAddr(), b)
	_ = s.SetWriteDeadline(time.Now().Add(writeWait))
	return s.Conn.Write(b)
}

// Read reads on, for as long as what comes can be SIP.
func (s *stream) Read(b []byte) (int, error) {
	if s.secure != nil && !s.shaken {
		if err := s.handshake(); err != nil {
			s.ended.Store(true)
			s.ua.note(slog.LevelInfo, "SIP connection refused", "peer", s.RemoteAddr(), "err", err)
			s.Close()
			return 0, io.EOF
		}
	}
	var deadline time.Time // between messages a connection may be silent
	if len(s.pending) > 0 {
		deadline = time.Now().Add(messageWait)
	}
	_ = s.SetReadDeadline(deadline)
	n, err := s.Conn.Read(b)
	if err == nil {
		err = s.follow(b[:n])
	}
	if err != nil {
		s.ended.Store(true)
		if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
			s.brokenBy = err
			close(s.failed) // sipgo reads no more after an error
		}
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errTooLong) {
			s.ua.note(slog.LevelWarn, "SIP connection closed", "peer", s.RemoteAddr(), "err", err)
			s.Close()
		}
		return 0, err
	}
	return n, nil
}

// follow takes what was read and traces the messages that it completes.
func (s *stream) follow(b []byte) error {
	s.pending = append(s.pending, b...)
	for {
		s.pending = bytes.TrimLeft(s.pending, "\r\n") // keep-alives between messages
		size := messageSize(s.pending)
		if size == 0 {
			break
		}
		s.ua.emit(false, s.transport, s.LocalAddr(), s.RemoteAddr(), s.pending[:size])
		s.pending = s.pending[size:]
	}
	if len(s.pending) == 0 {
		s.pending = nil
	}
	if len(s.pending) > MaxMessage {
		return fmt.Errorf("%w: more than %d bytes", errTooLong, MaxMessage)
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
	return s.Conn.Close()
}

// messageSize is the size of the first message in b, 0 if it is not complete.
func messageSize(b []byte) int {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return 0
	}
	size := head + 4
	for line := range strings.SplitSeq(string(b[:head]), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "l") {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 0 || size+n > len(b) {
				return 0
			}
			size += n
		}
	}
	return size
}
