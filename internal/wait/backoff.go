package wait

import (
	"math/rand/v2"
	"time"
)

// A Backoff waits longer after each failure: twice as long each time, from Min up to Max,
// and up to a third more at random.
type Backoff struct {
	Min, Max time.Duration

	next time.Duration
}

// Reset has the next wait be Min again.
func (b *Backoff) Reset() { b.next = 0 }

// Next returns how long to wait now.
func (b *Backoff) Next() time.Duration {
	if b.next < b.Min {
		b.next = b.Min
	}
	d := b.next + rand.N(b.next/3+1)
	b.next = min(2*b.next, b.Max)
	return d
}

// Wait waits for that time, and reports whether it is over: false means that end was closed
// first.
func (b *Backoff) Wait(end <-chan struct{}) bool { return For(b.Next(), end) }
