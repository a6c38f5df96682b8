package sipua

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// A notifier is the destination of subscriptions, and what they have learnt of it. While
// it does not answer, one subscription at a time asks, after growing pauses, and the
// others wait. When it may have lost its subscriptions, all are refreshed: a refresh got
// 481, a connection to it has ended, or it answers again after a silence.
type notifier struct {
	table *subscriptions
	to    target
	log   changeLog

	mu      sync.Mutex
	members map[*Subscription]bool
	addrs   map[string]bool // "TCP host:port" of the connections to it

	answered time.Time // the last response
	endedAt  time.Time // the last end of a connection
	outage   outage
	sweep    sweep
}

// An outage is a time in which a notifier must not be asked.
type outage struct {
	up     chan struct{} // closed when it is over; nil while there is none
	silent bool          // the notifier does not answer; otherwise it is busy
	probe  chan struct{} // of capacity 1: the right to ask meanwhile
	pauses pauses        // between attempts
	timer  *time.Timer   // gives that right
}

// A sweep refreshes all subscriptions at a notifier.
type sweep struct {
	lostAt  time.Time   // what was confirmed before may be lost
	pauses  pauses      // between two sweeps
	nextMin time.Time   // no sweep before
	pending *time.Timer // of a sweep that must wait
}

// join makes s a member of the notifier that it goes to.
func (t *subscriptions) join(s *Subscription) *notifier {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.notifiers[s.goal.to]
	if n == nil {
		tm := &t.ua.cfg.timers
		slow := &timers{retryMin: tm.sweepMin, retryMax: tm.sweepMax}
		n = &notifier{
			table: t, to: s.goal.to, log: changeLog{ua: t.ua}, members: map[*Subscription]bool{}, addrs: map[string]bool{},
			outage: outage{probe: make(chan struct{}, 1), pauses: pauses{timers: tm}}, sweep: sweep{pauses: pauses{timers: slow}},
		}
		t.notifiers[s.goal.to] = n
	}
	n.mu.Lock()
	n.members[s] = true
	n.mu.Unlock()
	return n
}

// leave removes s. The notifier ends with its last subscription.
func (n *notifier) leave(s *Subscription) {
	n.table.mu.Lock()
	defer n.table.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.members, s)
	if len(n.members) > 0 {
		return
	}
	delete(n.table.notifiers, n.to)
	for _, t := range []*time.Timer{n.outage.timer, n.sweep.pending} {
		if t != nil {
			t.Stop()
		}
	}
	n.log.close()
}

// turn waits until the notifier may be asked. If probing is true, the caller asks whether
// it answers again, and must call answer, silent, busy or pass. ok is false if ctx ends
// first.
func (n *notifier) turn(ctx context.Context) (probing, ok bool) {
	for {
		n.mu.Lock()
		up := n.outage.up
		n.mu.Unlock()
		if up == nil {
			return false, ctx.Err() == nil
		}
		select {
		case <-up:
		case <-n.outage.probe:
			return true, true
		case <-ctx.Done():
			return false, false
		}
	}
}

// isUp reports whether the notifier answers, as far as is known.
func (n *notifier) isUp() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.outage.up == nil
}

// pass gives the right to ask to another subscription.
func (n *notifier) pass() {
	select {
	case n.outage.probe <- struct{}{}:
	default:
	}
}

// silent notes that a request sent at that moment got no response. If other requests have
// got one since then, or just before, the notifier is not considered silent.
func (n *notifier) silent(sent time.Time, probing bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.outage.up != nil {
		n.outage.silent = true
		if probing {
			n.ask()
		}
		return
	}
	if n.answered.After(sent.Add(-n.outage.pauses.timers.retryMin)) {
		return
	}
	n.outage.up, n.outage.silent = make(chan struct{}), true
	n.outage.pauses.reset()
	n.log.note("notifier does not answer; trying again later", "notifier", n.to.addr, "subscriptions", len(n.members), "err", err)
	n.ask()
}

