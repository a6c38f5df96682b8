package sim

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A message is what its sender wants delivered.
type message struct {
	number   int
	from, to string
	id       string // Message-ID
	body     string
	call     *call
	sent     time.Time
	state    messageState
	code     int  // of the refusal
	partial  bool // never sent whole
	typeless bool // without a Content-Type
	report   bool // a success report is asked for, and is what confirms it

	delivered []time.Time
	turnedOff bool // a user agent did not take it once
	mayDouble bool // it was sent, or kept, twice
	mayCome   bool // it was sent again when nobody knew what had become of it
	mayLose   string
}

type messageState int

const (
	unknown messageState = iota // nobody has said what became of it
	confirmed
	refused
)

var stateNames = map[messageState]string{unknown: "not answered", confirmed: "confirmed", refused: "refused"}

func (m *message) String() string {
	return fmt.Sprintf("m%d from %s to %s, %d bytes, %s", m.number, m.from, m.to, len(m.body), stateNames[m.state])
}

// newMessage makes a message of about that many bytes. w.mu is held.
func (w *world) newMessage(from, to string, size int) *message {
	m := &message{number: len(w.messages), from: from, to: to}
	m.id = fmt.Sprintf("id%d.%d", m.number, time.Now().UnixNano()%1000)
	name := fmt.Sprintf("<m%d>", m.number)
	m.body = name + strings.Repeat("x", max(0, size-2*len(name)-1)) + "<end" + name[1:]
	w.messages = append(w.messages, m)
	return m
}

var bodyName = regexp.MustCompile(`^<m(\d+)>x*<endm(\d+)>$`)

// arrived takes a whole message that a user agent has got; taken says whether it is
// going to confirm it.
func (w *world) arrived(user, sender, id, body string, taken bool) *message {
	w.mu.Lock()
	defer w.mu.Unlock()
	parts := bodyName.FindStringSubmatch(body)
	if parts == nil || parts[1] != parts[2] {
		w.failLocked("%s got something that nobody sent, from %s: %.60q", user, sender, body)
		return nil
	}
	var n int
	fmt.Sscan(parts[1], &n)
	m := w.messages[n]
	switch {
	case m.body != body:
		w.failLocked("%v came with %d bytes", m, len(body))
	case m.to != user || m.from != sender:
		w.failLocked("%v came to %s in the name of %s", m, user, sender)
	case m.id != id:
		w.failLocked("%v came with another Message-ID: %s", m, id)
	case m.partial:
		w.failLocked("%v came, and was never sent whole", m)
	case m.state == refused && !m.mayCome:
		w.failLocked("%v came, and was refused with %d", m, m.code)
	case m.typeless:
		w.failLocked("%v came, and was sent without a Content-Type", m)
	}
	if !taken {
		m.turnedOff = true
		return m
	}
	w.log.Info("DELIVERED", "message", m.String())
	if n := len(m.delivered); n > 0 && !m.mayDouble && !w.excused(m.to, m.delivered[n-1]) {
		w.failLocked("%v was delivered twice, %v after the first time, and nothing had gone wrong", m, time.Since(m.delivered[0]))
	}
	m.delivered = append(m.delivered, time.Now())
	w.inOrder(m)
	return m
}

// excused reports whether something has gone wrong, since shortly before then, for which a
// message to that user may come again. w.mu is held.
func (w *world) excused(user string, then time.Time) bool {
	then = then.Add(-time.Minute)
	return w.disturb.After(then) || w.troubled[user].After(then)
}

// inOrder holds a message that has come for the first time against those that its sender
// sent behind it, on the same connection. w.mu is held.
func (w *world) inOrder(m *message) {
	if len(m.delivered) > 1 || m.call == nil || m.mayDouble || m.turnedOff || m.state != confirmed || m.call.mixed {
		return
	}
	for _, later := range m.call.sent {
		if later.number > m.number && later.state == confirmed && len(later.delivered) > 0 && !later.mayDouble && !later.turnedOff && !w.excused(m.to, m.sent) {
			w.failLocked("%v came after %v, which was sent behind it", m, later)
		}
	}
}

// answered takes the word on a message.
func (w *world) answered(m *message, code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case code == 200 && m.state == unknown:
		m.state = confirmed
		if m.partial {
			w.failLocked("%v was confirmed, and was never sent whole", m)
		}
		if m.typeless {
			w.failLocked("%v was confirmed, and has no Content-Type", m)
		}
	case code != 200 && m.state == confirmed && m.mayCome: // of the one that was sent before
	case code != 200 && m.state == confirmed:
		w.failLocked("%v was refused with %d after that", m, code)
	case code == 408: // nobody knows
	case code != 200:
		m.state, m.code = refused, code
		if len(m.delivered) > 0 && !m.mayCome {
			w.failLocked("%v was refused with %d, and had come", m, code)
		}
	}
	w.log.Info("ANSWERED", "message", m.String(), "code", code)
}

// waits lists the messages that were confirmed and have not come, but for those that are
// set aside with a reason, that an operator has deleted, or whose time is over.
func (w *world) waits() []*message {
	aside := map[string]bool{}
	for _, s := range w.ms {
		for _, m := range s.s.Store().Aside("") {
			if m.Reason != "" {
				aside[m.MessageID] = true
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var waits []*message
	for _, m := range w.messages {
		ttl := w.options.timeToLive
		if m.state == confirmed && len(m.delivered) == 0 && m.mayLose == "" && !aside[m.id] && (ttl == 0 || time.Since(m.sent) < ttl) {
			waits = append(waits, m)
		}
	}
	return waits
}

// kept is how many messages the stores have that are to be delivered.
func (w *world) kept() (n int) {
	for _, s := range w.ms {
		for _, r := range s.s.Store().Recipients() {
			n += r.Count
		}
	}
	return n
}
