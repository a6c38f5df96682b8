package ms

import (
	"context"
	"time"

	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// A message that was handed to the store's committer is answered as it turns out,
// whatever becomes of its session and its dialog. Its context ends when the answer has
// waited for too long (msrp.Config.HandlerTimeout), or when the session was closed by
// force. Then it is withdrawn, and refused. If that is too late, since it is being
// written, these limits bound what is left.
const (
	// lastWord is how long the disk may then take. It ends before package msrp answers
	// in our place, and with it before the sender's 30 s. See RFC 4975, section 7.1.1.
	lastWord = 4 * time.Second

	// reportWait is the same for a message whose sender gets 200 meanwhile and a
	// report later, as it has asked for one.
	reportWait = time.Minute

	// finishTimeout bounds the end of a session: what was whole is answered by then.
	finishTimeout = 28 * time.Second
)

var (
	errInTime  = &msrp.StatusError{Code: 408, Reason: "Not Stored In Time"}
	errUnknown = &msrp.StatusError{Code: 408, Reason: "Not Known To Be Stored"}
)

// commitInOrder commits messages in the order in which their session completed
// them, though their handlers run side by side. p is whose message it is. What is held of
// one whose outcome nobody waits for any more is kept until it is known.
func (in *intake) commitInOrder(ctx context.Context, m *msrp.Incoming, w *store.Writer, p store.Pair, held *memory.Writer) error {
	release, err := m.InOrder(ctx)
	if err != nil {
		w.Abort()
		return err
	}
	pending := w.Commit()
	release()
	err = pending.Wait(ctx)
	if err == nil || ctx.Err() == nil {
		return err
	}
	if pending.Withdraw() {
		return errInTime
	}
	patience := lastWord
	if m.SuccessReport && m.Session.Err() == nil {
		patience = reportWait
	}
	wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err = pending.Wait(wctx); wctx.Err() == nil {
		return err
	}
	rest := held.Split()
	in.life.late.Go(func() {
		defer rest.Free()
		in.learn(m, pending, p)
	})
	return errUnknown
}

// learn waits for what has become of a message whose sender was told that it is not
// known: one that is kept may come again. It ends with the store.
func (in *intake) learn(m *msrp.Incoming, pending *store.Pending, p store.Pair) {
	outcome := "kept"
	err := pending.Wait(context.Background())
	if err != nil {
		outcome = "not_kept"
	}
	in.metrics.unknown.WithLabelValues(outcome).Inc()
	in.dialog.log.Warn("a message was answered with 408 before it was known whether it is kept", "message", m.MessageID,
		"from", p.Sender, "to", p.Recipient, "outcome", outcome, "err", err)
	if err != nil {
		return
	}
	select {
	case <-in.dialog.over:
		in.notices.tellKept(p, in.dialog.id, "store", 0)
	default:
		in.notices.tellArrived(p, in.dialog.id)
	}
}
