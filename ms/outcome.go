package ms

import (
	"context"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// A message that was handed to the store's committer is answered with its outcome, also when
// its session and its dialog have ended. Its context ends when the answer has waited for too
// long (msrp.Config.HandlerTimeout), or when the session was closed by force. Then it is
// withdrawn, and refused. If that is too late because it is being written, these limits bound
// the rest of the wait.
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

// commitInOrder commits messages in the order in which their session completed them, although
// their handlers run side by side. It returns the outcome, or errUnknown with what is still
// pending if the outcome is not known in time.
func commitInOrder(ctx context.Context, m *msrp.Incoming, w *store.Writer) (unknown *store.Pending, err error) {
	release, err := m.InOrder(ctx)
	if err != nil {
		w.Abort()
		return nil, err
	}
	pending := w.Commit()
	release()
	err = pending.Wait(ctx)
	if err == nil || ctx.Err() == nil {
		return nil, err
	}
	if pending.Withdraw() {
		return nil, errInTime
	}
	patience := lastWord
	if m.SuccessReport && m.Session.Err() == nil {
		patience = reportWait
	}
	wctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err = pending.Wait(wctx); wctx.Err() == nil {
		return nil, err
	}
	return pending, errUnknown
}
