package wait

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed, open := make(chan struct{}), make(chan struct{})
		close(closed)
		for _, tc := range []struct {
			end, other <-chan struct{}
			over       bool
		}{{nil, nil, true}, {open, nil, true}, {closed, nil, false}, {open, closed, false}, {open, open, true}} {
			began := time.Now()
			over := ForEither(time.Minute, tc.end, tc.other)
			if waited := time.Since(began) == time.Minute; over != tc.over || waited != over {
				t.Errorf("%+v: %v after %v", tc, over, time.Since(began))
			}
		}
		if For(time.Minute, closed) || !For(0, open) {
			t.Error("For is not ForEither with one channel")
		}
	})
}

// TestBackoff has failures in a row, a success, and another failure.
func TestBackoff(t *testing.T) {
	b := Backoff{Min: 30 * time.Millisecond, Max: 100 * time.Millisecond}
	for i, least := range []time.Duration{30, 60, 100, 100} {
		if d := b.Next(); d < least*time.Millisecond || d > least*time.Millisecond*4/3 {
			t.Errorf("wait %d is %v, want %v to a third more", i, d, least*time.Millisecond)
		}
	}
	b.Reset()
	if d := b.Next(); d < 30*time.Millisecond || d > 40*time.Millisecond {
		t.Errorf("after Reset it is %v", d)
	}
	ended := make(chan struct{})
	close(ended)
	if long := (Backoff{Min: time.Hour, Max: time.Hour}); long.Wait(ended) {
		t.Error("the end of the wait was not heard")
	}
	if short := (Backoff{Min: 1, Max: 1}); !short.Wait(nil) {
		t.Error("a wait that nothing ends was ended")
	}
}
