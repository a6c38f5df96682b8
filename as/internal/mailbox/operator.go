package mailbox

import "time"

// Outlook reports whether a recipient is reachable, and when the next push is due; the zero
// time if nothing is to be pushed. Known is false if the recipient has no messages.
func (ms *Mailboxes) Outlook(recipient string) (reachable bool, next time.Time, known bool) {
	m := ms.find(recipient)
	if m == nil {
		return false, time.Time{}, false
	}
	reachable, next = m.outlook()
	return reachable, next, true
}

// DeliverNow brings the next push of a recipient forward to now. It reports whether the
// recipient has messages, and whether the recipient is reachable; otherwise it does nothing.
func (ms *Mailboxes) DeliverNow(recipient string) (known, reachable bool) {
	m := ms.find(recipient)
	if m == nil {
		return false, false
	}
	return true, m.deliverNow()
}

// outlook reports whether the recipient is reachable, and when the next push is due;
// zero if nothing is to be pushed.
func (m *mailbox) outlook() (reachable bool, next time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.letters {
		if !l.wanted() || !m.open {
			continue
		}
		due := l.own.due
		if due.Before(m.user.due) {
			due = m.user.due
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return m.open, next
}

// deliverNow brings the next push forward to now. It reports false, and does
// nothing, if the recipient is not reachable: a call would come back to us.
func (m *mailbox) deliverNow() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.open {
		return false
	}
	m.user.begin(time.Now())
	for _, l := range m.letters { // as when the recipient has just come
		l.own.begin(time.Time{})
		m.on(l, letterEvent{kind: letterCame})
	}
	m.wakeUp()
	return true
}
