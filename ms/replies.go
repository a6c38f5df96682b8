package ms

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/msrp"
)

// replies follow what a user agent sends back in a push session: notifications
// of what it was sent (RFC 5438), and messages that its user writes there. They
// are kept for the sender of what was pushed, as from an absent user to another.
type replies struct {
	ambiguous atomic.Bool // the session carries messages of several senders: nobody knows whom a reply is for

	mu      sync.Mutex
	kept    int
	awaited int           // notifications of delivery that are still to come
	settled chan struct{} // closed when awaited comes to 0; nil if nobody waits
}

// expect counts one more notification to come, or with -1 that it will not.
func (r *replies) expect(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited = max(r.awaited+n, 0)
	if r.awaited == 0 && r.settled != nil {
		close(r.settled)
		r.settled = nil
	}
}

// wait waits until the notifications that were expected have come, but not for
// long: a user agent need not send any. See RFC 5438, section 7.2.
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

// A pushReceiver takes what comes back in a push session.
type pushReceiver struct{ *storeSession }

func (s *Server) newPushReceiver(conn *connection, log *slog.Logger) pushReceiver {
	return pushReceiver{s.newStoreSession(conn, log)}
}

var errNoReplies = &msrp.StatusError{Code: 403, Reason: "No Replies Are Taken Here"}

// receive keeps a reply for the sender of what was pushed.
func (r pushReceiver) receive(ctx context.Context, m *msrp.Incoming) error {
	if r.conn.isA(storeDialog) {
		return r.storeSession.receive(ctx, m) // of a caller that has left the offer to us
	}
	if msrp.IsType(m.ContentType, msrp.TypeComposing) {
		return r.drop(m)
	}
	if !r.s.cfg.Push.Replies || r.conn.replies.ambiguous.Load() {
		return errNoReplies
	}
	begin, err := r.keep(ctx, m, func(p content.Preview) bool { return r.forgetsReply(m, p) })
	if err != nil || begin.ContentType == "" {
		return err
	}
	r.conn.replies.count(1)
	if msrp.IsType(begin.ContentType, msrp.TypeIMDN) {
		r.conn.replies.expect(-1)
	}
	return nil
}

// forgetsReply reports whether what a user agent sends back is no letter: what is
// forgotten in a store session, and what asks for no report at all, as clients send
// what is for them alone. A disposition notification is for the sender.
func (r pushReceiver) forgetsReply(m *msrp.Incoming, p content.Preview) bool {
	silent := m.FailureReport == msrp.FailureNo && !m.SuccessReport && !msrp.IsType(p.ContentType, msrp.TypeIMDN)
	return msrp.IsType(p.ContentType, msrp.TypeComposing) || r.forgets(p) || silent && !r.s.cfg.KeepAutomatic
}

// end tells the AS of what was kept, when the session has ended.
func (r pushReceiver) end() {
	switch {
	case r.conn.isA(storeDialog): // an AS that let us make the offer
		r.tellKept("store")
	case r.conn.replies.count(0) > 0:
		r.tellKept("push")
	}
}
