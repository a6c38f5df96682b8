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

// SessionConfig describes one session, as agreed in SDP.
type SessionConfig struct {
	// Local is our own URI, the one in the path we gave the peer.
	Local URI
	// Remote is the peer's path: the To-Path of all we send. A session that
	// is accepted before the peer's path is known, as after an offer of ours,
	// may leave it empty until Session.SetPeer.
	Remote Path
	// Handler gets the messages; with nil they are refused with 415.
	Handler Handler
	// AcceptTypes are the media types taken ("text/plain", "text/*", "*");
	// others are refused with 415. nil takes everything. What a message of
	// such a type wraps is for the Handler to look at: see package cpim and
	// Media.AcceptsWrapped.
	AcceptTypes []string
	// MaxSize is the size of the largest message taken, in bytes; larger
	// ones are refused with 413. 0 is no limit.
	MaxSize int64
	// PeerAcceptTypes, PeerAcceptWrappedTypes and PeerMaxSize (in bytes) are
	// what the peer's SDP accepts: Send refuses other messages with a
	// *NotAcceptedError. nil and 0 accept everything, but without
	// PeerAcceptWrappedTypes only PeerAcceptTypes may be wrapped. SetPeer sets
	// them. See RFC 4975, section 8.6.
	PeerAcceptTypes        []string
	PeerAcceptWrappedTypes []string
	PeerMaxSize            int64
	// Nickname is asked by a NICKNAME request, with the name that the peer
	// wants to bear; "" gives up the one it has. nil is answered with 200, a
	// *StatusError as it is (425: in use), any other error with 403. It is
	// called by the goroutine that reads the connection, so it must be quick.
	// Without it NICKNAME gets 501. See RFC 7701, section 7.
	Nickname func(name string) error
	// Fingerprints are those of the peer's SDP: its certificate must have one
	// of those with the best hash function among them, SHA-256 before all. They
	// count where no relay is between. See RFC 8122, section 5.1.
	Fingerprints []string
	// AwaitFingerprints is for a session over TLS that is accepted before the peer's
	// SDP is known, as after an offer of ours: requests that come for it wait until
	// Session.SetPeer, and have no effect before. Who connects with another
	// certificate than the peer gets 403 then. The wait is bounded by
	// Config.HandlerTimeout from the first request on, and ends with 408. Dial has no
	// use for it. See RFC 8122, section 6.2.
	AwaitFingerprints bool
	// Memory is what messages of the session are held from; nil takes Config.Memory.
	Memory *Budget
	// ConnectTo is the "host:port" that Dial connects to, if not the first
	// hop of Remote: see Media.Address.
	ConnectTo string
	// Over makes Dial use the connection of that dialled session, which must
	// lead to the same first hop. It stays open until the last of the
	// sessions on it ends. See RFC 4975, section 5.4.
	Over *Session
}

// Handler takes one message, in a goroutine of its own that starts when the
// first bytes have arrived. Chunks are answered with 200 as their bytes are
// read, but the last one, and the success report if one is asked for, only
// after the Handler has returned nil. A
// *StatusError is sent as it is, any other error as 403; both refuse what is
// left of the message. What a Handler that returns nil has not read is thrown
// away. ctx ends when the message is aborted, the session is closed, or the answer
// has waited for Config.HandlerTimeout: then the Handler has a few seconds to say
// how it ended. One that returns nil after that has taken a message which its
// sender may send again.
//
// A Handler must not wait, before it has read its message to the end, for
// messages it sends on the same session: their answers come behind what is
// left of its own. It must not call Close or Shutdown of its session.
type Handler func(ctx context.Context, m *Incoming) error

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
	opener   *time.Timer          // see openSoon
	knownBy  time.Time            // until when requests wait for known
	changed  chan struct{}        // see signal and change
	sends    int                  // Sends under way
	running  int                  // handlers running
	sending  map[string]*outgoing // by Message-ID, for reports
	arriving map[string]*Incoming // by Message-ID; not all has come
	refused  refusals
	order    arrivals
	receipts receipts
}

