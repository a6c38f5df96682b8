package as

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
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
	claims    atomic.Int32 // callers that add or remove letters; while > 0 the mailbox must not retire

	// disk is held while an entry is added to the file, and then to letters, or removed
	// from letters, and then from the file: so the file has what letters has. It is
	// locked before mu.
	disk slowLock

	mu      sync.Mutex
	letters map[letterKey]*letter
	open    bool      // the recipient is reachable, as far as presence knows
	word    time.Time // when presence last said that a device may have registered
	user    attempts  // to reach the recipient
	dead    bool      // retired; begin must take a new one
}

type letterKey struct{ sender, server string }

// A letter stands for all messages of one sender that one media server keeps
// for the recipient. Each is in the directory's file, too.
type letter struct {
	pair Pair
	letterState
	touched time.Time // of the last event, but for pushes
	began   time.Time // when the last store session began
	refused time.Time // when a device did not take all of them; zero: none has refused
	again   time.Time // when they are pushed again after that; zero: not before a word of presence
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
		user:    newAttempts(s.cfg.Push), disk: newSlowLock(),
	}
}

// A slowLock is a mutex whose holder may wait for a timer. In virtual time, which goes on
// only when all wait for something that time can bring, who waits for a sync.Mutex holds
// time up.
type slowLock chan struct{}

func newSlowLock() slowLock { return make(slowLock, 1) }

func (l slowLock) Lock()   { l <- struct{}{} }
func (l slowLock) Unlock() { <-l }

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

// on hands an event to a letter, and reports whether sweep has something to do. The
// mailbox's mu is held.
func (m *mailbox) on(l *letter, e letterEvent) (sweep bool) {
	e.tells = m.s.tells(l.pair.Server)
	do := l.on(e)
	switch e.kind {
	case letterPushed, letterRefused, letterCame, letterOverdue:
	default:
		l.touched = time.Now()
	}
	if e.kind == letterBegan {
		l.began = l.touched
	}
	if do.wake || l.lingers() {
		m.wakeUp()
	}
	return do.forget
}

// add makes sure that there is a letter for p, on disk and in memory, and hands it the
// event. ok is false if the mailbox has retired meanwhile. The caller has a claim.
func (m *mailbox) add(p Pair, e letterEvent, loading bool) (ok bool, err error) {
	m.disk.Lock()
	defer m.disk.Unlock()
	k := letterKey{p.Sender, p.Server}
	m.mu.Lock()
	dead, l := m.dead, m.letters[k]
	news := l == nil || p.Name != "" && p.Name != l.pair.Name
	m.mu.Unlock()
	if dead {
		return false, nil
	}
	if news && !loading {
		if err := m.s.dir.Add(p); err != nil {
			return true, err
		}
	}
	if m.s.server(p.Server) == nil {
		return true, nil // not served now; see follow
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh := l == nil
	if fresh {
		l = &letter{pair: p, own: newAttempts(m.s.cfg.Push)}
		m.letters[k] = l
	}
	l.named(p.Name)
	switch {
	case !loading:
		m.on(l, e)
	case fresh:
		l.keeps = keepsPerhaps
		m.wakeUp()
	}
	return true, nil
}

// begin adds a store session of p, durably, whose messages come on the named
// connection. ok is false if the mailbox has retired meanwhile.
func (m *mailbox) begin(p Pair, connection string) (ok bool, err error) {
	return m.add(p, letterEvent{kind: letterBegan, connection: connection}, false)
}

// tell hands an event to the letter of p, if there is one, and does what follows. It
// may take the disk.
func (m *mailbox) tell(p Pair, e letterEvent) {
	if _, sweep := m.note(p, e); sweep {
		m.sweep()
	}
}

// note hands an event to the letter of p, and reports whether there is one, and
// whether sweep has something to do. It does not wait for the disk.
func (m *mailbox) note(p Pair, e letterEvent) (known, sweep bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.letters[letterKey{p.Sender, p.Server}]
	if l == nil {
		return false, false
	}
	sweep = m.on(l, e)
	if e.kind == letterEnded && l.keeps == keepsPerhaps && m.s.tells(l.pair.Server) {
		// Time to hear that there is nothing.
		if soon := l.touched.Add(m.s.cfg.Push.Delay); l.own.due.Before(soon) {
			l.own.due = soon
		}
	}
	return true, sweep
}

// sweep forgets the letters that are over, for good.
func (m *mailbox) sweep() (removed int) {
	m.disk.Lock()
	defer m.disk.Unlock()
	m.mu.Lock()
	m.claims.Add(1)
	defer m.release()
	var gone []Pair
	for k, l := range m.letters {
		if l.over() {
			delete(m.letters, k)
			gone = append(gone, l.pair)
		}
	}
	m.mu.Unlock()
	for _, p := range gone {
		if err := m.s.dir.Remove(p); err != nil {
			// It stays in the file: a push that finds nothing will end it.
			m.log.Error("directory entry not removed", "err", err)
		}
	}
	return len(gone)
}

// reconcile forgets the entries of a media server that its inventory has not,
// and returns how many. What has changed since it was asked stays.
func (m *mailbox) reconcile(server string, inv *control.Inventory) (removed int) {
	m.mu.Lock()
	sweep := false
	for k, l := range m.letters {
		if k.server == server && l.touched.Before(inv.Asked) && !inv.Has(m.recipient, k.sender) {
			sweep = m.on(l, letterEvent{kind: letterAbsent}) || sweep
		}
	}
	m.mu.Unlock()
	if !sweep {
		return 0
	}
	return m.sweep()
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
