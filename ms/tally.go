package ms

import (
	"sync"
	"sync/atomic"
)

// A tally counts what one session has done, for the line that the log has about it.
type tally struct {
	stored, storedBytes       atomic.Int64
	delivered, deliveredBytes atomic.Int64
	refused, aside            atomic.Int64

	mu  sync.Mutex
	err error
}

// fail notes why something of the session has failed. The first reason is kept.
func (t *tally) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

func (t *tally) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
