package mailbox

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
)

// Mailboxes are the mailboxes of all recipients that have messages. The methods can be
// called from several goroutines.
type Mailboxes struct {
	cfg Config

	mu       sync.Mutex
	byURI    map[string]*mailbox
	ctx      context.Context // of the mailboxes' goroutines; nil before Start
	unserved map[string]int  // entries by the name of a media server that is not configured
}

// New makes mailboxes that do nothing before Start.
func New(cfg Config) *Mailboxes { return &Mailboxes{cfg: cfg, byURI: map[string]*mailbox{}} }

// Start has the mailboxes watch and push until ctx ends.
func (ms *Mailboxes) Start(ctx context.Context) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	ms.ctx = ctx
	for _, m := range ms.byURI {
		ms.cfg.Go(func() { m.run(ctx) })
	}
}

// ErrTooMany says that so many recipients have messages that no other can get one.
var ErrTooMany = errors.New("too many recipients have messages")

// get returns the recipient's mailbox, a new one if need be; nil if there are
// as many as there may be, unless this one is exempt. It does not retire until
// the caller calls its release.
func (ms *Mailboxes) get(recipient string, exempt bool) *mailbox {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.byURI[recipient]
	if m != nil {
		m.claims.Add(1)
		return m
	}
	if exempt {
		ms.cfg.Memory.Add(Cost)
	} else if len(ms.byURI) >= ms.cfg.MaxRecipients || !ms.cfg.Memory.Take(Cost) {
		return nil
	}
	m = newMailbox(&ms.cfg, recipient, ms.remove)
	m.claims.Add(1)
	ms.byURI[recipient] = m
	if ctx := ms.ctx; ctx != nil {
		ms.cfg.Go(func() { m.run(ctx) })
	}
	return m
}

// Begin adds a store session of p, durably, and returns the function that ends
// it. The error is [ErrTooMany], or that of the directory.
func (ms *Mailboxes) Begin(p Pair, connection string) (end func(), err error) {
	for {
		m := ms.get(p.Recipient, false)
		if m == nil {
			return nil, ErrTooMany
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

// Cancel ends a store session that Begin added, and in which nobody can have sent
// anything.
func (ms *Mailboxes) Cancel(p Pair, connection string) {
	if m := ms.find(p.Recipient); m != nil {
		m.tell(p, letterEvent{kind: letterCancelled, connection: connection})
	}
}

// remove drops a mailbox that has retired.
func (ms *Mailboxes) remove(m *mailbox) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if ms.byURI[m.recipient] == m {
		delete(ms.byURI, m.recipient)
		ms.cfg.Memory.Give(Cost)
	}
}

// WakeAll makes every mailbox look again, as when a media server came back.
func (ms *Mailboxes) WakeAll() {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for _, m := range ms.byURI {
		m.wakeUp()
	}
}

// Len is the number of recipients that have, or may have, messages.
func (ms *Mailboxes) Len() int {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return len(ms.byURI)
}

// find is the mailbox of a recipient, nil if there is none.
func (ms *Mailboxes) find(recipient string) *mailbox {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return ms.byURI[recipient]
}

// all are the mailboxes that there are now.
func (ms *Mailboxes) all() []*mailbox {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return slices.Collect(maps.Values(ms.byURI))
}
