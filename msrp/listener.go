package msrp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/internal/wait"
)

// Listener accepts the connections of many sessions on one port. Its methods are safe for
// concurrent use.
type Listener struct {
	cfg *Config
	nl  net.Listener

	loops   sync.WaitGroup
	closed  chan struct{}
	workers *workers
	gate    *admit.Gate // a connection with a session is a peer's
	quiet   quietlog.Log

	mu       sync.Mutex
	down     bool
	stopped  bool
	sessions map[string]*Session   // those that can be bound, by session-id
	live     map[*Session]struct{} // those that are there, or whose handlers are
	conns    map[*conn]struct{}
	changed  chan struct{} // closed, and replaced, when a session or connection ends
}

// Listen opens a TCP port, for TLS if cfg.TLS is set. addr has the form of net.Listen;
// with "127.0.0.1:0", the system chooses a free port. It fails if cfg is not valid or the
// port is in use.
func Listen(addr string, cfg Config) (*Listener, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	nl, err := full.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("msrp: %w", err)
	}
	if full.TLS != nil {
		nl = tls.NewListener(nl, serverTLS(full.TLS))
	}
	l := newListener(full, nl)
	l.loops.Add(1)
	go l.acceptLoop()
	return l, nil
}

func newListener(cfg *Config, nl net.Listener) *Listener {
	l := &Listener{
		cfg: cfg, nl: nl,
		closed:   make(chan struct{}),
		sessions: make(map[string]*Session),
		live:     make(map[*Session]struct{}),
		conns:    make(map[*conn]struct{}),
		changed:  make(chan struct{}),
		gate:     admit.NewGate(admit.Limits{Source: cfg.MaxUnboundSource, All: cfg.MaxUnbound, Peers: cfg.MaxConns}),
		quiet:    quietlog.Log{Burst: strangerLines},
	}
	l.workers = newWorkers(idleWorkers, l.closed)
	return l
}

// Addr returns the address of the port.
func (l *Listener) Addr() net.Addr { return l.nl.Addr() }

// sessionIDSize is the length of the session-ids we make: 100 random bits,
// where RFC 4975, section 14.1, wants 80 at least.
const sessionIDSize = 20

// NewURI makes a URI with a new session-id at this listener's port. host is the host for
// the peer to connect to; "" means the listener's address, or the loopback address if it
// listens on all addresses.
func (l *Listener) NewURI(host string) URI {
	u := URI{Host: host, SessionID: newID(sessionIDSize), Transport: "tcp", Secure: l.cfg.TLS != nil} // [RFC4975-14.1-1]
	if a, ok := l.nl.Addr().(*net.TCPAddr); ok {
		u.Port = a.Port
		if host == "" {
			ip := a.IP
			if ip.IsUnspecified() {
				ip = net.IPv4(127, 0, 0, 1)
			}
			u.Host = ip.String()
		}
	}
	return u
}

// Accept registers a session whose peer will connect, and returns at once. The first
// request with the session's URI binds the session. The error wraps ErrTooMany if there
// are too many sessions.
func (l *Listener) Accept(sc SessionConfig) (*Session, error) {
	s, err := newSession(l.cfg, sc, l, nil)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.down:
		return nil, ErrClosed
	case len(l.live) >= l.cfg.MaxSessions:
		return nil, fmt.Errorf("%w sessions", ErrTooMany)
	case l.sessions[sc.Local.SessionID] != nil:
		return nil, fmt.Errorf("msrp: session-id is in use") // [RFC4975-8.2-3]
	}
	l.sessions[sc.Local.SessionID] = s
	l.live[s] = struct{}{}
	return s, nil
}

func (l *Listener) acceptLoop() {
	defer l.loops.Done()
	for {
		nc, err := l.nl.Accept()
		if err != nil {
			if !wait.For(acceptBackoff, l.closed) {
				return
			}
			l.cfg.Logger.Warn("msrp accept failed", "err", err) // out of descriptors, or the like
			continue
		}
		l.serveConn(nc)
	}
}

// serveConn serves a connection, if there is a place for it. Until a session is bound on it,
// its peer is unknown.
func (l *Listener) serveConn(nc net.Conn) {
	c := newConn(nc, l.cfg, l)
	place, err := l.gate.Enter(admit.AddrOf(nc.RemoteAddr()), false, func() { c.close(admit.ErrEvicted) })
	if err != nil {
		l.logRefused(nc, err)
		nc.Close()
		return
	}
	c.place = place
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		place.Leave()
		nc.Close()
		return
	}
	l.conns[c] = struct{}{}
	l.mu.Unlock()
	c.mu.Lock()
	if c.err == nil { // else a newcomer has got its place already
		c.unbound = time.AfterFunc(l.cfg.UnboundTimeout, c.closeUnbound)
	}
	c.mu.Unlock()
	c.startReader()
}

// logRefused logs a connection that there is no place for.
func (l *Listener) logRefused(nc net.Conn, err error) {
	kind := "refused"
	var r *admit.Refusal
	if errors.As(err, &r) {
		kind = r.Reason
	}
	l.quiet.Warn(l.cfg.Logger, "msrp connection refused", kind, "remote", nc.RemoteAddr().String(), "err", err)
}

// Counts has the number of connections of a Listener, and of those refused or closed
// because they had no session. Peers are connections with a session, strangers those
// without.
type Counts = admit.Counts

// Counts returns the number of connections, and of refused ones.
func (l *Listener) Counts() Counts { return l.gate.Counts() }

// bindByURI binds the session of that id to c, if the request names it whole.
func (l *Listener) bindByURI(id string, c *conn, f *frame) (*Session, *StatusError) {
	l.mu.Lock()
	s := l.sessions[id]
	l.mu.Unlock()
	if s == nil || !s.isNamedBy(f) {
		return nil, status(StatusNoSession, "") // [RFC4975-5.4-3]
	}
	if se := s.awaitFingerprints(c, f); se != nil {
		return nil, se
	}
	fresh, se := s.bindTo(c)
	if se != nil {
		return nil, se
	}
	if fresh {
		f.binds = s
	}
	return s, nil
}
