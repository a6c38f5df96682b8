package ms

import (
	"errors"
	"io"
	"sync"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// Parts of limits.memory. What is held for peers may take three quarters of it, the rest is
// for what the runtime adds, the store's index and its pages. Of these three quarters,
// store sessions may have three again, so that deliveries go on while senders use up
// theirs; and the messages of one sender an eighth.
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

	mu        sync.Mutex
	perSender int64
	senders   map[string]*senderMemory
}

// senderMemory is what the messages of one sender that are being received may take.
type senderMemory struct {
	*msrp.Budget
	users int // messages
}

func newMemory(limit int64) *memory {
	m := &memory{senders: map[string]*senderMemory{}}
	if limit == 0 {
		return m // budgets are nil: no limit
	}
	m.all = msrp.NewBudget(0, nil)
	m.stores = msrp.NewBudget(0, m.all)
	m.setLimit(limit)
	return m
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
