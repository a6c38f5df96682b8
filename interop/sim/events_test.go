package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/store"
)

// An event is one thing that happens, and what goes on until the next does; a, b and c
// choose among what it may happen to.
type event struct {
	do      string
	a, b, c int
	gap     int
}

func (e event) String() string {
	return fmt.Sprintf("%s(%d,%d,%d) %v", e.do, e.a, e.b, e.c, gaps[e.gap])
}

// gaps are the times between events: less than 0 is none at all, so that things happen
// side by side; 0 waits until nobody has anything to do.
var gaps = []time.Duration{-1, -1, 0, 0, 0, 5 * time.Millisecond, 100 * time.Millisecond, time.Second, 5 * time.Second, 40 * time.Second}

// An oldCopy is a copy of a store.
type oldCopy struct {
	file string
	at   time.Time
	has  map[string]bool // Message-IDs
}

// statuses are the refusals of an INVITE and of a SEND.
var (
	inviteStatuses = []string{
		"486 Busy Here", "480 Temporarily Unavailable", "408 Request Timeout", "603 Decline", "403 Forbidden", "488 Not Acceptable Here",
		"415 Unsupported Media Type", "606 Not Acceptable", "port 0", "silent", "404 Not Found", "500 Server Internal Error",
		"503 Service Unavailable", "600 Busy Everywhere", "405 Method Not Allowed", "420 Bad Extension", "607 Unwanted", "410 Gone",
		"433 Anonymity Disallowed", "413 Request Entity Too Large", "604 Does Not Exist Anywhere", "487 Request Terminated",
	}
	// senderStatuses say nothing about other senders.
	senderStatuses = []string{"486 Busy Here", "603 Decline", "403 Forbidden", "607 Unwanted", "433 Anonymity Disallowed"}
	sendStatuses   = []string{"403 Forbidden", "413 Stop", "415 Bad Type", "501 Unknown Method", "408 Timeout", "silent", "400 Bad Request", "481 No Such Session"}
)

