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

// Session is one MSRP session. Its methods are safe for concurrent use.
type Session struct {
	cfg   *Config
	sc    SessionConfig
	local URI
	lst   *Listener
	via   Path   // our relays, the nearest first
	from  string // Local as it goes on the wire

	window chan struct{} // a place for each unanswered chunk
	sessionSignals
	sessionHandlers

	mu sync.Mutex
	c  *conn // nil until bound
	sessionPath
	sessionState
	sessionInbox
	sessionOutbox
}

// sessionSignals are closed when something has happened for good.
type sessionSignals struct {
	bound chan struct{} // the session may send
	known chan struct{} // the peer's fingerprints are known; nil if they are from the start
	done  chan struct{} // the session has ended
}

// sessionHandlers are the handlers that run.
type sessionHandlers struct {
	handlers     sync.WaitGroup
	handlerCount atomic.Int32    // how many run; it divides PipeSize
	ctx          context.Context // parent of their contexts
	cancel       context.CancelFunc
}

// sessionPath is where a session sends to. It is guarded by mu, as all that follows.
type sessionPath struct {
	remote Path
	to     Path   // To-Path of what we send: our relays, then remote
	toPath string // the same as it goes on the wire; "" while remote is not known
}

// sessionState says whether a session is bound, busy or at its end.
type sessionState struct {
	err      error // why it ended
	draining bool
	opener   *time.Timer   // see openSendingSoon
	knownBy  time.Time     // until when requests wait for known
	changed  chan struct{} // see waitForChange
	sends    int           // Sends under way
	running  int           // handlers running
}

// sessionInbox holds the messages that arrive.
type sessionInbox struct {
	arriving map[string]*Incoming // by Message-ID; not whole yet
	refused  refusals
	order    arrivals
}

// sessionOutbox holds what REPORTs may be about.
type sessionOutbox struct {
	sending  map[string]*outgoing // being sent, by Message-ID
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
	if err := sc.Remote.checkWire(); err != nil {
		return nil, fmt.Errorf("msrp: SessionConfig.Remote: %s", problemOf(err))
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Session{
		cfg: cfg, sc: sc, local: sc.Local, lst: lst, via: via,
		from:            sc.Local.String(),
		sessionSignals:  sessionSignals{bound: make(chan struct{}), done: make(chan struct{})},
		sessionHandlers: sessionHandlers{ctx: ctx, cancel: cancel},
		window:          make(chan struct{}, cfg.Window),
		sessionInbox:    sessionInbox{arriving: make(map[string]*Incoming)},
	}
	if sc.AwaitFingerprints {
		s.known = make(chan struct{})
	}
	s.SetRemote(sc.Remote)
	return s, nil
}

// Local returns our own URI.
func (s *Session) Local() URI { return s.local }

// Remote returns the peer's path, without relays of our own.
func (s *Session) Remote() Path {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remote
}

// LocalAddr returns our end of the connection; nil before the session is bound.
func (s *Session) LocalAddr() net.Addr {
	if c := s.conn(); c != nil {
		return c.nc.LocalAddr()
	}
	return nil
}

// RemoteAddr returns the peer's end of the connection; nil before the session is bound.
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

// Bound returns a channel that is closed when the peer's connection is bound to this
// session and the request that bound it has been answered, so that the answer precedes
// everything that is sent later. If this request carries a message whose Handler takes
// long, the channel is closed after 5 s. The wait for a peer is not bounded: the
// application decides when it closes the session.
func (s *Session) Bound() <-chan struct{} { return s.bound }

// Done returns a channel that is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session ended: ErrClosed if this side closed it, ErrPeerClosed if
// the peer closed it, or an error that wraps ErrConnectionLost. It returns nil while the
// session is alive.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
