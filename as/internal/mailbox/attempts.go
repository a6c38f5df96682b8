package mailbox

import (
	"time"

	"github.com/gomscp/gomscp/internal/wait"
)

// attempts are when pushes are made: those to a user, or those of one sender's
// messages. After a failure the pauses grow; a word of presence that may mean another
// device brings the next attempt forward, unless the recipient's side has asked for a
// pause.
type attempts struct {
	retry   wait.Backoff
	due     time.Time // no attempt before
	failed  time.Time // when the last attempt did; zero after a success
	least   time.Time // no word brings the next attempt forward to before this
	failure string    // how the last attempt failed
}

func newAttempts(cfg Config) attempts {
	return attempts{retry: wait.Backoff{Min: cfg.RetryMin, Max: cfg.RetryMax}}
}

// fail notes a failure and sets the next attempt.
func (a *attempts) fail(now time.Time, f Fault) {
	pause := a.retry.Next()
	switch {
	case f.Never:
		pause = neverRetry
	case f.After > pause:
		pause = f.After
	}
	a.failed, a.due, a.failure = now, now.Add(pause), f.Err.Error()
	a.least = now.Add(max(a.retry.Min, f.After))
}

// forward brings the next attempt after a failure forward to soon.
func (a *attempts) forward(soon time.Time) {
	if a.failed.IsZero() {
		return
	}
	if soon.Before(a.least) {
		soon = a.least
	}
	if soon.Before(a.due) {
		a.due = soon
	}
}

// begin forgets the failures: the user was away and is back. The next attempt is due at
// that moment.
func (a *attempts) begin(due time.Time) {
	a.retry.Reset()
	a.due, a.failed, a.least, a.failure = due, time.Time{}, time.Time{}, ""
}

// neverRetry is how long a push that would fail in the same way waits if the user does
// not register anew: devices get new software without a word.
const neverRetry = time.Hour