// newSession makes a session of a listener, or of none. via are the relays that
// all it sends goes through first.
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
// whose Handler takes long, Bound is closed after 5 s all the same. There is no limit to this wait: who calls Accept knows how long a
// peer may take, and closes the session then.
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

// named tells whether a request is for this session: its To-Path is our URI,
// as RFC 4975, section 6.1, compares URIs.
func (s *Session) named(f *frame) bool {
	return f.target == s.from || f.to[0].Equal(s.local)
}

// attach binds the session to a connection on which it may send at once.
func (s *Session) attach(c *conn) *StatusError {
	if _, se := s.bindTo(c); se != nil {
		return se
	}
	s.open()
	return nil
}

// bindTo binds the session to a connection, and reports whether it was not
// bound before. It may send from open on.
func (s *Session) bindTo(c *conn) (fresh bool, se *StatusError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return false, status(StatusNoSession, "")
	case s.c == c:
		return false, nil
	case s.lst != nil && s.admits(c.nc) != nil:
		return false, s.admits(c.nc)
	case s.c != nil:
		return false, status(StatusBoundElsewhere, "") // [RFC4975-5.4-4]
	case !c.bind(s):
		return false, status(StatusNoSession, "")
	}
	s.c = c
	return true, nil
}

// open lets a session that is bound send. Of an accepted session the answer
// to the request that bound it is queued by then, so that nothing of ours
// overtakes it.
func (s *Session) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opener != nil {
		s.opener.Stop()
	}
	select {
	case <-s.bound:
	default:
		close(s.bound)
	}
}

// openSoon bounds the wait for an answer that a handler has to give: what it
// waits for may be what the session is to send.
func (s *Session) openSoon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.bound:
	default:
		s.opener = time.AfterFunc(bindingAnswer, s.open)
	}
}

// end finishes the session. lostConn: the connection is gone, but what has
// arrived whole is still being handled.
func (s *Session) end(err error, lostConn bool) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	if lostConn {
		s.err = lost(err)
		if errors.Is(err, ErrClosed) {
			s.err = ErrClosed
		}
	}
	err = s.err
	arriving := s.arriving
	s.arriving = make(map[string]*Incoming)
	waiting := s.receipts.takeAll()
	c := s.c
	s.mu.Unlock()

	close(s.done)
	for _, in := range arriving {
		in.abort(err)
	}
	for _, r := range waiting {
		r.fail(err)
	}
	if s.lst != nil {
		s.lst.remove(s)
	}
	if c != nil && !lostConn {
		c.release(s)
	}
	s.retire()
}

// retire lets go of a session that has ended when its last handler has
// returned.
func (s *Session) retire() {
	s.mu.Lock()
	over := s.err != nil && s.running == 0
	s.mu.Unlock()
	if !over {
		return
	}
	s.cancel()
	if s.lst != nil {
		s.lst.retire(s)
	}
}

// Close ends the session at once: Sends fail, the contexts of handlers end.
// It waits for the handlers to return, and a dialled session for its
// connection to be closed. It must not be called from a handler.
func (s *Session) Close() error {
	s.end(ErrClosed, false)
	s.cancel()
	s.handlers.Wait()
	if c := s.conn(); c != nil && s.lst == nil && c.ending() {
		c.loops.Wait()
	}
	return nil
}

// Shutdown refuses new messages in both directions, waits for those under
// way, and closes the session. If ctx ends first it closes at once and
// returns ctx's error.
func (s *Session) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	var err error
	for err == nil {
		s.mu.Lock()
		idle := s.err != nil || s.sends == 0 && s.running == 0 && len(s.arriving) == 0
		changed := s.change()
		s.mu.Unlock()
		if idle {
			break
		}
		select {
		case <-changed:
		case <-s.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	s.Close()
	return err
}

// signal wakes those who wait for a count to fall; s.mu is held.
func (s *Session) signal() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// change gives what signal closes; s.mu is held.
func (s *Session) change() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// chunkSize is the size of the chunks of a message to that path.
func (c *Config) chunkSize(to Path) int {
	switch {
	case c.ChunkSize > 0:
		return c.ChunkSize
	case len(to) > 1:
		return DefaultRelayedChunkSize
	}
	return DefaultChunkSize
}
