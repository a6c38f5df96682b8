package presence

import (
	"context"
	"sync"
	"time"
)

// A pace has things begin at no more than a rate a second, beyond a burst of as
// many.
type pace struct {
	rate int

	mu   sync.Mutex
	next time.Time // when the next one is due
}

// wait waits for its turn; false if ctx ends first.
func (p *pace) wait(ctx context.Context) bool {
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	due := p.next.Add(-time.Second) // the burst
	p.next = p.next.Add(time.Second / time.Duration(p.rate))
	p.mu.Unlock()
	if !due.After(now) {
		return ctx.Err() == nil
	}
	t := time.NewTimer(due.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
