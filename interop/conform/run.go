package conform

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// DefaultTimeout bounds each wait for the peer.
const DefaultTimeout = 5 * time.Second

// Options are the settings of Run.
type Options struct {
	Timeout  time.Duration // for each wait for the peer; 0 means DefaultTimeout
	Strict   bool          // cases that are not strict count, too
	OnResult func(Result)  // if set, called after each case
}

// An Outcome is the result of a case.
type Outcome string

// The outcomes. A case is skipped if the peer lacks what it is about, such as a
// limit of which it says nothing.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// A Result is the result of a case.
type Result struct {
	Case
	Outcome  Outcome
	Detail   string    // the reason of a failed or skipped case
	Messages []Message // of a case that failed
	Wire     string    // the same as text, sent (>) and come (<)
	Duration time.Duration
}

// Counts reports whether the result makes the peer fail.
func (r Result) Counts(o Options) bool { return r.Outcome == Failed && (r.Strict || o.Strict) }

// ErrUnreachable means that the target could not be reached.
var ErrUnreachable = errors.New("cannot be reached")

// Run runs the cases one after the other. It ends early with an error if ctx ends, or if
// the peer cannot be reached in the first case or in two consecutive cases. In the second
// case the error wraps ErrUnreachable, and the results say nothing about conformance.
func Run(ctx context.Context, cases []Case, o Options) ([]Result, error) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	var results []Result
	missed := true // as if the peer had not been there before
	for _, c := range cases {
		if err := ctx.Err(); err != nil {
			return results, err
		}
		r, unreached := runCase(ctx, c, o)
		if unreached != nil && missed {
			return results, fmt.Errorf("the peer %w: %w", ErrUnreachable, unreached)
		}
		missed = unreached != nil
		results = append(results, r)
		if o.OnResult != nil {
			o.OnResult(r)
		}
	}
	return results, nil
}

// runCase runs one case. unreached says why the peer could not be reached, if it could not.
func runCase(ctx context.Context, c Case, o Options) (r Result, unreached error) {
	t := &T{ctx: ctx, timeout: o.Timeout, name: c.ID}
	t.wire.began = time.Now()
	began := time.Now()
	t.protect(func() { c.run(t) })
	for len(t.cleanups) > 0 {
		last := t.cleanups[len(t.cleanups)-1]
		t.cleanups = t.cleanups[:len(t.cleanups)-1]
		t.protect(last)
	}
	r = Result{Case: c, Outcome: Passed, Detail: strings.Join(t.notes, "\n"), Duration: time.Since(began)}
	switch {
	case t.failed:
		r.Outcome, r.Messages, r.Wire = Failed, t.wire.messages(), t.wire.String()
	case t.skipped:
		r.Outcome = Skipped
	}
	return r, t.unreached
}

// A T runs one case. It implements testing.TB, so that the scripted peers of other
// packages' tests can be used.
type T struct {
	testing.TB // nil: methods that are not below must not be called
	ctx        context.Context
	timeout    time.Duration
	name       string
	notes      []string
	cleanups   []func()
	failed     bool
	skipped    bool
	wire       wire
	sessions   int // MSRP URIs that were made
	unreached  error
}

// protect runs f in a goroutine of its own, which FailNow may end.
func (t *T) protect(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("the case itself has failed: %v\n%s", p, debug.Stack())
			}
		}()
		f()
	}()
	<-done
}

// Context returns a context that ends with the run. Like the other methods, it is part of
// testing.TB.
func (t *T) Context() context.Context { return t.ctx }

// Name returns the ID of the case.
func (t *T) Name() string { return t.name }

// Helper does nothing.
func (t *T) Helper() {}

// Cleanup adds a function that is called at the end of the case.
func (t *T) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

// Failed reports whether the case has failed.
func (t *T) Failed() bool { return t.failed }

// Fail marks the case as failed.
func (t *T) Fail() { t.failed = true }

// FailNow ends the case.
func (t *T) FailNow() { t.failed = true; runtime.Goexit() }

// Log adds a line to the detail of the result.
func (t *T) Log(args ...any) {
	t.notes = append(t.notes, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

// Logf adds a line to the detail of the result.
func (t *T) Logf(format string, args ...any) { t.notes = append(t.notes, fmt.Sprintf(format, args...)) }

// Error is Log and Fail.
func (t *T) Error(args ...any) { t.Log(args...); t.Fail() }

// Errorf is Logf and Fail.
func (t *T) Errorf(format string, args ...any) { t.Logf(format, args...); t.Fail() }

// Fatal is Log and FailNow.
func (t *T) Fatal(args ...any) { t.Log(args...); t.FailNow() }

// Fatalf is Logf and FailNow.
func (t *T) Fatalf(format string, args ...any) { t.Logf(format, args...); t.FailNow() }

// Skipf ends the case as skipped, because the peer does not support something.
func (t *T) Skipf(format string, args ...any) {
	t.Logf(format, args...)
	t.skipped = true
	runtime.Goexit()
}

// notSetUp ends the case, and the run, because the runner could not open its own sockets:
// that says nothing about the peer.
func (t *T) notSetUp(err error) {
	t.unreached = fmt.Errorf("the runner cannot set itself up: %w", err)
	t.Fatal(t.unreached)
}

// within returns a context for one wait.
func (t *T) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.ctx, t.timeout)
}
