package sipua

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// A notifier is where SUBSCRIBEs go, and what is known of it from all of them.
// While it does not answer, one subscription at a time asks, after growing pauses,
// and the others wait for it. When it may have lost its subscriptions, because a
// refresh gets 481, a connection to it has ended, or it is back after a silence, all
// are refreshed.
type notifier struct {
	ua  *UA
	to  target
	log changeLog

	mu      sync.Mutex
	members map[*Subscription]bool
	addrs   map[string]bool // "TCP host:port" of the connections to it

	answered  time.Time     // the last response
	endedAt   time.Time     // the last end of a connection
	up        chan struct{} // while it is not to be asked: closed when it is
	wasSilent bool          // then: because it does not answer
	probe     chan struct{} // of capacity 1: the right to ask meanwhile
	pauses    pauses        // between those
	timer     *time.Timer   // gives that right

	lostAt  time.Time   // what was confirmed before may be lost
	sweeps  pauses      // between two sweeps
	nextMin time.Time   // no sweep before
	pending *time.Timer // of a sweep that must wait
}

// join makes s a member of the notifier that it goes to.
func (ua *UA) join(s *Subscription) *notifier {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	n := ua.notifiers[s.to]
	if n == nil {
		t := &ua.cfg.timers
		sweep := &timers{retryMin: t.sweepMin, retryMax: t.sweepMax}
		n = &notifier{
			ua: ua, to: s.to, log: changeLog{ua: ua}, members: map[*Subscription]bool{}, addrs: map[string]bool{},
			probe: make(chan struct{}, 1), pauses: pauses{timers: t}, sweeps: pauses{timers: sweep},
		}
		ua.notifiers[s.to] = n
	}
	n.mu.Lock()
	n.members[s] = true
	n.mu.Unlock()
	return n
}

// leave takes s out; the last one ends the notifier.
func (n *notifier) leave(s *Subscription) {
	n.ua.mu.Lock()
	defer n.ua.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.members, s)
	if len(n.members) > 0 {
		return
	}
	delete(n.ua.notifiers, n.to)
	for _, t := range []*time.Timer{n.timer, n.pending} {
		if t != nil {
			t.Stop()
		}
	}
	n.log.close()
}

// turn waits until the notifier may be asked. probing is true for the one who asks
// whether it answers again, and must call answer, silent, busy or pass. ok is false if ctx
// ends first.
func (n *notifier) turn(ctx context.Context) (probing, ok bool) {
	for {
		n.mu.Lock()
		up := n.up
		n.mu.Unlock()
		if up == nil {
			return false, ctx.Err() == nil
		}
		select {
		case <-up:
		case <-n.probe:
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
	return n.up == nil
}

// pass gives the right to ask to another.
func (n *notifier) pass() {
	select {
	case n.probe <- struct{}{}:
	default:
	}
}

// silent notes that a request sent at that moment got no response. Where others
// have got one since, or just before, it was not the notifier's fault.
func (n *notifier) silent(sent time.Time, probing bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.up != nil {
		n.wasSilent = true
		if probing {
			n.ask()
		}
		return
	}
	if n.answered.After(sent.Add(-n.pauses.timers.retryMin)) {
		return
	}
	n.up, n.wasSilent = make(chan struct{}), true
	n.pauses.reset()
	n.log.note("notifier does not answer; trying on", "notifier", n.to.addr, "subscriptions", len(n.members), "err", err)
	n.ask()
}

// busy notes a 503 with a Retry-After: nobody should ask meanwhile. For others than
// the one it was meant for, that lasts for a minute at the most. See RFC 3261,
// section 21.5.4.
func (n *notifier) busy(after time.Duration, probing bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	after = min(after, n.pauses.timers.retryMax)
	switch {
	case n.up == nil:
		n.up, n.wasSilent = make(chan struct{}), false
		n.pauses.reset()
		n.log.note("notifier is busy; waiting", "notifier", n.to.addr, "subscriptions", len(n.members), "for", after)
	case !probing:
		return
	}
	n.timer = time.AfterFunc(after, n.pass)
}

// ask lets somebody ask after the next pause. n.mu is held.
func (n *notifier) ask() {
	n.timer = time.AfterFunc(n.pauses.step(askLater, 0), n.pass)
}

// answer notes that a response has come from the address, "" if that is not known.
func (n *notifier) answer(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answered = time.Now()
	if addr != "" && len(n.addrs) < maxNotifierAddrs {
		n.addrs[addr] = true
	}
	if n.up == nil {
		return
	}
	close(n.up)
	n.up = nil
	n.timer.Stop()
	select {
	case <-n.probe:
	default:
	}
	n.log.note("notifier answers again", "notifier", n.to.addr, "subscriptions", len(n.members))
	if n.wasSilent {
		n.suspect(n.answered)
	}
}

// forgot notes that the notifier does not know a subscription which it had
// confirmed at that moment.
func (n *notifier) forgot(confirmed time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if confirmed.After(n.lostAt) { // else it was lost with those that are being refreshed
		n.suspect(time.Now())
	}
}

// connectionEnded notes the end of a connection, which may have been the notifier's.
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

// endedJustNow reports whether what is sent now may go on a connection that has ended.
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

// suspect has everything refreshed that was confirmed before now, at once or when
// the last time is long enough ago. n.mu is held.
func (n *notifier) suspect(now time.Time) {
	n.lostAt = now
	if n.pending == nil {
		n.pending = time.AfterFunc(max(n.nextMin.Sub(now), 0), n.sweep)
	}
}

// sweep refreshes what may be lost.
func (n *notifier) sweep() {
	n.mu.Lock()
	now := time.Now()
	if now.Sub(n.nextMin) > n.sweeps.timers.retryMax {
		n.sweeps.reset()
	}
	n.nextMin = now.Add(n.sweeps.step(askLater, 0))
	n.pending = nil
	lostAt := n.lostAt
	n.mu.Unlock()
	for _, s := range n.all() {
		s.refreshIfOlder(lostAt)
	}
}

// connectionEnded tells the notifiers that a connection of ours has ended.
func (ua *UA) connectionEnded(transport, addr string) {
	ua.mu.Lock()
	all := slices.Collect(maps.Values(ua.notifiers))
	closed := ua.closed
	ua.mu.Unlock()
	for _, n := range all {
		if !closed {
			n.connectionEnded(transport + " " + addr)
		}
	}
}
