package mailbox

import (
	"context"
	"time"
)

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

// step pushes what can be pushed now, and tells how long to wait for more. It
// retires the mailbox if nothing is left in it.
func (m *mailbox) step(ctx context.Context) (wait time.Duration, retired bool) {
	m.mu.Lock()
	if len(m.letters) == 0 && len(m.writing) == 0 && m.claims.Load() == 0 {
		m.dead = true
		m.mu.Unlock()
		m.retire(m)
		return 0, true
	}
	overdue := m.overdue(time.Now())
	devices := m.deviceDue(time.Now())
	round, wait := m.round(time.Now())
	m.mu.Unlock()
	if overdue {
		m.sweep()
		return 0, false
	}
	if len(round) > 0 {
		m.pushAll(ctx, round)
		return 0, false
	}
	return min(wait, devices), false
}
