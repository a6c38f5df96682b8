package access

import "github.com/gomscp/gomscp/internal/budget"

// Parts of limits.memory: what is held for callers and recipients may take three quarters
// of it. The rest is for what the runtime adds, and for transactions.
const callCost = 18 << 10 // bytes that a live store session holds, measured; see mailbox.Cost, too

// minMemory is the least limits.memory: with less a server would refuse everything.
const minMemory = 32 << 20

// NewMemory is what calls and recipients are taken from; nil if limit is 0, which is in bytes.
func NewMemory(limit int64) *budget.Budget {
	if limit == 0 {
		return nil
	}
	return budget.New(heldOf(limit), nil)
}

// heldOf is how much of limits.memory may be held.
func heldOf(limit int64) int64 { return limit / 4 * 3 }