// busy notes a 503 with Retry-After: no subscription should ask for that time. For
// subscriptions other than the refused one, the limit is a minute. See RFC 3261, section
// 21.5.4.
func (n *notifier) busy(after time.Duration, probing bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	after = min(after, n.outage.pauses.timers.retryMax)
	switch {
	case n.outage.up == nil:
		n.outage.up, n.outage.silent = make(chan struct{}), false
		n.outage.pauses.reset()
		n.log.note("notifier is busy; waiting", "notifier", n.to.addr, "subscriptions", len(n.members), "for", after)
	case !probing:
		return
	}
	n.outage.timer = time.AfterFunc(after, n.pass)
}

// ask allows one subscription to ask after the next pause. n.mu is held.
func (n *notifier) ask() {
	n.outage.timer = time.AfterFunc(n.outage.pauses.step(askLater, 0), n.pass)
}

// answer notes that a response has come from the address, "" if that is not known.
func (n *notifier) answer(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answered = time.Now()
	if addr != "" && len(n.addrs) < maxNotifierAddrs {
		n.addrs[addr] = true
	}
	if n.outage.up == nil {
		return
	}
	close(n.outage.up)
	n.outage.up = nil
	n.outage.timer.Stop()
	select {
	case <-n.outage.probe:
	default:
	}
	n.log.note("notifier answers again", "notifier", n.to.addr, "subscriptions", len(n.members))
	if n.outage.silent {
		n.suspect(n.answered)
	}
}

// forgot notes that the notifier does not know a subscription that it had confirmed at
// that moment.
func (n *notifier) forgot(confirmed time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if confirmed.After(n.sweep.lostAt) { // else it was lost with those that are being refreshed
		n.suspect(time.Now())
	}
}

// connectionEnded notes the end of a connection, which may be one to this notifier.
func (n *notifier) connectionEnded(addr string) {
	n.mu.Lock()
	its := n.addrs[addr]
	if its {
		n.endedAt = time.Now()
		n.suspect(n.endedAt)
	}
	n.mu.Unlock()
	if its {
		for _, s := range n.all() {
			s.waitNoLonger(otherConnectionWait)
		}
	}
}

// endedJustNow reports whether a request that is sent now may go on a connection that has
// ended.
func (n *notifier) endedJustNow() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Since(n.endedAt) < otherConnectionWait
}

// all are the notifier's subscriptions.
func (n *notifier) all() []*Subscription {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.members))
}

// suspect refreshes everything that was confirmed before now: at once, or when the last
// sweep is long enough ago. n.mu is held.
func (n *notifier) suspect(now time.Time) {
	n.sweep.lostAt = now
	if n.sweep.pending == nil {
		n.sweep.pending = time.AfterFunc(max(n.sweep.nextMin.Sub(now), 0), n.refreshAll)
	}
}

// refreshAll refreshes the subscriptions that may be lost.
func (n *notifier) refreshAll() {
	n.mu.Lock()
	now := time.Now()
	if now.Sub(n.sweep.nextMin) > n.sweep.pauses.timers.retryMax {
		n.sweep.pauses.reset()
	}
	n.sweep.nextMin = now.Add(n.sweep.pauses.step(askLater, 0))
	n.sweep.pending = nil
	lostAt := n.sweep.lostAt
	n.mu.Unlock()
	for _, s := range n.all() {
		s.refreshIfOlder(lostAt)
	}
}

// connectionEnded notifies the notifiers that a connection of ours has ended.
func (t *subscriptions) connectionEnded(transport, addr string) {
	t.mu.Lock()
	all := slices.Collect(maps.Values(t.notifiers))
	t.mu.Unlock()
	for _, n := range all {
		if t.ua.ctx.Err() == nil {
			n.connectionEnded(transport + " " + addr)
		}
	}
}
