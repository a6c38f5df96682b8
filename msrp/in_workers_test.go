package msrp

import (
	"context"
	"fmt"
	"runtime"
	"testing"
)

// TestWorkersStay runs more handlers at once than may wait for others: as many
// as may do, and are used again; Close ends them.
func TestWorkersStay(t *testing.T) {
	const n = idleWorkers + 10
	running, leave := make(chan struct{}, n), make(chan struct{})
	p := newPair(t, withHandler(func(context.Context, *Incoming) error {
		running <- struct{}{}
		<-leave
		return nil
	}), func(a, b *Config, _, _ *SessionConfig) { a.Window, b.MaxHandlers = n, n })
	w := p.l.workers
	for round := range 2 {
		sent := make(chan error, n)
		for range n {
			go func() {
				_, err := p.a.Send(testCtx(t), textMessage("x"))
				sent <- err
			}()
		}
		for range n {
			next(t, running)
		}
		if idle := w.idle.Load(); idle != 0 {
			t.Errorf("round %d: %d wait while there is more to do than they can", round, idle)
		}
		for range n {
			leave <- struct{}{}
		}
		for range n {
			if err := next(t, sent); err != nil {
				t.Fatal(err)
			}
		}
		for w.idle.Load() != idleWorkers {
			runtime.Gosched()
		}
	}
	p.l.Close()
	if idle := w.idle.Load(); idle != 0 {
		t.Errorf("%d wait after Close", idle)
	}
}

// TestWorkerGone has a handler end its goroutine: the session and the others
// do not mind.
func TestWorkerGone(t *testing.T) {
	p := newPair(t, withHandler(func(_ context.Context, m *Incoming) error {
		if m.MessageID == "gone" {
			runtime.Goexit()
		}
		return nil
	}))
	for i := range 3 {
		m := textMessage("x")
		m.MessageID, m.FailureReport = "gone", FailureNo
		if i > 0 {
			m.MessageID, m.FailureReport = fmt.Sprintf("m%d", i), FailureYes
		}
		if _, err := p.a.Send(testCtx(t), m); err != nil {
			t.Fatal(err)
		}
	}
}
