// Package budget counts the memory that is held for peers against a limit.
//
// Each of many limits may be kept, and the process be full all the same. So what is held
// for peers is taken from one [Budget], with parts for each source and for what must go
// on while others use up theirs.
package budget

import (
	"context"
	"sync"
	"sync/atomic"
)

// A Budget is an amount of bytes that may be held. Budgets may be parts of another one:
// what is taken from a part is taken from the whole. A nil *Budget has no limit. Its
// methods may be called from any goroutine.
type Budget struct {
	whole   *Budget
	limit   atomic.Int64
	used    atomic.Int64
	refused atomic.Int64

	waiting atomic.Int32 // calls of Wait, in the whole
	mu      sync.Mutex
	freed   chan struct{} // closed, and made anew, when something is given back while Wait waits
}

// New makes a budget of limit bytes that is a part of whole, or of nothing if that
// is nil.
func New(limit int64, whole *Budget) *Budget {
	b := &Budget{whole: whole, freed: make(chan struct{})}
	b.limit.Store(limit)
	return b
}

// SetLimit changes the limit. What is taken beyond a lower one stays taken.
func (b *Budget) SetLimit(limit int64) { b.limit.Store(limit) }

// Take takes n bytes from the budget and all that it is part of, and reports whether they
// were there; if not, nothing is taken.
func (b *Budget) Take(n int64) bool {
	for at := b; at != nil; at = at.whole {
		if at.used.Add(n) <= at.limit.Load() {
			continue
		}
		at.refused.Add(1)
		for undo := b; undo != at.whole; undo = undo.whole {
			undo.used.Add(-n)
		}
		return false
	}
	return true
}

// Add takes n bytes whether they are there or not, for what cannot be refused.
func (b *Budget) Add(n int64) {
	for at := b; at != nil; at = at.whole {
		at.used.Add(n)
	}
}

// Give gives n bytes back.
func (b *Budget) Give(n int64) {
	if b == nil || n == 0 {
		return
	}
	top := b
	for at := b; at != nil; at = at.whole {
		at.used.Add(-n)
		top = at
	}
	if top.waiting.Load() > 0 {
		top.mu.Lock()
		close(top.freed)
		top.freed = make(chan struct{})
		top.mu.Unlock()
	}
}

// Wait takes n bytes as Take does, as soon as they are there. The error is that of ctx.
func (b *Budget) Wait(ctx context.Context, n int64) error {
	if b.Take(n) {
		return nil
	}
	top := b
	for top.whole != nil {
		top = top.whole
	}
	top.waiting.Add(1)
	defer top.waiting.Add(-1)
	for {
		top.mu.Lock()
		freed := top.freed
		top.mu.Unlock()
		if b.Take(n) { // given back before we have looked at freed
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Used is how many bytes are taken now.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// Limit is how many bytes there are; 0 of a nil budget.
func (b *Budget) Limit() int64 {
	if b == nil {
		return 0
	}
	return b.limit.Load()
}

// Refused counts the calls of Take, and the rounds of Wait, that this budget, and not one
// of its parts, had not enough for.
func (b *Budget) Refused() int64 {
	if b == nil {
		return 0
	}
	return b.refused.Load()
}
