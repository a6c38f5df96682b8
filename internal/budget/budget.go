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
	move      sync.RWMutex // guards whole while the budget is used itself
	whole     *Budget
	onRefused func()

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

// OnRefused has f called whenever this budget, and not one of its parts, has not enough.
// It is called before the budget is used. f must be quick.
func (b *Budget) OnRefused(f func()) { b.onRefused = f }

// SetLimit changes the limit. What is taken beyond a lower one stays taken.
func (b *Budget) SetLimit(limit int64) { b.limit.Store(limit) }

// Take takes n bytes from the budget and all that it is part of, and reports whether they
// were there; if not, nothing is taken.
func (b *Budget) Take(n int64) bool {
	if b == nil {
		return true
	}
	b.move.RLock()
	defer b.move.RUnlock()
	return b.take(n, nil)
}

// take takes n bytes from the budget and what it is part of, below top.
func (b *Budget) take(n int64, top *Budget) bool {
	for at := b; at != top; at = at.whole {
		if at.used.Add(n) <= at.limit.Load() {
			continue
		}
		at.refused.Add(1)
		for undo := b; undo != at.whole; undo = undo.whole {
			undo.used.Add(-n)
		}
		if at.onRefused != nil {
			at.onRefused()
		}
		return false
	}
	return true
}

// Move makes the budget a part of another one, which is itself a part of the same whole.
// It reports whether there was enough in it for all that is taken; if not, nothing
// changes. A budget that has parts cannot be moved.
func (b *Budget) Move(to *Budget) bool {
	b.move.Lock()
	defer b.move.Unlock()
	n, common := b.used.Load(), to
	for common != nil && !b.within(common) {
		common = common.whole
	}
	if !to.take(n, common) {
		return false
	}
	for at := b.whole; at != common; at = at.whole {
		at.used.Add(-n)
	}
	b.whole = to
	return true
}

// within reports whether the budget is a part of another one.
func (b *Budget) within(other *Budget) bool {
	for at := b.whole; at != nil; at = at.whole {
		if at == other {
			return true
		}
	}
	return false
}

// Add takes n bytes whether they are there or not, for what cannot be refused.
func (b *Budget) Add(n int64) {
	if b == nil {
		return
	}
	b.move.RLock()
	defer b.move.RUnlock()
	for at := b; at != nil; at = at.whole {
		at.used.Add(n)
	}
}

// Give gives n bytes back.
func (b *Budget) Give(n int64) {
	if b == nil || n == 0 {
		return
	}
	b.move.RLock()
	top := b
	for at := b; at != nil; at = at.whole {
		at.used.Add(-n)
		top = at
	}
	b.move.RUnlock()
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
	b.move.RLock()
	top := b
	for top.whole != nil {
		top = top.whole
	}
	b.move.RUnlock()
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
