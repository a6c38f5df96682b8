package as

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A mailbox is what the application server knows of one recipient: who has, or
// may have, left messages where, and whether the recipient is reachable. One
// goroutine, in run, owns the presence subscription and makes the recipient's
// pushes one at a time; store sessions and notifications reach it through the
// fields under mu and wake.
type mailbox struct {
	s         *Server
	recipient string
	log       *slog.Logger
	wake      chan struct{} // of capacity 1: something under mu has changed
	push      func(context.Context, Pair) error
	claims    atomic.Int32 // of those who are about to add a letter: no time to retire

	mu      sync.Mutex
	letters map[letterKey]*letter
	open    bool     // the recipient is reachable, as far as presence knows
	user    attempts // to reach the recipient
	dead    bool     // retired; begin must take a new one
}

type letterKey struct{ sender, server string }

// A letter stands for all messages of one sender that one media server keeps
// for the recipient.
type letter struct {
	pair    Pair
	live    int       // store sessions under way that add to it
	changes uint64    // counts beginnings and ends of store sessions
	pending bool      // there may be messages to push
	stored  bool      // there are some, as far as was told
	last    string    // connection-id of the store session that began last
	touched time.Time // of the last change by a session or a media server's word
	nothing bool      // the server keeps nothing, it says, since that one ended
	refused time.Time // when a device did not take all of them; zero: none has refused
	own     attempts  // for what concerns these messages, and not the recipient
}

// named notes the sender's display name, if there is one. The mailbox's mu is held.
func (l *letter) named(name string) {
	if name != "" {
		l.pair.Name = name
	}
}

func newMailbox(s *Server, recipient string, push func(context.Context, Pair) error) *mailbox {
	return &mailbox{
		s: s, recipient: recipient, log: s.log.With("recipient", recipient),
		wake: make(chan struct{}, 1), push: push,
		letters: map[letterKey]*letter{},
		user:    newAttempts(s.cfg.Push),
	}
}

func (m *mailbox) wakeUp() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// release ends a claim.
func (m *mailbox) release() {
	m.claims.Add(-1)
	m.wakeUp()
}

// begin adds a store session of p, durably, whose messages come on the named
// connection. ok is false if the mailbox has retired meanwhile.
func (m *mailbox) begin(p Pair, connection string) (ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return false, nil
	}
	k := letterKey{p.Sender, p.Server}
	l := m.letters[k]
	if l == nil || p.Name != "" && p.Name != l.pair.Name {
		if err := m.s.dir.Add(p); err != nil {
			return true, err
		}
	}
	if l == nil {
		l = &letter{pair: p, own: newAttempts(m.s.cfg.Push)}
		m.letters[k] = l
	}
	l.named(p.Name)
	l.live++
	l.changes++
	l.touched = time.Now()
	l.last, l.nothing = connection, false
	return true, nil
}

// end ends a store session that begin added: whatever it stored is to be
// pushed as soon as the recipient is reachable, which may be now.
func (m *mailbox) end(p Pair) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.letters[letterKey{p.Sender, p.Server}]
	l.live--
	l.changes++
	l.touched = time.Now()
	l.pending = true
	if soon := l.touched.Add(m.s.cfg.Push.Delay); !l.stored && m.s.tells(l.pair.Server) && m.user.due.Before(soon) {
		m.user.due = soon // time to hear that there is nothing
	}
	m.wakeUp()
	if l.nothing && l.live == 0 {
		m.forget(l)
	}
}

// arrived takes a media server's word that a session under way has left a
// message: it is to be pushed as soon as the recipient is reachable.
func (m *mailbox) arrived(p Pair) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.letters[letterKey{p.Sender, p.Server}]
	if l == nil {
		return
	}
	l.changes++
	l.touched = time.Now()
	l.stored, l.pending = true, true
	m.wakeUp()
}

// nothingKept takes a media server's word that it keeps nothing of p after the
// session on the named connection: nobody need be called for it. It counts only
// if that session was the last to begin.
func (m *mailbox) nothingKept(p Pair, connection string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.letters[letterKey{p.Sender, p.Server}]
	if l == nil || l.last != connection {
		return
	}
	l.nothing = true
	if l.live == 0 {
		m.forget(l)
	}
}

// forget removes a letter for good. m.mu is held.
func (m *mailbox) forget(l *letter) {
	if err := m.s.dir.Remove(l.pair); err != nil {
		// It stays in the file: a push that finds nothing will end it.
		m.log.Error("directory entry not removed", "err", err)
	}
	delete(m.letters, letterKey{l.pair.Sender, l.pair.Server})
	m.wakeUp()
}

// listed adds an entry that was in the directory at the start, or that a media
// server has told of. A new one of the latter is made sure to be in the file
// still: whatever is in memory must be, since begin relies on it. ok is false if
// the mailbox has retired meanwhile.
func (m *mailbox) listed(p Pair, loading bool) (ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return false, nil
	}
	k := letterKey{p.Sender, p.Server}
	if l := m.letters[k]; l != nil {
		l.stored = true
		l.named(p.Name)
		return true, nil
	}
	if !loading {
		if err := m.s.dir.Add(p); err != nil {
			return true, err
		}
	}
	m.letters[k] = &letter{pair: p, pending: true, stored: true, own: newAttempts(m.s.cfg.Push)}
	m.wakeUp()
	return true, nil
}

// reconcile forgets the entries of a media server that is not telling of them,
// and returns how many. What has changed since it was asked stays.
func (m *mailbox) reconcile(server string, inv *inventory) (removed int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, l := range m.letters {
		if k.server == server && l.live == 0 && l.touched.Before(inv.asked) && !inv.pairs[inventoryKey{m.recipient, k.sender}] {
			m.forget(l)
			removed++
		}
	}
	return removed
}

// run watches the recipient's presence and pushes until there is nothing
// left to push, or until ctx ends.
func (m *mailbox) run(ctx context.Context) {
	stop := m.watch(ctx)
	if stop == nil {
		return
	}
	defer stop()
	for {
		wait, retired := m.step(ctx)
		if retired || ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-m.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// idle is how long a mailbox waits when nothing but a wake-up can change
// anything.
const idle = time.Hour
