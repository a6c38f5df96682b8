package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxRecipients is how many users are called, in turn: the application server has a
// subscription for each, made by the first call.
const maxRecipients = 200

// callPatience is how long a call may take from INVITE to BYE before it has failed.
const callPatience = 10 * time.Second

// maxBacklog is how long after the last call has begun all must have ended. A rate
// that the servers do not keep up with leaves more behind.
const maxBacklog = time.Second

// A Result is what became of a run of calls at one rate.
type Result struct {
	Rate     float64 // calls per second
	Calls    int
	Failed   int
	Late     time.Duration // from the last call's beginning to the end of all
	Err      error         // of the first that has failed
	P50, P99 time.Duration // from INVITE to the 200
}

// Good tells whether less than one call in a thousand has failed, and the servers
// have kept up.
func (r Result) Good() bool { return r.Failed*1000 < r.Calls && r.Late < maxBacklog }

func (r Result) String() string {
	s := fmt.Sprintf("%.0f/s: %d calls, %d failed, all done %v after the last, set-up p50 %v p99 %v", r.Rate, r.Calls, r.Failed, r.Late.Round(time.Millisecond),
		r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond))
	if r.Err != nil {
		s += fmt.Sprintf(" (%v)", r.Err)
	}
	return s
}

// Run makes calls at a rate for some time, each with one message unless body is nil,
// and waits for their ends.
func (c *Caller) Run(ctx context.Context, rate float64, d time.Duration, body []byte) Result {
	n := int(rate * d.Seconds())
	r := Result{Rate: rate, Calls: n}
	var mu sync.Mutex
	setUps := make([]time.Duration, 0, n)
	began := time.Now()
	var calls sync.WaitGroup
	for i := range n {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if wait := time.Until(due); wait > time.Millisecond { // several at a time, at high rates
			time.Sleep(wait)
		}
		calls.Go(func() {
			setUp, err := c.Once(ctx, fmt.Sprintf("u%d", i%maxRecipients), body)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				r.Failed++
				if r.Err == nil {
					r.Err = err
				}
				return
			}
			setUps = append(setUps, setUp)
		})
	}
	last := time.Now()
	calls.Wait()
	r.Late = max(time.Since(last), time.Since(began)-d) // or the caller itself has not kept up
	if len(setUps) > 0 {
		slices.Sort(setUps)
		r.P50, r.P99 = setUps[len(setUps)/2], setUps[len(setUps)*99/100]
	}
	return r
}

// Once makes one call, with a message unless body is nil, and returns how long its set-up
// has taken.
func (c *Caller) Once(ctx context.Context, user string, body []byte) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	began := time.Now()
	call, err := c.Invite(ctx, user)
	if err != nil {
		return 0, err
	}
	setUp := time.Since(began)
	if body != nil {
		err = call.Send(ctx, body)
	}
	if byeErr := call.Bye(ctx); err == nil {
		err = byeErr
	}
	return setUp, err
}

// Highest searches for the highest good rate, between low and high, by doubling and
// then halving the interval to within a tenth. tell gets each run's result.
func (c *Caller) Highest(ctx context.Context, low, high float64, d time.Duration, body []byte, tell func(Result)) Result {
	var best Result
	try := func(rate float64) bool {
		r := c.Run(ctx, rate, d, body)
		if !r.Good() { // a moment of somebody else's work is not the servers' limit
			tell(r)
			r = c.Run(ctx, rate, d, body)
		}
		tell(r)
		if r.Good() {
			best = r
		}
		return r.Good()
	}
	rate := low
	for rate <= high && try(rate) {
		low, rate = rate, 2*rate
	}
	for top := min(rate, high); top > 1.1*low && ctx.Err() == nil; {
		if middle := (low + top) / 2; try(middle) {
			low = middle
		} else {
			top = middle
		}
	}
	return best
}
