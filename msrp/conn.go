package msrp

import (
	"errors"
	"fmt"
	"io"
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

	ctl     chan *outFrame // responses and reports
	data    chan *outFrame // chunks, in the order in which they are written
	next    *outFrame      // taken from data, to be written next; the writer's own
	offered atomic.Int32   // chunks that wait for the writer
	writing atomic.Bool    // the writer is at work
	blocked atomic.Bool    // the reader waits for a handler, not for the peer

	read    atomic.Int64             // bytes read
	reading atomic.Bool              // the reader needs more of them
	mark    atomic.Pointer[readMark] // see catchUp

	stop    chan struct{} // closed when the connection has ended
	drain   chan struct{} // closed when it is to end once all is written
	written chan struct{} // closed when all has been written, after drain
	loops   sync.WaitGroup
	unbound *time.Timer  // closes a connection nobody has bound
	place   *admit.Place // of a Listener's; see Config.MaxUnbound
	headBy  time.Time    // when the head being read must be whole; the reader's own
	readBy  time.Time    // the read deadline; the reader's own
	writeBy time.Time    // the write deadline; the writer's own

	mu       sync.Mutex
	sessions map[string]*Session
	trans    transactions
	bound    bool // had a session
	draining bool
	kept     bool        // stays open without sessions
	linger   *time.Timer // ends a draining connection
	err      error       // why it ended
}

