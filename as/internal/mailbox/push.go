package mailbox

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// round is what to push now, in the order of the oldest message; if there is nothing,
// wait is how long that lasts. m.mu is held.
func (m *mailbox) round(now time.Time) (round []*letter, wait time.Duration) {
	wait = idle
	for _, l := range m.letters {
		if l.lingers() {
			wait = min(wait, m.wordsDue(l).Sub(now))
		}
		if !m.open {
			continue
		}
		// What a server without a channel keeps waits for WakeAll.
		if !l.wanted() || !m.cfg.Pusher.MediaServer(l.pair.Server).Up {
			continue
		}
		due := l.own.due
		if due.Before(m.user.due) {
			due = m.user.due
		}
		if d := due.Sub(now); d > 0 {
			wait = min(wait, d)
			continue
		}
		round = append(round, l)
	}
	slices.SortFunc(round, func(a, b *letter) int {
		return cmp.Or(a.pair.Since.Compare(b.pair.Since), cmp.Compare(a.pair.Sender, b.pair.Sender))
	})
	return round, wait
}

// pushAll makes one push session per letter. A user who does not take one is not
// called for the next; what concerns one sender, or what one media server offers, only
// puts off the messages that it concerns.
func (m *mailbox) pushAll(ctx context.Context, round []*letter) {
	for _, l := range round {
		m.mu.Lock()
		pair, news, comings := l.pair, l.news, l.comings
		waits := l.own.due.After(time.Now()) // as another of the same server has failed
		last := cmp.Or(l.own.failure, m.user.failure)
		m.mu.Unlock()
		if waits {
			continue
		}
		began := time.Now()
		err := m.cfg.Pusher.Push(ctx, pair, last)
		if err == nil {
			m.settle(l, news)
			continue
		}
		if FaultOf(err).About == AboutDevice {
			m.waitForDevice(l, news, comings, began)
			continue
		}
		if ctx.Err() != nil || m.fail(l, err) {
			return
		}
	}
}

// fail takes a push that has failed, which push has logged; everything unconfirmed is
// kept. It reports whether the recipient is not to be called for anything else now.
func (m *mailbox) fail(l *letter, err error) (ends bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, f := time.Now(), FaultOf(err)
	f.Err = err
	switch f.About {
	case AboutUser:
		m.user.fail(now, f)
		m.log.Debug("push will be tried again", "in", m.user.due.Sub(now))
		return true
	case AboutOffer:
		for _, other := range m.letters {
			if other != l && other.pair.Server == l.pair.Server {
				other.own.fail(now, f)
			}
		}
	}
	l.own.fail(now, f)
	m.log.Debug("push will be tried again", "sender", l.pair.Sender, "in", l.own.due.Sub(now))
	return false
}

// settle takes a push that has delivered everything, unless there is news since.
func (m *mailbox) settle(l *letter, news uint64) {
	m.mu.Lock()
	m.user.begin(m.user.due) // the recipient takes calls
	l.own.begin(time.Time{})
	sweep := m.on(l, letterEvent{kind: letterPushed, news: news})
	m.mu.Unlock()
	if sweep {
		m.sweep()
	}
}

// untoldWait is how long a media server's word on a session that has ended is waited for
// before an entry without messages is removed. It must be longer than a commit takes.
const untoldWait = time.Minute

// lostWait is untoldWait for sessions that are older than the channel to their media
// server: if that was restarted, their words were lost with it. One that comes later
// all the same makes the entry anew.
const lostWait = 5 * time.Second

// wordsDue is when no word is awaited any more on the sessions of a letter. m.mu is held.
func (m *mailbox) wordsDue(l *letter) time.Time {
	if ms := m.cfg.Pusher.MediaServer(l.pair.Server); ms.Up && l.began.Before(ms.Since) {
		return l.touched.Add(lostWait)
	}
	return l.touched.Add(untoldWait)
}

// overdue waits no longer for words that should have come, and reports whether sweep has
// something to do. m.mu is held.
func (m *mailbox) overdue(now time.Time) (sweep bool) {
	for _, l := range m.letters {
		if l.lingers() && !now.Before(m.wordsDue(l)) {
			sweep = m.on(l, letterEvent{kind: letterOverdue}) || sweep
		}
	}
	return sweep
}
