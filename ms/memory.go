package ms

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// Parts of limits.memory. What is held for peers may take three quarters of it, the store's
// index an eighth; the rest is for what the runtime adds, and for pages of the file. Of these three quarters,
// store sessions may have three again, so that deliveries go on while senders use up
// theirs; all sessions of one sender an eighth, and one session half of that. Deliveries may
// hold an eighth as parts of messages that they have read from the file, so that enough is
// left to send them.
const (
	sessionCost = 20 << 10 // bytes that a live session holds without messages, measured
	heldStep    = 4 << 10  // bytes of a message that are taken at a time

	// maxHeldBody is how many bytes of one message the store holds: a segment that is
	// written, and one that is being filled.
	maxHeldBody = 2 * store.SegmentSize
)

// memory is what the server holds bytes of peers from.
type memory struct {
	all    *msrp.Budget // deliveries take from it
	stores *msrp.Budget // store sessions and connections
	bodies *msrp.Budget // segments of stored messages that deliveries have read

	warn                            func(part string) // logs that a part is used up; nil: nobody does
	refusedSenders, refusedSessions atomic.Int64      // how often one of them had used up its share

	mu        sync.Mutex
	perSender int64
	senders   map[string]*senderMemory
}

// senderMemory is what the sessions of one sender, and its replies, may take.
type senderMemory struct {
	*msrp.Budget
	users int // sessions, and replies that are being received
}

func newMemory(limit int64) *memory {
	m := &memory{senders: map[string]*senderMemory{}}
	if limit == 0 {
		return m // budgets are nil: no limit
	}
	m.all = msrp.NewBudget(0, nil)
	m.stores = msrp.NewBudget(0, m.all)
	m.bodies = msrp.NewBudget(0, m.all)
	m.all.OnRefused(func() { m.refused(partAll, nil) })
	m.stores.OnRefused(func() { m.refused(partStores, nil) })
	m.setLimit(limit)
	return m
}

// Parts of the memory, as metrics and the log name them.
const (
	partAll     = "all"
	partStores  = "store"
	partSender  = "sender"
	partSession = "session"
)

// refused notes that a part of the memory is used up.
func (m *memory) refused(part string, count *atomic.Int64) {
	if count != nil {
		count.Add(1)
	}
	if m.warn != nil {
		m.warn(part)
	}
}

// setLimit changes the limit; what is taken stays so. From no limit, and to none, it
// changes with a restart only.
func (m *memory) setLimit(limit int64) {
	if m.all == nil || limit == 0 {
		return
	}
	all := limit / 4 * 3
	m.all.SetLimit(all)
	m.stores.SetLimit(all / 4 * 3)
	m.bodies.SetLimit(all / 8)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.perSender = all / 8
}

// sender gives what the sender's messages are taken from, until release is called.
func (m *memory) sender(uri string) (b *msrp.Budget, release func()) {
	if m.all == nil {
		return nil, func() {}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.senders[uri]
	if s == nil {
		s = &senderMemory{Budget: msrp.NewBudget(m.perSender, m.stores)}
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

// session takes what a store session costs, and gives what its messages are taken from:
// until its sender is known, from what there is for store sessions. It reports whether that
// was left.
func (m *memory) session() (b *msrp.Budget, ok bool) {
	if m.all == nil {
		return nil, true
	}
	m.mu.Lock()
	limit := m.perSender / 2
	m.mu.Unlock()
	b = msrp.NewBudget(limit, m.stores)
	b.OnRefused(func() { m.refused(partSession, &m.refusedSessions) })
	return b, b.Take(sessionCost)
}

// assign makes what a session has a part of what its sender has, until release is called.
func (m *memory) assign(session *msrp.Budget, uri string) (release func(), err error) {
	if session == nil {
		return func() {}, nil
	}
	share, release := m.sender(uri)
	if !session.Move(share) {
		release()
		return nil, errSenderMemory
	}
	return release, nil
}

// body takes what a delivery holds of a stored message of size bytes: one segment at the most.
// It waits until that is there, unless the message is the delivery's only one: so a slow user
// agent does not stop the deliveries to others. The error is that of ctx.
func (m *memory) body(ctx context.Context, size int64, only bool) (release func(), err error) {
	n := min(size, store.SegmentSize)
	if only {
		m.bodies.Add(n)
	} else if err := m.bodies.Wait(ctx, n); err != nil {
		return nil, err
	}
	return func() { m.bodies.Give(n) }, nil
}

// errSenderMemory refuses a session of a sender whose other sessions hold all that it may.
var errSenderMemory = errors.New("the sender's sessions hold as much memory as limits.memory leaves for one sender")

// errNoMemory says that a message was not taken because its sender, or all of them, have
// as many under way as may be.
var errNoMemory = &msrp.StatusError{Code: 413, Reason: "No Memory For It Now"}

// errMemoryFull says the same of a session.
var errMemoryFull = errors.New("as much memory is in use as limits.memory leaves for sessions")

// A heldWriter takes what a message holds until it is on disk from a budget, as its bytes
// come.
type heldWriter struct {
	w     io.Writer
	from  *msrp.Budget
	bytes int64
	held  int64
}

// Write implements [io.Writer]. Its own error is errNoMemory.
func (h *heldWriter) Write(p []byte) (int, error) {
	h.bytes += int64(len(p))
	if need := min(h.bytes, maxHeldBody); need > h.held {
		step := (need - h.held + heldStep - 1) / heldStep * heldStep
		if !h.from.Take(step) {
			return 0, errNoMemory
		}
		h.held += step
	}
	return h.w.Write(p)
}

// free gives all back.
func (h *heldWriter) free() { h.from.Give(h.held) }

// keep leaves to the caller to free what is held: the store has the message yet.
func (h *heldWriter) keep() *heldWriter {
	rest := &heldWriter{from: h.from, held: h.held}
	h.held = 0
	return rest
}
