// Package wait has the wait that ends early, and waits that grow after each failure.
package wait

import "time"

// For waits for d, and reports whether that time is over: false means that end was closed
// first. A nil channel is never closed.
func For(d time.Duration, end <-chan struct{}) bool { return ForEither(d, end, nil) }

// ForEither is For with two channels that end the wait.
func ForEither(d time.Duration, end, other <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-end:
		return false
	case <-other:
		return false
	}
}
