package memory

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// SessionCost is how many bytes a live session holds without messages, measured.
const SessionCost = 20 << 10

// A Pool has the budgets that the bytes of peers are taken from. Its methods are safe for
// concurrent use.
type Pool struct {
	All    *msrp.Budget // deliveries take from it
	Stores *msrp.Budget // store sessions and connections
	Bodies *msrp.Budget // segments of stored messages that deliveries have read

	warn                            func(part string)
	refusedSenders, refusedSessions atomic.Int64 // how often one of them had used up its share

	mu        sync.Mutex
	perSender int64
	senders   map[string]*senderShare
}

// A senderShare is the budget of one sender's sessions, and of replies for it.
type senderShare struct {
	*msrp.Budget
	users int // sessions, and replies that are being received
}

// The parts of the memory, as metrics and the log name them.
const (
	partAll     = "all"
	partStores  = "store"
	partSender  = "sender"
	partSession = "session"
)

// New returns the pool for a limits.memory in bytes, 0 for none. warn is called whenever a
// part of it is used up; it may be nil.
func New(limit int64, warn func(part string)) *Pool {
	m := &Pool{warn: warn, senders: map[string]*senderShare{}}
	if limit == 0 {
		return m
	}
	m.All = msrp.NewBudget(0, nil)
	m.Stores = msrp.NewBudget(0, m.All)
	m.Bodies = msrp.NewBudget(0, m.All)
	m.All.OnRefused(func() { m.refused(partAll, nil) })
	m.Stores.OnRefused(func() { m.refused(partStores, nil) })
	m.SetLimit(limit)
	return m
}

// refused notes that a part of the memory is used up.
func (m *Pool) refused(part string, count *atomic.Int64) {
	if count != nil {
		count.Add(1)
	}
	if m.warn != nil {
		m.warn(part)
	}
}

// SetLimit changes limits.memory; what is taken stays so. From no limit, and to none, it
// changes with a restart only.
func (m *Pool) SetLimit(limit int64) {
	if m.All == nil || limit == 0 {
		return
	}
	all := limit / 4 * 3
	m.All.SetLimit(all)
	m.Stores.SetLimit(all / 4 * 3)
	m.Bodies.SetLimit(all / 8)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.perSender = all / 8
}

// Sender returns the budget of a sender's messages, which is in use until release is called.
func (m *Pool) Sender(uri string) (b *msrp.Budget, release func()) {
	if m.All == nil {
		return nil, func() {}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.senders[uri]
	if s == nil {
		s = &senderShare{Budget: msrp.NewBudget(m.perSender, m.Stores)}
		s.OnRefused(func() { m.refused(partSender, &m.refusedSenders) })
		m.senders[uri] = s
	}
	s.users++
	return s.Budget, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(m.senders, uri)
		}
	}
}

// Senders is the number of senders whose budgets are in use.
func (m *Pool) Senders() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.senders)
}

// Session takes SessionCost, and returns the budget of a store session's messages: a part
// of Stores until Assign. It reports whether SessionCost was left.
func (m *Pool) Session() (b *msrp.Budget, ok bool) {
	if m.All == nil {
		return nil, true
	}
	m.mu.Lock()
	limit := m.perSender / 2
	m.mu.Unlock()
	b = msrp.NewBudget(limit, m.Stores)
	b.OnRefused(func() { m.refused(partSession, &m.refusedSessions) })
	return b, b.Take(SessionCost)
}

// Assign makes the budget of a session a part of its sender's, until release is called. The
// error is ErrSender.
func (m *Pool) Assign(session *msrp.Budget, uri string) (release func(), err error) {
	if session == nil {
		return func() {}, nil
	}
	share, release := m.Sender(uri)
	if !session.Move(share) {
		release()
		return nil, ErrSender
	}
	return release, nil
}

// Body takes the bytes that a delivery holds of a stored message of size bytes: one segment
// at the most. It waits for them, unless the message is the delivery's only one: so a slow
// user agent does not stop the deliveries to others. The error is that of ctx.
func (m *Pool) Body(ctx context.Context, size int64, only bool) (release func(), err error) {
	n := min(size, store.SegmentSize)
	if only {
		m.Bodies.Add(n)
	} else if err := m.Bodies.Wait(ctx, n); err != nil {
		return nil, err
	}
	return func() { m.Bodies.Give(n) }, nil
}

var (
	// ErrSender refuses a session of a sender whose other sessions hold its whole share.
	ErrSender = errors.New("the sender's sessions hold as much memory as limits.memory leaves for one sender")

	// ErrFull refuses a session because no memory is left for sessions.
	ErrFull = errors.New("as much memory is in use as limits.memory leaves for sessions")

	// ErrNoMemory answers a message for which no memory is left: its sender, or all of
	// them, have too much under way.
	ErrNoMemory = &msrp.StatusError{Code: 413, Reason: "No Memory For It Now"}
)