// kinds are the events, as often as each is to happen.
var kinds = []struct {
	do    string
	times int
	run   func(w *world, e event)
}{
	{"invite", 12, func(w *world, e event) { w.inviteSomebody(e, false) }},
	{"invite and cancel", 1, func(w *world, e event) { w.inviteSomebody(e, true) }},
	{"send", 14, func(w *world, e event) { w.sendSomething(e, sending{}) }},
	{"send and bye", 4, func(w *world, e event) { w.sendSomething(e, sending{bye: true}) }},
	{"send and reset", 2, func(w *world, e event) { w.sendSomething(e, sending{reset: true}) }},
	{"send part", 1, func(w *world, e event) { w.sendSomething(e, sending{part: true}) }},
	{"send without type", 1, func(w *world, e event) { w.sendSomething(e, sending{typeless: true}) }},
	{"send with report", 2, func(w *world, e event) { w.sendSomething(e, sending{report: true}) }},
	{"send again", 2, func(w *world, e event) { w.sendSomething(e, sending{again: true}) }},
	{"bye", 7, func(w *world, e event) { w.onCall(e, func(c *call) { c.op(func() { c.hangUp(false) }) }) }},
	{"close", 1, func(w *world, e event) { w.onCall(e, func(c *call) { c.op(func() { c.conn.conn.Close() }) }) }},
	{"reset", 1, func(w *world, e event) { w.onCall(e, func(c *call) { c.op(func() { c.hangUp(true) }) }) }},

	{"open", 8, func(w *world, e event) { w.register(users[e.a%len(users)], true) }},
	{"closed", 4, func(w *world, e event) { w.register(users[e.a%len(users)], false) }},
	{"notify again", 1, func(w *world, e event) { w.notifyAgain(users[e.a%len(users)]) }},
	{"presence server restarts", 1, func(w *world, e event) { w.locked(func() { clear(w.subs) }) }},
	{"willing", 3, func(w *world, e event) { w.willing(users[e.a%len(users)]) }},
	{"refuses calls", 3, func(w *world, e event) { w.setPolicy(e, policy{invite: inviteStatuses[e.b%len(inviteStatuses)]}) }},
	{"refuses messages", 2, func(w *world, e event) { w.setPolicy(e, policy{send: sendStatuses[e.b%len(sendStatuses)]}) }},
	{"connects", 2, func(w *world, e event) { w.setPolicy(e, policy{active: true}) }},
	{"hangs up", 1, func(w *world, e event) { w.setPolicy(e, policy{hangUp: 1 + e.b%3, active: e.b%2 == 0}) }},
	{"cuts", 1, func(w *world, e event) { w.setPolicy(e, policy{hangUp: 1 + e.b%3, cut: true, active: e.b%2 == 0}) }},
	{"writes back", 2, func(w *world, e event) { w.setPolicy(e, policy{write: 1 + e.b%3, active: e.b%2 == 0}) }},
	{"is slow", 1, func(w *world, e event) { w.setPolicy(e, policy{slow: time.Duration(1+e.b%5) * 5 * time.Second}) }},

	{"kill ms", 2, func(w *world, e event) { w.killMS(w.ms[e.a%2]) }},
	{"start ms", 3, func(w *world, e event) { w.restartMS(w.ms[e.a%2]) }},
	{"kill as", 2, func(w *world, e event) { w.killAS() }},
	{"start as", 3, func(w *world, e event) { w.restartAS() }},
	{"control reset", 1, func(w *world, e event) { w.onMS(e, func(m *mediaServer) { m.host.Reset(isControl) }) }},
	{"sip reset", 1, func(w *world, e event) { w.onMS(e, func(m *mediaServer) { m.host.Reset(isSIP) }) }},
	{"msrp reset", 1, func(w *world, e event) { w.disturbed(); w.onMS(e, func(m *mediaServer) { m.host.Reset(isMSRP) }) }},
	{"stall", 1, func(w *world, e event) { w.stall(e) }},
	{"delay", 2, func(w *world, e event) { w.setDelay(e) }},
	{"loss", 1, func(w *world, e event) { w.lose(e) }},
	{"disk slow", 2, func(w *world, e event) { w.slowDisk(e) }},
	{"disk fails", 1, func(w *world, e event) { w.failDisk(e) }},
	{"disk works", 2, func(w *world, e event) {
		w.onMS(e, func(m *mediaServer) { m.s.Store().SetBeforeCommit(func() error { return nil }) })
	}},

	{"copy", 1, func(w *world, e event) { w.onMS(e, w.takeCopy) }},
	{"older copy", 1, func(w *world, e event) { w.olderCopy(w.ms[e.a%2]) }},
	{"set aside", 1, func(w *world, e event) { w.setAside(e) }},
	{"restore", 1, func(w *world, e event) { w.restoreAside(e) }},
	{"purge", 1, func(w *world, e event) { w.purge(e) }},
	{"move", 1, func(w *world, e event) { w.move(e) }},
	{"inventory", 1, func(w *world, e event) { w.onAS(func(s *as.Server) { s.AskInventories() }) }},
	{"rename", 1, func(w *world, e event) { w.rename(e) }},
	{"take out", 1, func(w *world, e event) { w.takeOut(e) }},

	{"wait", 5, func(w *world, e event) { time.Sleep(time.Duration(1+e.a%30) * time.Second) }},
	{"wait long", 3, func(w *world, e event) { time.Sleep(time.Duration(1+e.a%30) * time.Minute) }},
	{"wait for days", 1, func(w *world, e event) { time.Sleep(time.Duration(1+e.a%3) * 24 * time.Hour) }},
}

// randomEvents makes some.
func randomEvents(r *rand.Rand) []event {
	all := 0
	for _, k := range kinds {
		all += k.times
	}
	// A run has few kinds of trouble, so that each has its effect.
	off := map[string]bool{}
	for _, k := range kinds[9:] {
		off[k.do] = r.IntN(3) == 0
	}
	events := make([]event, 0, 50)
	for n := 6 + r.IntN(40); len(events) < n; {
		pick := r.IntN(all)
		for _, k := range kinds {
			if pick -= k.times; pick < 0 {
				if !off[k.do] {
					events = append(events, event{k.do, r.IntN(1000), r.IntN(1000), r.IntN(1000), r.IntN(len(gaps))})
				}
				break
			}
		}
	}
	return events
}

// happen has an event happen, and time go on until the next.
func (w *world) happen(e event) {
	w.log.Info("EVENT", "event", e.String())
	w.locked(func() { w.now, w.happened = e, time.Now() })
	for _, k := range kinds {
		if k.do == e.do {
			k.run(w, e)
		}
	}
	switch gap := gaps[e.gap]; {
	case gap == 0:
		synctest.Wait()
	case gap > 0:
		time.Sleep(gap)
	}
}

