package ms

import (
	"context"
	"sync"
	"time"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// A pushSession delivers what is kept for a pair to a user agent, when the AS sends SendMsg,
// and keeps what the user agent replies. The AS may send SendMsg several times.
type pushSession struct {
	intake
	pair    store.Pair // of the first SendMsg
	reply   *owner     // of what the user agent replies: the pair the other way round
	replies replies

	mu      sync.Mutex
	sending int // SendMsg under way
}

func newPushSession(sh *shared, d *dialog, p store.Pair) *pushSession {
	reply := &owner{Pair: store.Pair{Sender: p.Recipient, Recipient: p.Sender}}
	return &pushSession{intake: newIntake(sh, d), pair: p, reply: reply}
}

// send counts a SendMsg that begins, or with -1 one that has ended.
func (ps *pushSession) send(n int) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.sending += n
	ps.dialog.signal()
}

// idle reports whether no SendMsg is under way.
func (ps *pushSession) idle() bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.sending == 0
}

var errNoReplies = &msrp.StatusError{Code: 403, Reason: "No Replies Are Taken Here"}

// receive keeps a reply for the sender of the messages that are pushed.
func (ps *pushSession) receive(ctx context.Context, m *msrp.Incoming) error {
	if msrp.IsType(m.ContentType, msrp.TypeComposing) {
		return ps.drop(m)
	}
	if !ps.cfg.Push.Replies || ps.replies.ambiguous.Load() {
		return errNoReplies
	}
	begin, kept, err := ps.keep(ctx, m, ps.reply, func(p content.Preview) bool { return ps.forgetsReply(m, p) })
	if !kept {
		return err
	}
	ps.replies.count(1)
	if msrp.IsType(begin.ContentType, msrp.TypeIMDN) {
		ps.replies.expect(-1)
	}
	return nil
}

// forgetsReply reports whether a reply is forgotten: a message that is forgotten in a store
// session, and one that asks for no report at all, as clients send for themselves. A
// disposition notification is for the sender.
func (ps *pushSession) forgetsReply(m *msrp.Incoming, p content.Preview) bool {
	silent := m.FailureReport == msrp.FailureNo && !m.SuccessReport && !msrp.IsType(p.ContentType, msrp.TypeIMDN)
	return msrp.IsType(p.ContentType, msrp.TypeComposing) || ps.forgets(p) || silent && !ps.cfg.KeepAutomatic
}

// finish notifies the AS of the replies that were kept.
func (ps *pushSession) finish() {
	if ps.replies.count(0) > 0 {
		ps.notices.tellKept(ps.reply.Pair, ps.dialog.id, "push", ps.dialog.tally.storedBytes.Load())
	}
}

func (ps *pushSession) logEnd(began time.Time, err error) {
	logPushEnd(ps.dialog, ps.pair, true, began, err)
}

// An undecided receives the messages of a dialog that had no offer. They wait until the AS has
// decided what the dialog is for.
type undecided struct{ intake }

func (u *undecided) receive(ctx context.Context, m *msrp.Incoming) error {
	s := u.dialog.current()
	if s == nil {
		switch {
		case msrp.IsType(m.ContentType, msrp.TypeComposing):
			return u.drop(m)
		case !u.cfg.Push.Replies:
			return errNoReplies
		}
		if err := u.hold(ctx, u.dialog.decided); err != nil {
			return err
		}
		s = u.dialog.current()
	}
	return s.receive(ctx, m)
}
