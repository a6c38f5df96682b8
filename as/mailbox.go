package as

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
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
	open    bool      // the recipient is reachable, as far as presence knows
	due     time.Time // no push before this moment
	retry   backoff
	failed  time.Time // when the last round of pushes did
	dead    bool      // retired; begin must take a new one
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
}

func newMailbox(s *Server, recipient string, push func(context.Context, Pair) error) *mailbox {
	return &mailbox{
		s: s, recipient: recipient, log: s.log.With("recipient", recipient),
		wake: make(chan struct{}, 1), push: push,
		letters: map[letterKey]*letter{},
		retry:   backoff{min: s.cfg.Push.RetryMin, max: s.cfg.Push.RetryMax},
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
	if l == nil {
		if err := m.s.dir.Add(p); err != nil {
			return true, err
		}
		l = &letter{pair: p}
		m.letters[k] = l
	}
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
	if soon := l.touched.Add(m.s.cfg.Push.Delay); !l.stored && m.s.tells(l.pair.Server) && m.due.Before(soon) {
		m.due = soon // time to hear that there is nothing
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
		return true, nil
	}
	if !loading {
		if err := m.s.dir.Add(p); err != nil {
			return true, err
		}
	}
	m.letters[k] = &letter{pair: p, pending: true, stored: true}
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

// step pushes what can be pushed now, and tells how long to wait for more. It
// retires the mailbox if nothing is left in it.
func (m *mailbox) step(ctx context.Context) (wait time.Duration, retired bool) {
	m.mu.Lock()
	if len(m.letters) == 0 && m.claims.Load() == 0 {
		m.dead = true
		m.mu.Unlock()
		m.s.mailboxes.remove(m)
		return 0, true
	}
	round := m.pendingLetters()
	if !m.open || len(round) == 0 {
		m.mu.Unlock()
		return idle, false
	}
	if d := time.Until(m.due); d > 0 {
		m.mu.Unlock()
		return d, false
	}
	m.mu.Unlock()
	if m.pushAll(ctx, round) {
		return 0, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.retry.step()
	m.failed = time.Now()
	m.due = m.failed.Add(d)
	m.log.Debug("push will be tried again", "in", d)
	return d, false
}

// pendingLetters is what to push, in the order of the oldest message. m.mu is
// held.
func (m *mailbox) pendingLetters() []*letter {
	var round []*letter
	for _, l := range m.letters {
		// What a server without a channel keeps waits for wakeAll.
		if ms := m.s.server(l.pair.Server); l.pending && ms != nil && ms.up() {
			round = append(round, l)
		}
	}
	slices.SortFunc(round, func(a, b *letter) int {
		return cmp.Or(a.pair.Since.Compare(b.pair.Since), cmp.Compare(a.pair.Sender, b.pair.Sender))
	})
	return round
}

// pushAll makes one push session per letter and reports whether all went well.
// A user who does not take one is not called for the next.
func (m *mailbox) pushAll(ctx context.Context, round []*letter) bool {
	ok := true
	for _, l := range round {
		m.mu.Lock()
		before := l.changes
		m.mu.Unlock()
		began := time.Now()
		err := m.push(ctx, l.pair)
		m.s.metrics.pushed(err, time.Since(began))
		if isDeviceFault(err) {
			m.waitForDevice(l)
			continue
		}
		if err != nil { // which push has logged; everything unconfirmed is kept
			ok = false
			if isUserFault(err) {
				return false
			}
			continue
		}
		m.settle(l, before)
	}
	return ok
}

// settle forgets a letter that was delivered, unless a store session has added
// to it since.
func (m *mailbox) settle(l *letter, before uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retry.reset()
	if l.changes != before {
		return // pushed again if pending, or when its session ends
	}
	l.pending, l.stored = false, false
	if l.live > 0 {
		return
	}
	m.forget(l)
}

// watch asks for word on the recipient, again and again until that works or ctx
// ends.
func (m *mailbox) watch(ctx context.Context) (stop func()) {
	retry := backoff{min: m.s.cfg.Push.RetryMin, max: m.s.cfg.Push.RetryMax}
	for m.s.mailboxes.pace.wait(ctx) {
		stop, err := m.s.presence.watch(ctx, m.recipient, m.told)
		if err == nil {
			return stop
		}
		m.log.Warn("the recipient's presence cannot be watched; trying on", "err", err)
		retry.wait(ctx)
	}
	return nil
}

// told takes one word on whether the recipient is reachable. It is a level, not
// an edge: the same word comes again with every refresh. But where a call to the
// user has failed, "reachable" once more may mean another device, or that the
// user was away and back without our hearing of it: then the next attempt is
// brought forward, to no sooner than the least pause between attempts.
func (m *mailbox) told(reachable bool) {
	state := "closed"
	if reachable {
		state = "open"
	}
	m.s.metrics.presence.WithLabelValues(state).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case reachable && !m.open:
		m.log.Debug("recipient is reachable")
		m.due = time.Now().Add(m.s.cfg.Push.Delay)
		m.retry.reset()
		m.failed = time.Time{}
		for _, l := range m.letters {
			// Of a session that has only begun, most media servers tell nothing.
			l.pending = l.pending || l.stored || l.live == 0 || !m.s.tells(l.pair.Server)
			l.refused = time.Time{}
		}
	case reachable && !m.failed.IsZero():
		soon := time.Now().Add(m.s.cfg.Push.Delay)
		if least := m.failed.Add(m.s.cfg.Push.RetryMin); soon.Before(least) {
			soon = least
		}
		if soon.Before(m.due) {
			m.due = soon
		}
	}
	if reachable {
		m.deviceTold()
	}
	m.open = reachable
	m.wakeUp()
}
