package msrp

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/internal/admit"
)

// conn is one connection and the sessions bound to it. One goroutine reads
// it (conn_read.go), one writes it while there is something to write (conn_write.go);
// the maps are under mu.
type conn struct {
	nc      net.Conn
	cfg     *Config
	lst     *Listener // nil for a dialled connection
	fr      *frameReader
	workers *workers // run the handlers

	connQueues
	connReading
	connEnd
	loops sync.WaitGroup
	place *admit.Place // of a Listener's; see Config.MaxUnbound

	mu    sync.Mutex
	trans transactions
	connSessions
}

// connSessions are the sessions of a connection. It is guarded by mu.
type connSessions struct {
	sessions map[string]*Session
	bound    bool        // has or had a session
	unbound  *time.Timer // closes a connection without a session
	kept     bool        // stays open without sessions
}

// connQueues hand frames to the writer.
type connQueues struct {
	ctl     chan *outFrame // responses and reports
	data    chan *outFrame // chunks, in the order in which they are written
	next    *outFrame      // taken from data, to be written next; the writer's own
	offered atomic.Int32   // chunks that wait for the writer
	writing atomic.Bool    // the writer is at work
	writeBy time.Time      // the write deadline; the writer's own
}

// connReading says what the reader does.
type connReading struct {
	blocked atomic.Bool              // it waits for a handler, not for the peer
	read    atomic.Int64             // bytes read
	reading atomic.Bool              // it needs more of them
	mark    atomic.Pointer[readMark] // see catchUp
	headBy  time.Time                // when the head being read must be whole; the reader's own
	readBy  time.Time                // the read deadline; the reader's own
}

// connEnd are the steps to the end of a connection.
type connEnd struct {
	drain   chan struct{} // closed when it finishes: what is queued is still written
	written chan struct{} // closed when all has been written, after drain
	stop    chan struct{} // closed when the connection has ended

	draining bool        // guarded by mu, as what follows
	linger   *time.Timer // ends a draining connection
	err      error       // why it ended
}

func newConn(nc net.Conn, cfg *Config, lst *Listener) *conn {
	c := &conn{
		nc:           nc,
		cfg:          cfg,
		lst:          lst,
		connQueues:   connQueues{ctl: make(chan *outFrame, controlQueue), data: make(chan *outFrame, dataQueue)},
		connEnd:      connEnd{drain: make(chan struct{}), written: make(chan struct{}), stop: make(chan struct{})},
		connSessions: connSessions{sessions: make(map[string]*Session)},
	}
	c.trans.init(c)
	if lst != nil {
		c.workers = lst.workers
	} else {
		c.workers = newWorkers(idleWorkersConn, c.stop)
	}
	c.fr = newFrameReader(connReader{c})
	c.fr.trace, c.fr.mem = cfg.Trace != nil, cfg.Memory
	return c
}

// startReader runs the reader; the writer starts when there is something to write.
func (c *conn) startReader() {
	c.loops.Add(1)
	go c.readLoop()
}

// connReader reads with the deadline that fits what is waited for.
type connReader struct{ c *conn }

func (r connReader) Read(p []byte) (int, error) {
	c := r.c
	limit := c.cfg.StallTimeout
	switch c.fr.mode {
	case readIdle:
		c.headBy = time.Time{}
		r.setDeadline(time.Time{})
	case readHead:
		if c.headBy.IsZero() {
			c.headBy = time.Now().Add(limit)
		}
		r.setDeadline(c.headBy)
	case readBody:
		c.headBy = time.Time{}
		// Setting a deadline costs: one that has most of its time will do.
		if now := time.Now(); c.readBy.Sub(now) < limit-limit/8 {
			r.setDeadline(now.Add(limit))
		}
	}
	c.reading.Store(true)
	c.passMark()
	n, err := c.nc.Read(p)
	c.read.Add(int64(n))
	c.reading.Store(false)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) && c.fr.mode != readIdle {
		err = ErrStalled
	}
	return n, err
}

func (r connReader) setDeadline(t time.Time) {
	if !t.Equal(r.c.readBy) {
		r.c.readBy = t
		r.c.nc.SetReadDeadline(t)
	}
}

// bindSession makes s a session of this connection.
func (c *conn) bindSession(s *Session) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || c.draining || c.sessions == nil || c.place != nil && !c.place.Promote() {
		return false
	}
	c.sessions[s.local.SessionID] = s
	c.bound = true
	if c.unbound != nil {
		c.unbound.Stop()
	}
	return true
}

// unbind takes a session off; the last one closes the connection.
func (c *conn) unbind(s *Session) {
	c.mu.Lock()
	delete(c.sessions, s.local.SessionID)
	last := len(c.sessions) == 0 && !c.kept
	c.mu.Unlock()
	if last {
		c.finish()
	}
}

// sessionFor finds the session of a request, and binds it to this connection if
// it has none yet [RFC4975-5.4-1].
func (c *conn) sessionFor(f *frame) (*Session, *StatusError) {
	if len(f.to) > 1 {
		return nil, status(StatusNoSession, "Not A Relay") // [RFC4975-7.3-1]
	}
	id := f.to[0].SessionID
	c.mu.Lock()
	s := c.sessions[id]
	c.mu.Unlock()
	switch {
	case s == nil && c.lst != nil:
		return c.lst.bindByURI(id, c, f)
	case s == nil || !s.isNamedBy(f):
		return nil, status(StatusNoSession, "") // [RFC4975-7.3-2]
	}
	return s, nil
}
