package as

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/gomscp/gomscp/as/internal/control"
)

// A presenceSource reports which recipients can be reached. See [presence.Source.Watch].
type presenceSource interface {
	Watch(ctx context.Context, recipient string, told func(reachable, news bool)) (stop func(), err error)
}

// mailboxes are the mailboxes of all recipients who have messages.
type mailboxes struct {
	s        *Server
	presence presenceSource
	push     func(context.Context, Pair) error // what the mailboxes push with

	mu       sync.Mutex
	byURI    map[string]*mailbox
	started  bool
	unserved map[string]int // entries by the name of a media server that is not configured
}

func newMailboxes(s *Server) *mailboxes {
	return &mailboxes{s: s, presence: s.presence, push: s.push, byURI: map[string]*mailbox{}}
}

// listed adds an entry that was in the directory at the start, or that a media
// server has told of. It is exempt from the limit of recipients: its messages
// are there already.
func (ms *mailboxes) listed(p Pair, loading bool) error {
	return ms.found(p, letterEvent{kind: letterListed}, loading)
}

// found hands an event to the letter of p, which it makes if there is none. It is
// exempt from the limit of recipients.
func (ms *mailboxes) found(p Pair, e letterEvent, loading bool) error {
	for {
		m := ms.get(p.Recipient, true)
		ok, err := m.add(p, e, loading)
		m.release()
		if ok {
			return err
		}
		ms.remove(m)
	}
}

// reconcile forgets the entries of a media server that are not in its
// inventory, and returns how many.
func (ms *mailboxes) reconcile(server string, inv *control.Inventory) (removed int) {
	ms.mu.Lock()
	all := slices.Collect(maps.Values(ms.byURI))
	ms.mu.Unlock()
	for _, m := range all {
		removed += m.reconcile(server, inv)
	}
	return removed
}

func (ms *mailboxes) start() {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.started = true
	for _, m := range ms.byURI {
		ms.s.tasks.Go(func() { m.run(ms.s.ctx) })
	}
}

// errTooManyRecipients says that so many recipients have messages that no other
// can get one.
var errTooManyRecipients = errors.New("too many recipients have messages")

// note hands a media server's word on to the letter of p, and reports whether there
// is one. It does not wait for the disk.
func (ms *mailboxes) note(p Pair, e letterEvent) (known bool) {
	m := ms.find(p.Recipient)
	if m == nil {
		return false
	}
	known, sweep := m.note(p, e)
	if sweep {
		ms.s.tasks.Go(func() { m.sweep() })
	}
	return known
}

// get returns the recipient's mailbox, a new one if need be; nil if there are
// as many as there may be, unless this one is exempt. It does not retire until
// the caller calls its release.
func (ms *mailboxes) get(recipient string, exempt bool) *mailbox {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.byURI[recipient]
	if m != nil {
		m.claims.Add(1)
		return m
	}
	if exempt {
		ms.s.memory.Add(recipientCost)
	} else if len(ms.byURI) >= ms.s.cfg.Store.MaxRecipients || !ms.s.memory.Take(recipientCost) {
		return nil
	}
	m = newMailbox(ms.s, recipient, ms.push)
	m.claims.Add(1)
	ms.byURI[recipient] = m
	if ms.started {
		ms.s.tasks.Go(func() { m.run(ms.s.ctx) })
	}
	return m
}

// begin adds a store session of p, durably, and returns the function that ends
// it.
func (ms *mailboxes) begin(p Pair, connection string) (end func(), err error) {
	for {
		m := ms.get(p.Recipient, false)
		if m == nil {
			return nil, errTooManyRecipients
		}
		ok, err := m.begin(p, connection)
		m.release()
		if err != nil {
			return nil, err
		}
		if ok {
			return func() { m.tell(p, letterEvent{kind: letterEnded, connection: connection}) }, nil
		}
		ms.remove(m)
	}
}

// cancel ends a store session that begin added, and that nobody can have sent
// anything in.
func (ms *mailboxes) cancel(p Pair, connection string) {
	if m := ms.find(p.Recipient); m != nil {
		m.tell(p, letterEvent{kind: letterCancelled, connection: connection})
	}
}

// remove drops a mailbox that has retired.
func (ms *mailboxes) remove(m *mailbox) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if ms.byURI[m.recipient] == m {
		delete(ms.byURI, m.recipient)
		ms.s.memory.Give(recipientCost)
	}
}

// wakeAll makes every mailbox look again, as when a media server came back.
func (ms *mailboxes) wakeAll() {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for _, m := range ms.byURI {
		m.wakeUp()
	}
}

func (ms *mailboxes) len() int {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return len(ms.byURI)
}
