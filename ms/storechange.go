package ms

import (
	"sync"
	"time"

	"github.com/gomscp/gomscp/store"
)

// storeChanges are the pairs of which the AS must still be notified: an operator, the time or
// damage has changed which messages will be delivered.
type storeChanges struct {
	mu     sync.Mutex
	pairs  map[store.Pair]bool
	missed bool
	some   chan struct{} // of capacity 1
}

func newStoreChanges() *storeChanges {
	return &storeChanges{pairs: map[store.Pair]bool{}, some: make(chan struct{}, 1)}
}

// note adds a pair. It does not block.
func (c *storeChanges) note(recipient, sender string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := store.Pair{Sender: sender, Recipient: recipient}
	if len(c.pairs) >= maxStoreChanges && !c.pairs[p] {
		c.missed = true
		return
	}
	c.pairs[p] = true
	select {
	case c.some <- struct{}{}:
	default:
	}
}

// take takes up to n pairs, and reports whether others were missed.
func (c *storeChanges) take(n int) (list []store.Pair, missed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range c.pairs {
		if len(list) == n {
			break
		}
		list = append(list, p)
		delete(c.pairs, p)
	}
	missed, c.missed = c.missed, false
	return list, missed
}

// tell notifies the AS of the changes, from the start of the server to its end.
func (c *storeChanges) tell(n *notices) {
	for {
		select {
		case <-c.some:
		case <-n.life.ctx.Done():
			return
		}
		for pause := storeChangeDelay; ; pause = storeChangePause {
			select {
			case <-time.After(pause):
			case <-n.life.ctx.Done():
				return
			}
			list, missed := c.take(storeChangeBatch)
			if missed {
				n.log.Warn("the AS is not told of all changes in the store; its next inventory has them", "limit", maxStoreChanges)
			}
			if len(list) == 0 {
				break
			}
			for _, p := range list {
				n.tellKept(p, n.broughtBy(p), "store-change", 0)
			}
		}
	}
}
