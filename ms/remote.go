package ms

import (
	"context"
	"sync"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// A remote is what a user agent has said in its last offer or answer: what it takes, whether
// it takes anything now, and which file it transfers. See RFC 4975, sections 8.6 and 8.9.
type remote struct {
	mu    sync.Mutex
	takes content.Accept
	file  *store.File   // nil if the session is for messages
	held  chan struct{} // closed when messages may be sent again; nil if they may
}

// hear notes an offer or answer.
func (r *remote) hear(theirs *msrp.Media) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takes, r.file = content.AcceptOf(theirs), content.KeptFile(theirs.File)
	switch flows := takesMessages(theirs.Direction); {
	case flows && r.held != nil:
		close(r.held)
		r.held = nil
	case !flows && r.held == nil:
		r.held = make(chan struct{})
	}
}

// takesMessages reports whether a user agent with that direction takes messages. See RFC
// 4975, section 8.9.
func takesMessages(d msrp.Direction) bool { return d != msrp.SendOnly && d != msrp.Inactive }

// accept is what the user agent takes.
func (r *remote) accept() content.Accept {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.takes
}

// takesReceipts reports whether the user agent takes notifications in CPIM now.
func (r *remote) takesReceipts() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held == nil && r.takes.Receipts()
}

// transferred is the file that the session is for; nil if it is for messages.
func (r *remote) transferred() *store.File {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file
}

// awaitFlow waits until the user agent takes messages.
func (r *remote) awaitFlow(ctx context.Context) error {
	for {
		r.mu.Lock()
		held := r.held
		r.mu.Unlock()
		if held == nil {
			return nil
		}
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
