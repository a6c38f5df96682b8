package bench

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gomscp/gomscp/interop/internal/load"
)

const (
	// patience is how long an answer may take before the run fails.
	patience = 30 * time.Second
	// warmUp is how long a scenario runs before it counts.
	warmUp = time.Second
	// users is how many users call, and are called, in turn: what a server keeps of one
	// sender is bounded.
	users = 1000
	// endedCalls is how many calls have ended when the memory that they leave is read. They
	// go to few recipients, so that the memory of a recipient does not count.
	endedCalls      = 2000
	endedRecipients = 10
)

// A scenario is one kind of load.
type scenario struct {
	name string
	unit string // what one is: a message or a call
	run  func(ctx context.Context, s *system, d time.Duration) (Figure, error)
}

// scenarios are all, for messages of size bytes.
func scenarios(size int) []scenario {
	body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
	stream := func(senders, window int) scenario {
		return scenario{fmt.Sprintf("%d senders x %d in flight", senders, window), "message",
			func(ctx context.Context, s *system, d time.Duration) (Figure, error) {
				return s.streams(ctx, d, senders, window, body)
			}}
	}
	return []scenario{
		stream(64, 16), stream(64, 1), stream(1, 1),
		{"256 callers, each with one message", "call", func(ctx context.Context, s *system, d time.Duration) (Figure, error) {
			return s.calls(ctx, d, 256, body)
		}},
		{fmt.Sprintf("memory after %d calls", endedCalls), "call", func(ctx context.Context, s *system, _ time.Duration) (Figure, error) {
			return s.ended(ctx, endedCalls, body)
		}},
	}
}

// streams has that many calls send messages for a time, so many in flight in each.
func (s *system) streams(ctx context.Context, d time.Duration, senders, window int, body []byte) (Figure, error) {
	caller, err := s.caller()
	if err != nil {
		return Figure{}, err
	}
	defer caller.Close()
	calls := make([]*load.Call, senders)
	streams := make([]*load.Stream, senders)
	for i := range calls {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if calls[i], err = caller.Invite(ctx, fmt.Sprintf("u%d", i)); err != nil {
			return Figure{}, err
		}
		defer func() { _ = calls[i].Bye(ctx) }() // what was measured is measured
		if streams[i], err = calls[i].Stream(ctx, body, window); err != nil {
			return Figure{}, err
		}
	}
	m := s.begin(d)
	var sending sync.WaitGroup
	errs := make([]error, senders)
	for i, stream := range streams {
		sending.Go(func() {
			var took []time.Duration
			errs[i] = stream.Run(m.until, patience, func(at time.Time, one time.Duration) {
				if m.counts(at) {
					took = append(took, one)
				}
			})
			m.add(took)
		})
	}
	f, err := s.figure(ctx, m)
	sending.Wait()
	f.fill(m)
	return f, cmp.Or(append(errs, err)...) // the others are mostly alike
}

// calls has that many callers, each with a connection of its own, make one call after the
// other for a time, with one message in each.
func (s *system) calls(ctx context.Context, d time.Duration, callers int, body []byte) (Figure, error) {
	all := make([]*load.Caller, callers)
	for i := range all {
		var err error
		if all[i], err = s.caller(); err != nil {
			return Figure{}, err
		}
		defer all[i].Close()
	}
	m := s.begin(d)
	var calling sync.WaitGroup
	errs := make([]error, callers)
	for i, c := range all {
		calling.Go(func() {
			var took []time.Duration
			for n := i; time.Now().Before(m.until) && errs[i] == nil; n += callers {
				ctx, cancel := context.WithTimeout(ctx, patience)
				began := time.Now()
				_, errs[i] = c.Once(ctx, fmt.Sprintf("u%d", n%users), body)
				cancel()
				if now := time.Now(); m.counts(now) {
					took = append(took, now.Sub(began))
				}
			}
			m.add(took)
		})
	}
	f, err := s.figure(ctx, m)
	calling.Wait()
	f.fill(m)
	return f, cmp.Or(append(errs, err)...) // the others are mostly alike
}

// ended makes n calls, each with one message, and reads what they have left in memory.
func (s *system) ended(ctx context.Context, n int, body []byte) (Figure, error) {
	before, err := s.memory(ctx)
	if err != nil {
		return Figure{}, err
	}
	caller, err := s.caller()
	if err != nil {
		return Figure{}, err
	}
	defer caller.Close()
	if err := callMany(ctx, caller, n, body); err != nil {
		return Figure{}, err
	}
	after, err := s.memory(ctx)
	if err == nil {
		err = s.heapProfiles(ctx)
	}
	if err != nil {
		return Figure{}, err
	}
	f := Figure{Memory: map[string]float64{}}
	for name := range after {
		f.Memory[name] = (after[name] - before[name]) / float64(n)
	}
	return f, nil
}

// callMany makes n calls, some at a time.
func callMany(ctx context.Context, caller *load.Caller, n int, body []byte) error {
	const workers = 64
	var calling sync.WaitGroup
	errs := make([]error, workers)
	for i := range workers {
		calling.Go(func() {
			for call := i; call < n && errs[i] == nil; call += workers {
				ctx, cancel := context.WithTimeout(ctx, patience)
				_, errs[i] = caller.Once(ctx, fmt.Sprintf("u%d", call%endedRecipients), body)
				cancel()
			}
		})
	}
	calling.Wait()
	return cmp.Or(errs...)
}

// median is the figure with the median rate.
func median(rounds []Figure) Figure {
	slices.SortFunc(rounds, func(a, b Figure) int {
		switch {
		case a.Rate < b.Rate:
			return -1
		case a.Rate > b.Rate:
			return 1
		}
		return 0
	})
	return rounds[len(rounds)/2]
}
