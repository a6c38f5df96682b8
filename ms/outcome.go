package ms

import (
	"context"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// A message that was handed to the store's committer is answered with its outcome, also when
// its session and its dialog have ended. Its context ends when the answer has waited for too
// long (msrp.Config.HandlerTimeout), or when the session was closed by force. Then it is
// withdrawn, and refused. If that is too late because it is being written, lastWord
// and reportWait bound the rest of the wait.
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
