package sipua

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/wait"
)

// guard wraps the listener's connections as streams of SIP messages.
func (ua *agent) guard(l net.Listener, secure *tls.Config) net.Listener {
	g := &guardedListener{Listener: l, ua: ua, secure: secure, begun: make(chan *stream)}
	ua.serving.Go(g.acceptAll)
	return g
}

// A guardedListener gives sipgo a connection only after its first acceptable message.
// sipgo allocates a large buffer for each connection, which idle connections do not need.
type guardedListener struct {
	net.Listener
	ua     *agent
	secure *tls.Config // nil for TCP
	begun  chan *stream
}

// Accept returns the next such connection.
func (l *guardedListener) Accept() (net.Conn, error) {
	select {
	case s := <-l.begun:
		return s, nil
	case <-l.ua.ctx.Done():
		return nil, net.ErrClosed
	}
}

// acceptAll accepts connections until the user agent closes. Connections beyond the
// limits are closed at once.
func (l *guardedListener) acceptAll() {
	for {
		c, err := l.Listener.Accept()
		switch {
		case err == nil:
			l.enter(c)
			continue
		case errors.Is(err, net.ErrClosed) || l.ua.ctx.Err() != nil:
			return
		}
		l.ua.note(slog.LevelWarn, "SIP connection not accepted", "err", err) // out of descriptors, or the like
		if !wait.For(acceptBackoff, l.ua.ctx.Done()) {
			return
		}
	}
}

func (l *guardedListener) enter(c net.Conn) {
	from := admit.AddrOf(c.RemoteAddr())
	stranger := !l.ua.isPeer(from, nil)
	place, err := l.ua.gate.Enter(from, !stranger, func() { c.Close() })
	if err != nil {
		l.ua.warn(stranger, "connections", "SIP connection refused", "peer", c.RemoteAddr(), "err", err)
		c.Close()
		return
	}
	transport, conn := "TCP", c
	if l.secure != nil {
		transport, conn = "TLS", tls.Server(c, l.secure)
	}
	s := l.ua.stream(conn, transport)
	s.place, s.stranger, s.accepted = place, stranger, time.Now()
	s.secure, _ = conn.(*tls.Conn)
	l.ua.serving.Go(func() { l.begin(s) })
}

// begin waits for the first message, and gives the connection to sipgo.
func (l *guardedListener) begin(s *stream) {
	stop := context.AfterFunc(l.ua.ctx, func() { s.Conn.Close() })
	err := s.await(make([]byte, firstRead))
	if stop(); err != nil {
		s.ended.Store(true)
		s.Close()
		return
	}
	select {
	case l.begun <- s:
	case <-l.ua.ctx.Done():
		s.Close()
	}
}
