package daemon

import "sync"

// Tasks are the goroutines for which a server's Close waits. The zero value is valid.
type Tasks struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// Go runs f in a new goroutine. After Close it reports false and does not run f.
func (t *Tasks) Go(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.wg.Go(f)
	return true
}

// Do runs f like Go, but in the caller's goroutine.
func (t *Tasks) Do(f func()) bool {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return false
	}
	t.wg.Add(1)
	t.mu.Unlock()
	defer t.wg.Done()
	f()
	return true
}

// Close prevents further tasks. Call Wait to wait for the running ones.
func (t *Tasks) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

// Wait waits until every task has ended.
func (t *Tasks) Wait() { t.wg.Wait() }