func (w *world) locked(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

func (w *world) inviteSomebody(e event, cancel bool) *call {
	pairs := [][2]string{{"alice", "bob"}, {"alice", "bob"}, {"carol", "bob"}, {"carol", "bob"}, {"bob", "alice"}, {"carol", "alice"}, {"bob", "carol"}}
	pair := pairs[e.a%len(pairs)] // most are for one recipient
	from, to := pair[0], pair[1]
	c := w.invite(from, to, e.c%4 == 0)
	if cancel {
		w.work.Go(func() {
			if e.c%2 == 0 {
				time.Sleep(time.Duration(e.c%200) * time.Millisecond)
			}
			c.d.cancel()
		})
	}
	return c
}

// onCall does something with a call that is not over, and reports whether there is one.
func (w *world) onCall(e event, do func(*call)) bool {
	w.mu.Lock()
	var open []*call
	for _, c := range w.calls {
		if !c.ended() {
			open = append(open, c)
		}
	}
	w.mu.Unlock()
	if len(open) == 0 {
		return false
	}
	do(open[e.a%len(open)])
	return true
}

func (w *world) sendSomething(e event, s sending) {
	s.count, s.size = 1+e.b%4, 1+e.c%40
	if e.b%10 == 0 {
		s.count = 30
	}
	if e.c%7 == 0 {
		s.size = chunkSize * (1 + e.c%11)
		s.count = min(s.count, 4)
	}
	if w.onCall(e, func(c *call) { c.op(func() { c.send(s) }) }) {
		return
	}
	c := w.inviteSomebody(e, false)
	c.op(func() { c.send(s) })
}

func (w *world) notifyAgain(user string) {
	w.mu.Lock()
	open := w.open[user]
	w.mu.Unlock()
	w.register(user, open)
}

func (w *world) willing(user string) {
	w.locked(func() {
		for key := range w.policies {
			if key == user || strings.HasPrefix(key, user+" ") {
				delete(w.policies, key)
			}
		}
	})
}

// setPolicy sets what a user's device does: with all calls, or with those of one sender.
func (w *world) setPolicy(e event, p policy) {
	key := users[e.a%len(users)]
	if e.c%2 == 0 {
		key += " " + users[e.c/2%len(users)]
		if p.invite != "" {
			p.invite = senderStatuses[e.b%len(senderStatuses)]
		}
	}
	if e.c%5 == 0 {
		p.active = true
	}
	w.locked(func() { w.policies[key] = &p })
}

func (w *world) onMS(e event, do func(*mediaServer)) {
	if m := w.ms[e.a%2]; m.s != nil {
		do(m)
	}
}

func (w *world) onAS(do func(*as.Server)) {
	if w.as.s != nil {
		do(w.as.s)
	}
}

func (w *world) restartMS(m *mediaServer) {
	if m.s == nil {
		if err := w.startMS(m); err != nil {
			w.fail("start of %s: %v", m.name, err)
		}
	}
}

func (w *world) restartAS() {
	if w.as.s == nil {
		if err := w.startAS(); err != nil {
			w.fail("start of the application server: %v", err)
		}
	}
}

func (w *world) stall(e event) {
	w.disturbed()
	hosts := []func(bool){w.outside.Stall}
	if w.as.s != nil {
		hosts = append(hosts, w.as.host.Stall)
	}
	for _, m := range w.ms {
		if m.s != nil {
			hosts = append(hosts, m.host.Stall)
		}
	}
	stall := hosts[e.a%len(hosts)]
	stall(true)
	time.AfterFunc(time.Duration(1+e.b%60)*time.Second, func() {
		stall(false)
		w.disturbed()
	})
}

func (w *world) setDelay(e event) {
	w.net.SetDelay(time.Duration(e.a%4*e.b%300) * time.Millisecond)
	w.disturbed()
}

func (w *world) lose(e event) {
	n := e.a % 5
	if n == 0 {
		w.net.SetLoss(nil)
		return
	}
	w.disturbed()
	w.net.SetLoss(func() bool { return w.chance(2 + n) })
	time.AfterFunc(time.Minute, func() {
		w.net.SetLoss(nil)
		w.disturbed()
	})
}

func (w *world) slowDisk(e event) {
	w.disturbed()
	takes := []time.Duration{10 * time.Millisecond, 300 * time.Millisecond, 3 * time.Second, 20 * time.Second, 40 * time.Second}[e.b%5]
	w.onMS(e, func(m *mediaServer) {
		m.s.Store().SetBeforeCommit(func() error { time.Sleep(takes); w.disturbed(); return nil })
	})
}

var errDisk = errors.New("sim: " + syscall.EIO.Error())

func (w *world) failDisk(e event) {
	w.disturbed()
	left := 1 + e.b%4
	w.onMS(e, func(m *mediaServer) {
		m.s.Store().SetBeforeCommit(func() error {
			if left--; left >= 0 { // one commit at a time
				w.disturbed()
				return errDisk
			}
			return nil
		})
	})
}

// messagesIn are the Message-IDs in a store, with those that are set aside.
func messagesIn(s *store.Store) map[string]bool {
	has := map[string]bool{}
	for _, user := range users {
		for _, m := range s.Messages(uriOf(user), "") {
			has[m.MessageID] = true
		}
	}
	for _, m := range s.Aside("") {
		has[m.MessageID] = true
	}
	return has
}

func (w *world) takeCopy(m *mediaServer) {
	file := w.snapshot(m.file)
	w.copies[m] = &oldCopy{file, time.Now(), messagesIn(m.s.Store())}
}

// olderCopy has a media server come back with an older copy of its store. What came since
// is lost, unless it was delivered, and what was delivered since comes again.
func (w *world) olderCopy(m *mediaServer) {
	old := w.copies[m]
	if old == nil {
		return
	}
	w.killMS(m)
	m.file = w.snapshot(old.file)
	w.locked(func() {
		for _, x := range w.messages {
			if old.has[x.id] {
				x.mayDouble = true
			}
			if !x.sent.Before(old.at) || !old.has[x.id] {
				x.mayLose = "an older copy"
			}
		}
	})
	w.restartMS(m)
}

// setAside sets messages aside, as damage does, or a device that refuses for long.
func (w *world) setAside(e event) {
	w.onMS(e, func(m *mediaServer) {
		kept := m.s.Store().Messages(uriOf(users[e.b%len(users)]), "")
		if len(kept) == 0 {
			return
		}
		if err := m.s.Store().SetAside(context.Background(), "sim", kept[0].ID); err != nil {
			w.log.Info("not set aside", "err", err)
		}
	})
}

// restoreAside puts back what is set aside.
func (w *world) restoreAside(e event) {
	w.onMS(e, func(m *mediaServer) {
		for _, kept := range m.s.Store().Aside("") {
			if err := m.s.Store().Restore(context.Background(), kept.ID); err != nil {
				w.log.Info("not restored", "err", err)
			}
		}
	})
}

// purge deletes what is kept for a user.
func (w *world) purge(e event) {
	w.onMS(e, func(m *mediaServer) {
		user := users[e.b%len(users)]
		mark := func() { // what is being stored may be gone, too
			w.locked(func() {
				for _, x := range w.messages {
					if x.to == user {
						x.mayLose = "a purge"
					}
				}
			})
		}
		mark()
		defer mark()
		if _, err := m.s.Store().Purge(context.Background(), store.Filter{Recipient: uriOf(user)}, nil); err != nil {
			w.log.Info("not purged", "err", err)
		}
	})
}

// move copies what one media server keeps to the other, where both run.
func (w *world) move(e event) {
	from, to := w.ms[e.a%2], w.ms[1-e.a%2]
	if from.s == nil || to.s == nil {
		return
	}
	mark := func() {
		has := messagesIn(from.s.Store())
		w.locked(func() {
			for _, x := range w.messages {
				x.mayDouble = x.mayDouble || has[x.id] || x.state == unknown || time.Since(x.sent) < time.Minute
			}
		})
	}
	mark()
	if err := w.moveMessages(from, to); err != nil {
		w.log.Info("not moved", "err", err)
	}
	mark() // what was sent meanwhile, too
}

// rename gives a media server another name, and its entries too, or not.
func (w *world) rename(e event) {
	i := e.a % 2
	old := w.as.list[i].Name
	w.as.list = append([]as.MediaServerConfig(nil), w.as.list...)
	w.as.list[i].Name = fmt.Sprintf("ms%d.%d", i+1, e.b)
	w.onAS(func(s *as.Server) {
		if err := s.SetMediaServers(w.as.list); err != nil {
			w.fail("rename: %v", err)
		}
		if e.c%2 == 0 {
			if _, err := s.RenameEntries(old, w.as.list[i].Name); err != nil {
				w.fail("rename of entries: %v", err)
			}
		}
	})
}

// takeOut takes a media server out of the list, for a while.
func (w *world) takeOut(e event) {
	list := w.as.list
	w.onAS(func(s *as.Server) {
		if err := s.SetMediaServers([]as.MediaServerConfig{list[e.a%2]}); err != nil {
			w.fail("take out: %v", err)
		}
		time.Sleep(time.Duration(e.b%20) * time.Second)
		if err := s.SetMediaServers(list); err != nil {
			w.fail("put back: %v", err)
		}
	})
}
