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
