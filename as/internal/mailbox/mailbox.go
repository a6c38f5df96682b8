package mailbox

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A mailbox is what the application server knows of one recipient: the letters, and whether
// the recipient is reachable. One goroutine, in run, owns the presence subscription and
// makes the recipient's pushes one at a time; store sessions and reports reach it through
// the fields under mu and wake.
type mailbox struct {
	cfg       *Config
	retire    func(*mailbox) // drops it from the mailboxes
	recipient string
	log       *slog.Logger
	wake      chan struct{} // of capacity 1: something under mu has changed
	claims    atomic.Int32  // callers that add letters: while > 0 the mailbox must not retire

	mu      sync.Mutex // never held while the directory's file is written
	letters map[letterKey]*letter
	writing map[letterKey]chan struct{} // entries that are being added to the file, or removed; see write
	open    bool                        // the recipient is reachable, as far as presence knows
	word    time.Time                   // when presence last said that a device may have registered
	user    attempts                    // to reach the recipient
	dead    bool                        // retired; Begin must take a new one
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
	again   time.Time // when they are pushed again after that; zero: not before a notice of presence
	own     attempts  // for what concerns these messages, and not the recipient
}

// named notes the sender's display name, if there is one. The mailbox's mu is held.
func (l *letter) named(name string) {
	if name != "" {
		l.pair.Name = name
	}
}

func newMailbox(cfg *Config, recipient string, retire func(*mailbox)) *mailbox {
	return &mailbox{
		cfg: cfg, recipient: recipient, retire: retire, log: cfg.Log.With("recipient", recipient),
		wake: make(chan struct{}, 1), letters: map[letterKey]*letter{}, writing: map[letterKey]chan struct{}{},
		user: newAttempts(*cfg),
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

// on hands an event to a letter, and reports whether sweep has something to do. The
// mailbox's mu is held.
func (m *mailbox) on(l *letter, e letterEvent) (sweep bool) {
	e.tells = m.tells(l)
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

// write changes the entry of a letter in the directory's file. The mailbox's mu is held, but
// not during the change: until that is done, await holds up others who want to change the
// same entry. So the file has the letters that memory has.
func (m *mailbox) write(k letterKey, change func() error) error {
	done := make(chan struct{})
	m.writing[k] = done
	m.mu.Unlock()
	err := change()
	m.mu.Lock()
	delete(m.writing, k)
	close(done)
	return err
}

// await waits until nobody changes the entry of a letter. The mailbox's mu is held when it
// is called and when it returns.
func (m *mailbox) await(k letterKey) {
	for done := m.writing[k]; done != nil; done = m.writing[k] {
		m.mu.Unlock()
		<-done
		m.mu.Lock()
	}
}

// add makes sure that there is a letter for p, on disk and in memory, and hands it the
// event. ok is false if the mailbox has retired meanwhile. The caller has a claim.
func (m *mailbox) add(p Pair, e letterEvent, loading bool) (ok bool, err error) {
	k := letterKey{p.Sender, p.Server}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.await(k)
	if m.dead {
		return false, nil
	}
	l := m.letters[k]
	// An entry that is being loaded may have been removed since it was read.
	if l == nil || p.Name != "" && p.Name != l.pair.Name {
		if err := m.write(k, func() error { return m.cfg.Directory.Add(p) }); err != nil {
			return true, err
		}
	}
	if !m.cfg.Pusher.MediaServer(p.Server).Configured {
		return true, nil // not served now; see Follow
	}
	l = m.letters[k] // it may have been put aside meanwhile
	fresh := l == nil
	if fresh {
		l = &letter{pair: p, own: newAttempts(*m.cfg)}
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

// tells reports whether the media server of a letter reports the first message and the end of
// each session.
func (m *mailbox) tells(l *letter) bool { return m.cfg.Pusher.MediaServer(l.pair.Server).Tells }

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
	if e.kind == letterEnded && l.keeps == keepsPerhaps && m.tells(l) {
		// Time to hear that there is nothing.
		if soon := l.touched.Add(m.cfg.Delay); l.own.due.Before(soon) {
			l.own.due = soon
		}
	}
	return true, sweep
}

// sweep forgets the letters that are over, for good.
func (m *mailbox) sweep() (removed int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range slices.Collect(maps.Keys(m.letters)) {
		over := func() bool { l := m.letters[k]; return l != nil && l.over() }
		if over() {
			m.await(k)
		}
		if !over() {
			continue
		}
		l := m.letters[k]
		delete(m.letters, k)
		removed++
		if err := m.write(k, func() error { return m.cfg.Directory.Remove(l.pair) }); err != nil {
			// It stays in the file: a push that finds nothing will end it.
			m.log.Error("directory entry not removed", "err", err)
		}
	}
	m.wakeUp() // it retires if nothing is left
	return removed
}

// reconcile forgets the entries of a media server that its inventory has not,
// and returns how many. What has changed since it was asked stays.
func (m *mailbox) reconcile(server string, asked time.Time, has func(recipient, sender string) bool) (removed int) {
	m.mu.Lock()
	sweep := false
	for k, l := range m.letters {
		if k.server == server && l.touched.Before(asked) && !has(m.recipient, k.sender) {
			sweep = m.on(l, letterEvent{kind: letterAbsent}) || sweep
		}
	}
	m.mu.Unlock()
	if !sweep {
		return 0
	}
	return m.sweep()
}

// idle is how long a mailbox waits when nothing but a wake-up can change
// anything.
const idle = time.Hour
