package mscp

import (
	"context"
	"sync"
)

// afterKey is where the ctx of a Handler has its *afters.
type afterKey struct{}

// afters are the functions that wait for one response, and the ctx of its request.
type afters struct {
	context.Context

	mu   sync.Mutex
	all  []func(sent bool)
	done bool
	sent bool // whether the response was
}

// AfterResponse calls f when the response to the request that ctx belongs to has
// been handed to the channel, so that a notification that f sends comes after
// it. It is for use in a Handler and the functions that it calls. If the response has
// gone out already, or ctx is any other, f is called at once.
func AfterResponse(ctx context.Context, f func()) {
	OnResponse(ctx, func(bool) { f() })
}

// OnResponse is AfterResponse, and f gets whether the response was sent: it was not
// if the channel ended first.
func OnResponse(ctx context.Context, f func(sent bool)) {
	sent := true
	if a, ok := ctx.Value(afterKey{}).(*afters); ok {
		var wait bool
		if wait, sent = a.add(f); wait {
			return
		}
	}
	f(sent)
}

func (a *afters) add(f func(bool)) (wait, sent bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.done {
		a.all = append(a.all, f)
	}
	return !a.done, a.sent
}

// run calls what has been added.
func (a *afters) run(sent bool) {
	a.mu.Lock()
	a.done, a.sent = true, sent
	all := a.all
	a.mu.Unlock()
	for _, f := range all {
		f(sent)
	}
}

// Value is the afters for its key.
func (a *afters) Value(key any) any {
	if key == (afterKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// forResponse is ctx with the functions that wait for one response.
func forResponse(ctx context.Context) (context.Context, *afters) {
	a := &afters{Context: ctx}
	return a, a
}
