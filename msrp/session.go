package msrp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Session is one MSRP session. Its methods may be called from any goroutine.
type Session struct {
	cfg   *Config
	sc    SessionConfig
	local URI
	lst   *Listener
	via   Path   // our relays, the nearest first
	from  string // Local as it goes on the wire

	bound    chan struct{}
	known    chan struct{} // closed when the peer's fingerprints are known; nil if they are from the start
	done     chan struct{}
	crowd    atomic.Int32  // the same as running, for the pipes
	window   chan struct{} // a place for each unanswered chunk
	handlers sync.WaitGroup
	ctx      context.Context // parent of the handlers' contexts
	cancel   context.CancelFunc

	mu       sync.Mutex
	c        *conn // nil until bound
	remote   Path
	to       Path   // To-Path of what we send: our relays, then remote
	toPath   string // the same as it goes on the wire; "" while remote is not known
	err      error  // why it ended
	draining bool
	opener   *time.Timer          // see openSendingSoon
	knownBy  time.Time            // until when requests wait for known
	changed  chan struct{}        // see waitForChange
	sends    int                  // Sends under way
	running  int                  // handlers running
	sending  map[string]*outgoing // by Message-ID, for reports
	arriving map[string]*Incoming // by Message-ID; not all has come
	refused  refusals
	order    arrivals
	receipts receipts
}

// newSession makes a session of a listener, or, if lst is nil, one that dials. via are the relays
// that everything it sends passes first, the nearest relay first.
func newSession(cfg *Config, sc SessionConfig, lst *Listener, via Path) (*Session, error) {
	if sc.Local.SessionID == "" {
		return nil, errors.New("msrp: SessionConfig.Local has no session-id")
	}
	if err := sc.Local.checkOwn(); err != nil {
		return nil, fmt.Errorf("msrp: SessionConfig.Local: %s", problemOf(err))
	}
	if err := sc.Remote.check(); err != nil {
		return nil, fmt.Errorf("msrp: SessionConfig.Remote: %s", problemOf(err))
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Session{
		ctx: ctx, cancel: cancel,
		cfg: cfg, sc: sc, local: sc.Local, lst: lst, via: via,
		from:     sc.Local.String(),
		bound:    make(chan struct{}),
		done:     make(chan struct{}),
		window:   make(chan struct{}, cfg.Window),
		arriving: make(map[string]*Incoming),
	}
	if sc.AwaitFingerprints {
		s.known = make(chan struct{})
	}
	s.SetRemote(sc.Remote)
	return s, nil
}

// Local is our own URI.
func (s *Session) Local() URI { return s.local }

// Remote is the peer's path, without relays of our own.
func (s *Session) Remote() Path {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remote
}

// LocalAddr is our end of the connection; nil before the session is bound.
func (s *Session) LocalAddr() net.Addr {
	if c := s.conn(); c != nil {
		return c.nc.LocalAddr()
	}
	return nil
}

// RemoteAddr is the peer's end of the connection; nil before the session is
// bound.
func (s *Session) RemoteAddr() net.Addr {
	if c := s.conn(); c != nil {
		return c.nc.RemoteAddr()
	}
	return nil
}

func (s *Session) conn() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.c
}

// Bound is closed when the peer's connection is there and bound to this
// session, and the request that bound it has been answered, so that the answer
// comes before all that is sent from then on. If that request carries a message
// whose Handler takes long, Bound is closed after 5 s all the same. There is no limit
// to this wait: the application knows how long a peer may take, and closes the session
// then.
func (s *Session) Bound() <-chan struct{} { return s.bound }

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err is why the session ended: ErrClosed if that was done at this side,
// ErrPeerClosed if at the other, or else an error that wraps ErrConnectionLost;
// nil while it lives.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