func newConn(nc net.Conn, cfg *Config, lst *Listener) *conn {
	c := &conn{
		nc:       nc,
		cfg:      cfg,
		lst:      lst,
		ctl:      make(chan *outFrame, controlQueue),
		data:     make(chan *outFrame, dataQueue),
		stop:     make(chan struct{}),
		drain:    make(chan struct{}),
		written:  make(chan struct{}),
		sessions: make(map[string]*Session),
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

// start runs the reader; the writer starts when there is something to write.
func (c *conn) start() {
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
		r.until(time.Time{})
	case readHead:
		if c.headBy.IsZero() {
			c.headBy = time.Now().Add(limit)
		}
		r.until(c.headBy)
	case readBody:
		c.headBy = time.Time{}
		// Setting a deadline costs: one that has most of its time will do.
		if now := time.Now(); c.readBy.Sub(now) < limit-limit/8 {
			r.until(now.Add(limit))
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

func (r connReader) until(t time.Time) {
	if !t.Equal(r.c.readBy) {
		r.c.readBy = t
		r.c.nc.SetReadDeadline(t)
	}
}

// fail ends the connection at once. Only the first call has an effect.
func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	sessions := c.sessions
	c.sessions = nil
	trans := c.trans.takeAll()
	if c.linger != nil {
		c.linger.Stop()
	}
	c.mu.Unlock()

	close(c.stop)
	c.nc.Close()
	c.leave()
	for _, t := range trans {
		t.done(nil, err)
	}
	for _, s := range sessions {
		s.end(err, true) // [RFC4975-5.4-10]
	}
	if c.lst != nil {
		c.lst.forget(c)
	}
}

// leave gives the connection's place back.
func (c *conn) leave() {
	c.mu.Lock()
	timer := c.unbound
	c.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	if c.place != nil {
		c.place.Leave()
	}
}

// closeGently ends the connection when all that is queued has been written.
func (c *conn) closeGently() {
	c.mu.Lock()
	first := !c.draining && c.err == nil
	if first {
		c.draining = true
		c.linger = time.AfterFunc(closeLinger, func() { c.fail(ErrClosed) })
		close(c.drain)
	}
	c.mu.Unlock()
	if first {
		c.kick()
	}
}

// closeUnbound ends the connection if it carries no session.
func (c *conn) closeUnbound() {
	c.mu.Lock()
	idle := len(c.sessions) == 0
	c.mu.Unlock()
	if idle {
		c.closeGently()
	}
}

// lost names the end of a connection for those who used it.
func lost(err error) error {
	switch {
	case err == io.EOF:
		return ErrPeerClosed
	case err == nil || errors.Is(err, net.ErrClosed):
		return ErrConnectionLost
	case errors.Is(err, ErrConnectionLost):
		return err
	}
	return fmt.Errorf("%w: %w", ErrConnectionLost, err)
}

// bind makes s a session of this connection.
func (c *conn) bind(s *Session) bool {
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

// release takes a session off; the last one closes the connection.
func (c *conn) release(s *Session) {
	c.mu.Lock()
	delete(c.sessions, s.local.SessionID)
	last := len(c.sessions) == 0 && !c.kept
	c.mu.Unlock()
	if last {
		c.closeGently()
	}
}

// session finds the session of a request, and binds it to this connection if
// it has none yet [RFC4975-5.4-1].
func (c *conn) session(f *frame) (*Session, *StatusError) {
	if len(f.to) > 1 {
		return nil, status(StatusNoSession, "Not A Relay") // [RFC4975-7.3-1]
	}
	id := f.to[0].SessionID
	c.mu.Lock()
	s := c.sessions[id]
	c.mu.Unlock()
	switch {
	case s == nil && c.lst != nil:
		return c.lst.claim(id, c, f)
	case s == nil || !s.named(f):
		return nil, status(StatusNoSession, "") // [RFC4975-7.3-2]
	}
	return s, nil
}

// transaction is a request that waits for its response.
type transaction struct {
	tid   string
	place *place                             // of the chunk it is for, or
	call  func(resp *StatusError, err error) // what is to be called; nil, nil is a 200; must not block

	header Header // of the response, set before done is called

	deadline   time.Time // zero until the request has been written
	prev, next *transaction
}

func (t *transaction) done(resp *StatusError, err error) {
	if t.place != nil {
		t.place.answered(resp, err)
		return
	}
	t.call(resp, err)
}

// transactions are those of one connection, in order of their deadlines.
// They are guarded by the connection's mu.
type transactions struct {
	c     *conn
	byID  map[string]*transaction
	head  transaction // ring of those with a deadline
	timer *time.Timer
}

func (ts *transactions) init(c *conn) {
	ts.c = c
	ts.byID = make(map[string]*transaction)
	ts.head.prev, ts.head.next = &ts.head, &ts.head
}

// begin registers a transaction before its request is written.
func (c *conn) begin(t *transaction) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return lost(c.err)
	}
	if c.trans.byID[t.tid] != nil {
		return errors.New("msrp: transaction id used twice")
	}
	c.trans.byID[t.tid] = t
	return nil
}

// sent starts the clock of a transaction [RFC4975-7.1.1-3].
func (c *conn) sent(t *transaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ts := &c.trans
	if ts.byID[t.tid] != t {
		return // answered already
	}
	t.deadline = time.Now().Add(c.cfg.ResponseTimeout)
	t.prev, t.next = ts.head.prev, &ts.head
	t.prev.next, t.next.prev = t, t
	if ts.timer == nil {
		ts.timer = time.AfterFunc(c.cfg.ResponseTimeout, c.expire)
	}
}

// take removes the transaction of that id, if there is one.
func (c *conn) take(tid string) *transaction {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.trans.byID[tid]
	if t != nil {
		c.trans.remove(t)
	}
	return t
}

func (ts *transactions) remove(t *transaction) {
	delete(ts.byID, t.tid)
	if t.next != nil {
		t.prev.next, t.next.prev = t.next, t.prev
		t.prev, t.next = nil, nil
	}
}

func (ts *transactions) takeAll() []*transaction {
	var all []*transaction
	for _, t := range ts.byID {
		all = append(all, t)
		ts.remove(t)
	}
	if ts.timer != nil {
		ts.timer.Stop()
	}
	return all
}

// overdue tells whether the reader has waited too long for a handler, if it
// began then.
func (c *conn) overdue(began time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	waited := time.Since(began)
	return waited >= c.cfg.HandlerTimeout || waited >= deadlockTimeout && len(c.trans.byID) > 0
}

// lookAgain is the time between two looks at that.
func (c *conn) lookAgain() time.Duration { return min(c.cfg.HandlerTimeout, deadlockTimeout) }

// expire fails the transactions whose time is over. While our own reader
// waits for a handler no response can be seen, so nobody's time runs out.
func (c *conn) expire() {
	var late []*transaction
	c.mu.Lock()
	ts := &c.trans
	now := time.Now()
	next := c.cfg.ResponseTimeout
	if c.blocked.Load() {
		next = min(next, time.Second)
	} else {
		for t := ts.head.next; t != &ts.head; t = ts.head.next {
			if t.deadline.After(now) {
				next = t.deadline.Sub(now)
				break
			}
			ts.remove(t)
			late = append(late, t)
		}
	}
	if c.err == nil && ts.head.next != &ts.head {
		ts.timer.Reset(next)
	} else {
		ts.timer = nil
	}
	c.mu.Unlock()
	for _, t := range late {
		t.done(nil, ErrNoResponse)
	}
}
