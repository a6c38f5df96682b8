package msrp

import (
	"context"
	"sync"
	"time"
)

// messageContext is the context of one message's handler. Most handlers never
// look at theirs, so it becomes a real one only when it is asked for.
type messageContext struct {
	parent  context.Context
	session *Session

	mu        sync.Mutex
	real      context.Context // nil until needed
	stop      context.CancelFunc
	cancelled bool
}

func (c *messageContext) context() context.Context {
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

// cancel ends the context, and reports whether this call did.
func (c *messageContext) cancel() (ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancelled {
		return false
	}
	c.cancelled = true
	if c.stop != nil {
		c.stop()
	}
	return true
}

// Deadline, Done and Err are those of a context.Context.
func (c *messageContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }
func (c *messageContext) Done() <-chan struct{}       { return c.context().Done() }

// sessionKey is the key under which a handler's context holds its session.
type sessionKey struct{}

// Value is that of a context.Context.
func (c *messageContext) Value(key any) any {
	if _, ok := key.(sessionKey); ok {
		return c.session
	}
	return c.parent.Value(key)
}

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
