package budget

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
)

func TestParts(t *testing.T) {
	whole := New(100, nil)
	a, b := New(60, whole), New(60, whole)
	for i, step := range []struct {
		b     *Budget
		n     int64
		taken bool
	}{
		{a, 60, true}, {a, 1, false}, {b, 40, true}, {b, 1, false}, {a, -10, true}, {b, 10, true}, {whole, 1, false},
	} {
		if step.n < 0 {
			step.b.Give(-step.n)
			continue
		}
		if got := step.b.Take(step.n); got != step.taken {
			t.Fatalf("step %d: %v", i, got)
		}
	}
	if a.Used() != 50 || b.Used() != 50 || whole.Used() != 100 {
		t.Errorf("used %d, %d and %d, want 50, 50 and 100", a.Used(), b.Used(), whole.Used())
	}
	if a.Refused() != 1 || b.Refused() != 0 || whole.Refused() != 2 {
		t.Errorf("refused %d, %d and %d, want 1, 0 and 2", a.Refused(), b.Refused(), whole.Refused())
	}
	if a.Add(20); whole.Used() != 120 || whole.Take(1) {
		t.Errorf("used %d after Add", whole.Used())
	}
	var none *Budget
	none.Give(1)
	none.Add(1)
	if !none.Take(1) || none.Used() != 0 || none.Limit() != 0 || none.Wait(t.Context(), 1) != nil {
		t.Error("a nil budget has a limit")
	}
}

// TestAnyOrder takes and gives from many goroutines: never more than there is, and all is
// back in the end.
func TestAnyOrder(t *testing.T) {
	whole := New(1000, nil)
	parts := []*Budget{New(700, whole), New(700, whole), New(2000, whole)}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(g)))
			held := make([]int64, len(parts))
			for range 20_000 {
				i := rnd.IntN(len(parts))
				if n := rnd.Int64N(200) + 1; rnd.IntN(2) == 0 && parts[i].Take(n) {
					held[i] += n
				} else if held[i] > 0 {
					n = min(n, held[i])
					parts[i].Give(n)
					held[i] -= n
				}
			}
			for i, n := range held {
				parts[i].Give(n)
			}
		})
	}
	wg.Wait()
	for _, b := range append(parts, whole) {
		if b.Used() != 0 {
			t.Errorf("%d bytes are left", b.Used())
		}
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := New(10, nil)
		part := New(10, whole)
		other := New(10, whole)
		if !other.Take(8) {
			t.Fatal("not taken")
		}
		got := make(chan error, 2)
		go func() { got <- part.Wait(t.Context(), 5) }()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { got <- part.Wait(ctx, 9) }()
		synctest.Wait()
		other.Give(2)
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("taken from 4 bytes")
		}
		other.Give(1)
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if whole.Used() != 10 || part.Used() != 5 {
			t.Errorf("used %d of %d", part.Used(), whole.Used())
		}
	})
}

// TestMove moves a part with all that it has to another one, and what it takes and gives
// back from then on with it.
func TestMove(t *testing.T) {
	whole := New(100, nil)
	from, to := New(100, whole), New(50, whole)
	refused := 0
	to.OnRefused(func() { refused++ })
	part := New(100, from)
	if !part.Take(60) || part.Move(to) || refused != 1 {
		t.Fatalf("60 bytes were moved to 50; %d refusals", refused)
	}
	part.Give(20)
	other := New(60, whole)
	if !other.Take(60) { // the whole is full, and moving takes nothing from it
		t.Fatal("not taken")
	}
	if from.Used() != 40 || !part.Move(to) {
		t.Fatalf("not moved, %d bytes", from.Used())
	}
	if from.Used() != 0 || to.Used() != 40 || whole.Used() != 100 || part.Used() != 40 {
		t.Errorf("used %d, %d and %d after the move", from.Used(), to.Used(), whole.Used())
	}
	other.Give(60)
	if part.Take(20) || !part.Take(10) || to.Used() != 50 || refused != 2 {
		t.Errorf("used %d after it", to.Used())
	}
	part.Give(50)
	if from.Used() != 0 || to.Used() != 0 || whole.Used() != 0 {
		t.Errorf("%d, %d and %d bytes are left", from.Used(), to.Used(), whole.Used())
	}
}

// TestMoveMeanwhile moves a part to and fro while it is used.
func TestMoveMeanwhile(t *testing.T) {
	whole := New(1000, nil)
	a, b := New(600, whole), New(600, whole)
	part := New(1000, a)
	var users, mover sync.WaitGroup
	done := make(chan struct{})
	mover.Go(func() {
		for to := b; ; {
			part.Move(to)
			if to == b {
				to = a
			} else {
				to = b
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for range 4 {
		users.Go(func() {
			for i := range 5_000 {
				if n := int64(i%100 + 1); part.Take(n) {
					part.Give(n)
				}
			}
		})
	}
	users.Wait()
	close(done)
	mover.Wait()
	if part.Used() != 0 || a.Used() != 0 || b.Used() != 0 || whole.Used() != 0 {
		t.Errorf("%d, %d, %d and %d bytes are left", part.Used(), a.Used(), b.Used(), whole.Used())
	}
}

// TestTakeSpare leaves half of each budget, and counts no refusal.
func TestTakeSpare(t *testing.T) {
	whole := New(100, nil)
	whole.OnRefused(func() { t.Error("a refusal was told") })
	a, b := New(60, whole), New(90, whole)
	for i, step := range []struct {
		b     *Budget
		n     int64
		taken bool
	}{{a, 31, false}, {a, 30, true}, {a, 1, false}, {b, 21, false}, {b, 20, true}, {b, 1, false}, {whole, 1, false}} {
		if got := step.b.TakeSpare(step.n); got != step.taken {
			t.Errorf("step %d: %v", i, got)
		}
	}
	if a.Used() != 30 || b.Used() != 20 || whole.Used() != 50 || a.Refused()+b.Refused()+whole.Refused() != 0 {
		t.Errorf("used %d, %d and %d", a.Used(), b.Used(), whole.Used())
	}
	if !a.Take(30) || a.Used() != 60 {
		t.Errorf("what is needed was refused with %d used", a.Used())
	}
	var none *Budget
	if !none.TakeSpare(1) {
		t.Error("no budget has a limit")
	}
}
