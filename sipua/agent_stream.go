package sipua

import (
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

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/sipua/internal/screen"
)

// A stream is a TCP or TLS connection of SIP messages. It follows their borders, so
// that the trace sees whole messages, a message that never ends is cut off, and a
// peer that falls silent within one does not hold the connection forever.
type stream struct {
	net.Conn
	ua        *agent
	transport string // TCP or TLS
	inbox            // used by the one reader
	owner            // used by the one reader
	proof            // used by the one reader until it is in agent.secured

	ended    atomic.Bool
	once     sync.Once
	failed   chan struct{} // closed when the connection has failed, not just ended
	brokenBy error         // valid after failed
}

// An inbox is what was read from a connection.
type inbox struct {
	frames screen.Framer
	began  time.Time // when the first byte of an incomplete message came
	ready  []byte    // screened, and not yet read by sipgo
	last   error     // what comes after ready
	told   bool      // a message that was too large is in the log
}

// An owner is what is known of the other end of a connection without TLS.
type owner struct {
	place    *admit.Place // among the connections; nil for a moment
	accepted time.Time    // zero if we have dialled
	stranger bool         // not a peer by Config.IsPeer
	proved   bool         // a request of the stranger was admitted
}

// A proof is what TLS has proved of the other end of a connection.
type proof struct {
	secure   *tls.Conn // nil over TCP
	shaken   bool      // the handshake is over
	verified *x509.Certificate
}

func (ua *agent) stream(c net.Conn, transport string) *stream {
	return &stream{Conn: c, ua: ua, transport: transport, failed: make(chan struct{}), inbox: inbox{frames: screen.Framer{MaxHead: MaxHead, MaxBody: MaxBody, MaxSkipped: MaxSkipped}}}
}

// broken is closed when the connection was reset or refused by the peer's TLS: the peer
// may not have read what was sent on it. It stays open for a connection that has just
// ended, because the peer may open another for its responses. It is nil without a
// connection.
func (s *stream) broken() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.failed
}

// handshake does the TLS handshake, in which the peer proves its names.
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
	if s.stranger && s.verified != nil && s.ua.isPeer(admit.AddrOf(s.RemoteAddr()), certificateNames(s.verified)) && s.place.Promote() {
		s.stranger = false
	}
	return nil
}

var errTooMany = errors.New("more messages than a stranger may send")

// Write writes one message: sipgo writes each with one call.
func (s *stream) Write(b []byte) (int, error) {
	s.ua.emit(true, s.transport, s.LocalAddr(), s.RemoteAddr(), b)
	_ = s.SetWriteDeadline(time.Now().Add(writeWait))
	return s.Conn.Write(b)
}

// Read returns whole messages, in the form of screen.Check.
func (s *stream) Read(b []byte) (int, error) {
	if err := s.await(b); err != nil {
		return 0, err
	}
	n := copy(b, s.ready)
	if s.ready = s.ready[n:]; len(s.ready) == 0 {
		s.ready = nil
	}
	return n, nil
}

// await waits until there is something for sipgo, with b as the buffer.
func (s *stream) await(b []byte) error {
	if s.secure != nil && !s.shaken {
		if err := s.handshake(); err != nil {
			s.ended.Store(true)
			s.ua.warn(true, "tls", "SIP connection refused", "peer", s.RemoteAddr(), "err", err)
			s.Close()
			return io.EOF
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
			return s.last
		}
	}
	return nil
}

// linger waits until the answers to earlier messages have been sent.
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
	s.ua.hooks.ended(s.transport, s.RemoteAddr().String())
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	s.brokenBy = err
	close(s.failed)
	var f *screen.Flaw
	late := errors.Is(err, os.ErrDeadlineExceeded)
	if late || errors.Is(err, screen.ErrTooLong) || errors.Is(err, screen.ErrNoSIP) || errors.Is(err, errTooMany) || errors.As(err, &f) {
		if late && s.stranger {
			s.ua.gate.Count(admit.ReasonLate)
		}
		s.ua.warn(s.stranger, "closed", "SIP connection closed", "peer", s.RemoteAddr(), "err", err)
		s.Close()
	}
}

// deadline is when the peer must have sent more. A stranger without an admitted request
// has little time; a peer within a message has more. Between messages a connection may be
// silent.
func (s *stream) deadline() (d time.Time) {
	if s.frames.Between() {
		s.began = time.Time{}
	} else {
		if s.began.IsZero() {
			s.began = time.Now()
		}
		d = s.began.Add(s.ua.cfg.timers.message)
	}
	if s.stranger && !s.proved {
		if end := s.accepted.Add(s.ua.cfg.timers.stranger); d.IsZero() || end.Before(d) {
			d = end
		}
	}
	return d
}

