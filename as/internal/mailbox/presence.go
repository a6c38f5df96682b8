package mailbox

import (
	"context"
	"time"

	"github.com/gomscp/gomscp/internal/wait"
)

// watch asks for word on the recipient, again and again until that works or ctx
// ends.
func (m *mailbox) watch(ctx context.Context) (stop func()) {
	retry := wait.Backoff{Min: m.cfg.RetryMin, Max: m.cfg.RetryMax}
	for ctx.Err() == nil {
		stop, err := m.cfg.Presence.Watch(ctx, m.recipient, m.told)
		if err == nil {
			return stop
		}
		m.log.Warn("the recipient's presence cannot be watched; trying again later", "err", err)
		retry.Wait(ctx.Done())
	}
	return nil
}

// told takes one word on whether the recipient is reachable. It is a level, not
// an edge: the same word comes again with every refresh. But where a call to the
// user has failed, a word that is no answer to us may mean another device, or that the
// user was away and back without our hearing of it: then the next attempt is brought
// forward, to no sooner than the least pause between attempts.
func (m *mailbox) told(reachable, news bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	soon := time.Now().Add(m.cfg.Delay)
	switch {
	case reachable && !m.open:
		m.log.Debug("recipient is reachable")
		m.user.begin(soon)
		for _, l := range m.letters {
			l.own.begin(time.Time{})
			m.deviceCame(l)
		}
	case reachable && news:
		m.word = time.Now()
		m.user.forward(soon)
		for _, l := range m.letters {
			l.own.forward(soon)
		}
		m.deviceTold()
	}
	m.open = reachable
	m.wakeUp()
}
