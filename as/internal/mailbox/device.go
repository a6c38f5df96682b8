package mailbox

import "time"

// waitForDevice notes that a letter waits for another device, or for this one to
// register again, or has perhaps done so since the push began.
func (m *mailbox) waitForDevice(l *letter, news, comings uint64, began time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on(l, letterEvent{kind: letterRefused, news: news, comings: comings})
	if l.waits {
		l.refused, l.again = time.Now(), time.Time{}
		if !m.word.Before(began) {
			l.again = l.refused.Add(m.cfg.RetryMax)
		}
	}
}

// deviceTold has letters that wait for a device pushed again, as a device has perhaps
// registered. Such words count no more often than a failed push is tried again: one that
// comes sooner counts then, as no other need follow it. m.mu is held.
func (m *mailbox) deviceTold() {
	for _, l := range m.letters {
		if !l.refused.IsZero() {
			l.again = l.refused.Add(m.cfg.RetryMax)
		}
	}
	m.deviceDue(time.Now())
}

// deviceDue has letters pushed again whose time after a word of deviceTold has come, and
// tells how long the others wait; no longer than idle. m.mu is held.
func (m *mailbox) deviceDue(now time.Time) (wait time.Duration) {
	wait = idle
	for _, l := range m.letters {
		switch d := l.again.Sub(now); {
		case l.again.IsZero():
		case d > 0:
			wait = min(wait, d)
		default:
			m.deviceCame(l)
		}
	}
	return wait
}

// deviceCame has a letter pushed to what may be another device. m.mu is held.
func (m *mailbox) deviceCame(l *letter) {
	m.on(l, letterEvent{kind: letterCame})
	l.refused, l.again = time.Time{}, time.Time{}
}
