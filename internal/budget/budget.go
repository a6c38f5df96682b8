// Package budget limits the memory that is held for peers.
//
// Separate limits for each connection do not bound the memory of the process. So all
// memory for peers is taken from one Budget. Parts of it bound each source, and reserve
// memory for deliveries.
package budget

import (
	"context"
	"sync"
	"sync/atomic"
)

// A Budget is a number of bytes that may be held. A budget may be a part of another one:
// bytes that are taken from the part are also taken from the whole. A nil *Budget has no
// limit. The methods are safe for concurrent use.
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

// New returns a budget of limit bytes that is a part of whole; nil means of no other
// budget.
func New(limit int64, whole *Budget) *Budget {
	b := &Budget{whole: whole, freed: make(chan struct{})}
	b.limit.Store(limit)
	return b
}

// OnRefused sets a function that is called whenever this budget, and not one of its
// parts, does not have enough bytes. Call OnRefused before the budget is used. f must be
// quick.
func (b *Budget) OnRefused(f func()) { b.onRefused = f }

// SetLimit changes the limit. Bytes in use beyond a lower limit stay in use.
func (b *Budget) SetLimit(limit int64) { b.limit.Store(limit) }

// Take takes n bytes from the budget and from all budgets of which it is a part. It
// reports whether all of them had enough; if not, nothing is taken.
func (b *Budget) Take(n int64) bool {
	if b == nil {
		return true
	}
	b.move.RLock()
	defer b.move.RUnlock()
	return b.take(n, nil)
}

// TakeSpare is Take for memory that is useful but not needed: it leaves half of the
// budget, and of each budget that it is a part of. A refusal is not counted.
func (b *Budget) TakeSpare(n int64) bool {
	if b == nil {
		return true
	}
	b.move.RLock()
	defer b.move.RUnlock()
	for at := b; at != nil; at = at.whole {
		if at.used.Add(n) <= at.limit.Load()/2 {
			continue
		}
		for undo := b; undo != at.whole; undo = undo.whole {
			undo.used.Add(-n)
		}
		return false
	}
	return true
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

// Move makes the budget a part of another one, which is a part of the same whole. It
// reports whether the other budget had enough bytes for those in use; if not, nothing
// changes. A budget with parts cannot be moved.
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

// Add takes n bytes, also beyond the limit. Use it for memory that cannot be refused.
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

// Wait takes n bytes like Take, as soon as they are available. The error is that of ctx.
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

// Used returns the number of bytes in use.
func (b *Budget) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// Limit returns the limit in bytes; 0 for a nil budget.
func (b *Budget) Limit() int64 {
	if b == nil {
		return 0
	}
	return b.limit.Load()
}

// Refused returns how often this budget, and not one of its parts, did not have enough
// bytes for Take or for a round of Wait.
func (b *Budget) Refused() int64 {
	if b == nil {
		return 0
	}
	return b.refused.Load()
}
