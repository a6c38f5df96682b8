package msrp

import (
	"context"
	"sync"
	"time"
)

// messageContext is the context of one message's handler. Most handlers never
// look at theirs, so it becomes a real one only when it is asked for.
type messageContext struct {
	parent context.Context

	mu        sync.Mutex
	real      context.Context // nil until needed
	stop      context.CancelFunc
	cancelled bool
}

func (c *messageContext) get() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real == nil {
		c.real, c.stop = context.WithCancel(c.parent)
		if c.cancelled {
			c.stop()
		}
	}
	return c.real
}

func (c *messageContext) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancelled = true
	if c.stop != nil {
		c.stop()
	}
}

// Deadline, Done, Err and Value are those of a context.Context.
func (c *messageContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }
func (c *messageContext) Done() <-chan struct{}       { return c.get().Done() }
func (c *messageContext) Value(key any) any           { return c.get().Value(key) }

func (c *messageContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.real != nil:
		return c.real.Err()
	case c.cancelled:
		return context.Canceled
	}
	return c.parent.Err()
}
