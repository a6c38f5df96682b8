package daemon

import "sync"

// Tasks are the goroutines of a server that its Close waits for. The zero value
// is ready.
type Tasks struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// Go runs f in a goroutine of its own. It reports false, and runs nothing, once
// the tasks are closed.
func (t *Tasks) Go(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.wg.Go(f)
	return true
}

// Do runs f as Go does, but in the caller's goroutine.
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

// Close lets no further task begin. Wait waits for those under way.
func (t *Tasks) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

// Wait waits until every task has ended.
func (t *Tasks) Wait() { t.wg.Wait() }
