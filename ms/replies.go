package ms

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// replies count what a user agent sends back in a push session: notifications about the
// pushed messages (RFC 5438), and messages that its user writes there. They are kept for the
// sender of the pushed messages.
type replies struct {
	ambiguous atomic.Bool // the session carries messages of several senders: it is unknown whose a reply is

	mu      sync.Mutex
	kept    int
	awaited int           // notifications of delivery that are still to come
	settled chan struct{} // closed when awaited is 0; nil if nobody waits
}

// expect counts one more notification to come, or with -1 one less.
func (r *replies) expect(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited = max(r.awaited+n, 0)
	if r.awaited == 0 && r.settled != nil {
		close(r.settled)
		r.settled = nil
	}
}

// wait waits for the expected notifications, within a limit: a user agent need not send any.
// See RFC 5438, section 7.2.
func (r *replies) wait(ctx context.Context, limit time.Duration) {
	r.mu.Lock()
	if r.awaited == 0 {
		r.mu.Unlock()
		return
	}
	settled := make(chan struct{})
	r.settled = settled
	r.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-settled:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (r *replies) count(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept += n
	return r.kept
}
