package as

import (
	"context"
	"errors"
	"sync"
)

// mailboxes are the mailboxes of all recipients who have messages.
type mailboxes struct {
	s    *Server
	push func(context.Context, Pair) error // what the mailboxes push with

	mu      sync.Mutex
	byURI   map[string]*mailbox
	started bool
}

func newMailboxes(s *Server) *mailboxes {
	return &mailboxes{s: s, push: s.push, byURI: map[string]*mailbox{}}
}

// load fills the mailboxes from the directory; start sets them to work.
func (ms *mailboxes) load() error {
	return ms.s.dir.Each(func(p Pair) error {
		ms.get(p.Recipient).restored(p)
		return nil
	})
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

// nothingKept hands a media server's word on to the recipient's mailbox.
func (ms *mailboxes) nothingKept(p Pair, connection string) {
	ms.mu.Lock()
	m := ms.byURI[p.Recipient]
	ms.mu.Unlock()
	if m != nil {
		m.nothingKept(p, connection)
	}
}

// get returns the recipient's mailbox, a new one if need be; nil if there are
// as many as there may be. What the directory holds at the start is exempt.
func (ms *mailboxes) get(recipient string) *mailbox {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.byURI[recipient]
	if m == nil {
		if ms.started && len(ms.byURI) >= ms.s.cfg.Store.MaxRecipients {
			return nil
		}
		m = newMailbox(ms.s, recipient, ms.push)
		ms.byURI[recipient] = m
		if ms.started {
			ms.s.tasks.Go(func() { m.run(ms.s.ctx) })
		}
	}
	return m
}

// begin adds a store session of p, durably, and returns the function that ends
// it.
func (ms *mailboxes) begin(p Pair, connection string) (end func(), err error) {
	for {
		m := ms.get(p.Recipient)
		if m == nil {
			return nil, errTooManyRecipients
		}
		ok, err := m.begin(p, connection)
		if err != nil {
			return nil, err
		}
		if ok {
			return func() { m.end(p) }, nil
		}
		ms.remove(m)
	}
}

// remove drops a mailbox that has retired.
func (ms *mailboxes) remove(m *mailbox) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if ms.byURI[m.recipient] == m {
		delete(ms.byURI, m.recipient)
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