// fill reads into b and screens the messages that are complete.
func (s *stream) fill(b []byte) error {
	_ = s.SetReadDeadline(s.deadline())
	n, err := s.Conn.Read(b)
	if err != nil {
		return err
	}
	if s.frames.Between() && string(b[:n]) == "\r\n\r\n" {
		_ = s.SetWriteDeadline(time.Now().Add(writeWait))
		_, err = s.Conn.Write([]byte("\r\n")) // [RFC5626-3.5.1]
		return err
	}
	return s.follow(b[:n])
}

// letIn reports whether sipgo gets a message, and answers the message if not.
func (s *stream) letIn(m *screen.Message, clean []byte) (bool, error) {
	if !s.stranger {
		return true, nil
	}
	if m.Method == "" {
		return s.proved, nil // strangers without an admitted request have no request of ours to answer
	}
	from := peerAt(s.transport, s.RemoteAddr())
	if s.verified != nil {
		from.Certificate, from.Names = s.verified, certificateNames(s.verified)
	}
	res, pass := s.ua.judge(m, clean, from)
	if pass && !s.proved {
		s.proved = true
		s.place.Prove()
	}
	if res != nil {
		_, err := s.Write([]byte(res.String()))
		return false, err
	}
	return pass, nil
}

// follow takes the bytes that were read, and traces and screens the messages that they
// complete.
func (s *stream) follow(b []byte) error {
	s.frames.Add(b)
	for {
		frame, err := s.frames.Next()
		switch {
		case err != nil || frame == nil:
			return err
		case frame.Code != 0:
			err = s.tooLarge(frame)
		default:
			s.began = time.Time{} // what follows is another message
			err = s.takeMessage(frame.Raw)
		}
		if err != nil {
			return err
		}
	}
}

// takeMessage traces and screens one message.
func (s *stream) takeMessage(raw []byte) error {
	if s.stranger && !s.ua.mayTry(admit.AddrOf(s.RemoteAddr())) {
		return errTooMany
	}
	s.ua.emit(false, s.transport, s.LocalAddr(), s.RemoteAddr(), raw)
	clean, m, f := screen.Check(raw, false)
	if f != nil {
		if answer := f.Answer(m, s.ua.allowed); answer != nil {
			if _, err := s.Write(answer); err != nil {
				return err
			}
		}
		if f.Broken {
			return f
		}
		return nil
	}
	pass, err := s.letIn(m, clean)
	if err != nil || !pass {
		return err
	}
	s.ua.hooks.screened(m, clean)
	s.ready = append(s.ready, clean...)
	return nil
}

// Close closes the connection. If we have not ended it before, sipgo has read something
// that is not SIP.
func (s *stream) Close() error {
	s.once.Do(func() {
		if s.place != nil {
			s.place.Leave()
		}
		if s.secure != nil {
			s.ua.unknow(s)
		}
		if !s.ended.Load() && s.ua.ctx.Err() == nil {
			s.ua.warn(s.stranger, "closed", "SIP connection closed: it received data that is not SIP", "peer", s.RemoteAddr())
		}
	})
	if err := s.Conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // closed before
}

// tooLarge answers a message that is refused for its size. A response or an ACK, which
// cannot be refused, is accepted without its body; one whose headers are too long is
// dropped. An error means that the connection must end.
func (s *stream) tooLarge(frame *screen.Frame) error {
	s.ua.emit(false, s.transport, s.LocalAddr(), s.RemoteAddr(), frame.Raw)
	clean, m, f := screen.Check(frame.Raw, false)
	switch {
	case f != nil:
	case m == nil || m.Method == "" || m.Method == "ACK":
		if f = (&screen.Flaw{}); frame.Code == 413 {
			s.ua.hooks.screened(m, clean)
			s.ready = append(s.ready, clean...)
		}
	default:
		f = &screen.Flaw{Code: frame.Code}
	}
	if !s.told && frame.Skippable { // otherwise the end of the connection is logged
		s.told = true // once for each connection
		s.ua.note(slog.LevelWarn, "SIP message too large", "peer", s.RemoteAddr(), "headers", frame.Head, "body", frame.Body, "max", fmt.Sprintf("%d and %d bytes", MaxHead, MaxBody))
	}
	if m != nil && m.Answerable() {
		if answer := f.Answer(m, s.ua.allowed); answer != nil {
			if _, err := s.Write(answer); err != nil {
				return err
			}
		}
	}
	if s.stranger && !s.proved {
		return fmt.Errorf("%w: the connection of a stranger is closed", screen.ErrTooLong)
	}
	return nil
}
