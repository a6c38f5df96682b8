package msrp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/quietlog"
)

// Listener takes the connections of many sessions on one port.
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
	changed  chan struct{} // closed, and made anew, when a session or connection goes
}

// Listen opens a TCP port, for TLS if cfg.TLS is set; addr is as for net.Listen, "127.0.0.1:0" picks a
// free one.
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

// Addr is the address listened on.
func (l *Listener) Addr() net.Addr { return l.nl.Addr() }

// sessionIDSize is the length of the session-ids we make: 100 random bits,
// where RFC 4975, section 14.1, wants 80 at least.
const sessionIDSize = 20

// NewURI makes a URI with a fresh session-id at this listener's port. host is
// what the peer is to connect to; "" is the listener's own address, or the
// loopback address if it listens on all.
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

// Accept registers a session whose peer will connect, and returns at once.
// The session is bound by the first request that names it.
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
			select {
			case <-l.closed:
				return
			case <-time.After(acceptBackoff): // out of descriptors, or the like
				l.cfg.Logger.Warn("msrp accept failed", "err", err)
				continue
			}
		}
		l.serve(nc)
	}
}

// serve takes a connection, if there is a place for it. Until a session is bound on it,
// nobody knows whose it is.
func (l *Listener) serve(nc net.Conn) {
	c := newConn(nc, l.cfg, l)
	place, err := l.gate.Enter(admit.AddrOf(nc.RemoteAddr()), false, func() { c.fail(admit.ErrEvicted) })
	if err != nil {
		l.refused(nc, err)
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
		c.unbound = time.AfterFunc(l.cfg.UnboundTimeout, c.tooLate)
	}
	c.mu.Unlock()
	c.start()
}

// refused logs a connection that there is no place for.
func (l *Listener) refused(nc net.Conn, err error) {
	kind := "refused"
	var r *admit.Refusal
	if errors.As(err, &r) {
		kind = r.Reason
	}
	l.quiet.Warn(l.cfg.Logger, "msrp connection refused", kind, "remote", nc.RemoteAddr().String(), "err", err)
}

// tooLate ends a connection on which no session was bound in time.
func (c *conn) tooLate() {
	c.mu.Lock()
	idle := len(c.sessions) == 0
	c.mu.Unlock()
	if idle {
		c.lst.gate.Count(admit.ReasonLate)
		c.fail(errUnbound)
	}
}

var errUnbound = errors.New("no session was bound")

// Counts is how many connections a Listener has, and how many were refused or ended for
// want of a session. Peers are those with a session, strangers those without.
type Counts = admit.Counts

// Counts tells how many connections there are now.
func (l *Listener) Counts() Counts { return l.gate.Counts() }

// claim binds the session of that id to c, if the request names it whole.
func (l *Listener) claim(id string, c *conn, f *frame) (*Session, *StatusError) {
	l.mu.Lock()
	s := l.sessions[id]
	l.mu.Unlock()
	if s == nil || !s.named(f) {
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

// remove forgets a session that has ended.
func (l *Listener) remove(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions[s.local.SessionID] == s {
		delete(l.sessions, s.local.SessionID)
	}
}

// retire forgets one whose handlers have returned, too.
func (l *Listener) retire(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.live, s)
	l.signal()
}

func (l *Listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	l.signal()
}

func (l *Listener) signal() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Close closes the port, all sessions and connections, and waits for them
// and their handlers.
func (l *Listener) Close() error {
	l.mu.Lock()
	l.down = true
	first := !l.stopped
	l.stopped = true
	var sessions []*Session
	for s := range l.live {
		sessions = append(sessions, s)
	}
	var conns []*conn
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	var err error
	if first {
		close(l.closed)
		err = l.nl.Close()
	}
	for _, c := range conns {
		c.fail(ErrClosed)
	}
	for _, s := range sessions {
		s.Close()
	}
	for _, c := range conns {
		c.loops.Wait()
	}
	l.loops.Wait()
	l.workers.all.Wait()
	return err
}

// Shutdown takes no more sessions, waits until those there are have ended,
// with their handlers, and all is written, and closes the port. If ctx ends first it
// closes at once and returns ctx's error.
func (l *Listener) Shutdown(ctx context.Context) error {
	l.mu.Lock()
	l.down = true
	l.mu.Unlock()
	var err error
	for err == nil {
		l.mu.Lock()
		left := len(l.live)
		for c := range l.conns {
			if c.ending() {
				left++ // it has something to write yet
			}
		}
		changed := l.changed
		l.mu.Unlock()
		if left == 0 {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	l.Close()
	return err
}

// ending tells whether the connection is writing its last.
func (c *conn) ending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining && c.err == nil
}
