package ms

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/ms/internal/otr"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// An intake keeps the messages that arrive in a session.
type intake struct {
	*shared
	dialog   *dialog
	budget   *msrp.Budget // that messages are taken from; nil: their sender's
	receipts receipts
}

func newIntake(sh *shared, d *dialog) intake {
	return intake{shared: sh, dialog: d, receipts: newReceipts(sh, d)}
}

// forgets reports whether a message is answered and forgotten: a sign of composing, or an
// OTR handshake.
func (in *intake) forgets(p content.Preview) bool {
	return !in.cfg.KeepNotifications && msrp.IsType(p.ContentType, msrp.TypeComposing) ||
		!in.cfg.KeepAutomatic && content.IsText(p.ContentType) && otr.IsHandshake(p.Text)
}

// keep stores a message for its owner, unless forgets has it forgotten. It returns when the
// message is on disk, with how the message begins, and whether it is kept.
func (in *intake) keep(ctx context.Context, m *msrp.Incoming, o *owner, forgets func(content.Preview) bool) (begin content.Preview, kept bool, err error) {
	if !content.HasType(m.ContentType) {
		in.metrics.refused.WithLabelValues("no_type").Inc()
		return content.Preview{}, false, content.ErrNoType // [RFC4975-7.1-2]
	}
	file := in.dialog.remote.transferred()
	begin, body, err := content.ReadPreview(content.TypeOf(store.MessageInfo{Meta: store.Meta{ContentType: m.ContentType, File: file}}), m)
	if err != nil {
		return content.Preview{}, false, in.refuse(err)
	}
	if err := o.speaker().Check(begin); err != nil {
		in.metrics.refused.WithLabelValues("speaker").Inc()
		in.noteRefused(err)
		return content.Preview{}, false, err
	}
	if forgets(begin) {
		return content.Preview{}, false, in.drop(body)
	}
	w, err := in.store.Begin(ctx, store.Meta{
		Recipient: o.Recipient, Sender: o.Sender, ConnectionID: in.dialog.id,
		MessageID: m.MessageID, ContentType: m.ContentType, SuccessReport: m.SuccessReport,
		SenderName: o.name, File: file, Received: time.Now(),
	})
	if err != nil {
		return content.Preview{}, false, in.refuse(err)
	}
	from, release := in.takeFrom(o)
	defer release()
	held := memory.NewWriter(w, from)
	defer held.Free()
	n, err := io.Copy(held, body)
	if err != nil {
		w.Abort()
		return content.Preview{}, false, in.refuse(err)
	}
	began := time.Now()
	if unknown, err := commitInOrder(ctx, m, w); err != nil {
		if unknown != nil {
			in.learn(m, unknown, o.Pair, held.Split())
		}
		return content.Preview{}, false, in.refuse(err)
	}
	in.metrics.commit.Observe(time.Since(began).Seconds())
	in.dialog.log.Debug("message stored", "to", o.Recipient, "from", o.Sender, "message", m.MessageID, "bytes", n)
	in.dialog.tally.stored.Add(1)
	in.dialog.tally.storedBytes.Add(n)
	in.receipts.tell(m.Session, begin.Asked)
	return begin, true, nil
}

// learn waits for the outcome of a message whose sender was told that it is not known: one
// that is kept may come again. What is held of it is kept until then. The wait ends with the
// store.
func (in *intake) learn(m *msrp.Incoming, pending *store.Pending, p store.Pair, held *memory.Writer) {
	in.life.late.Go(func() {
		defer held.Free()
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
	})
}

// takeFrom is what a message is taken from while it is received: the budget of the session
// or, for a reply, that of its sender.
func (in *intake) takeFrom(o *owner) (b *msrp.Budget, release func()) {
	if in.budget != nil {
		return in.budget, func() {}
	}
	return in.memory.Sender(o.Sender)
}

// drop reads a message and forgets it. Its sender gets 200, and expects no more.
func (in *intake) drop(body io.Reader) error {
	in.metrics.dropped.Inc()
	_, err := io.Copy(io.Discard, body)
	return err
}

// hold waits for known, which is closed when it is known whose messages arrive. Meanwhile
// nothing is read from the message, so the sender is held back by its own TCP connection and
// its window of unanswered chunks.
func (in *intake) hold(ctx context.Context, known <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, in.cfg.Hold)
	defer cancel()
	select {
	case <-known:
		return nil
	case <-ctx.Done():
	}
	in.noteRefused(errNotRestored)
	in.metrics.refused.WithLabelValues("not_restored").Inc()
	return &msrp.StatusError{Code: 403, Reason: "Not Ready For Messages"}
}

// noteRefused has the line about the session name the reason for a refused message.
func (in *intake) noteRefused(err error) {
	in.dialog.tally.refused.Add(1)
	in.dialog.tally.fail(err)
	in.dialog.log.Debug("message refused", "err", err)
}

// refuse turns the reason why a message was not kept into the response that
// its sender gets.
func (in *intake) refuse(err error) error {
	var status *msrp.StatusError
	if errors.As(err, &status) {
		if status == memory.ErrNoMemory {
			in.metrics.refused.WithLabelValues("memory").Inc()
			in.noteRefused(err)
		}
		if status.Code == 408 {
			in.metrics.refused.WithLabelValues("store").Inc()
			in.noteRefused(err)
		}
		return err
	}
	if errors.Is(err, msrp.ErrAborted) {
		return err
	}
	var limit *store.LimitError
	if errors.As(err, &limit) {
		in.metrics.refused.WithLabelValues(string(limit.Limit)).Inc()
		in.noteRefused(err)
		if limit.Limit == store.LimitBody {
			return &msrp.StatusError{Code: 413, Reason: "Message Too Large"}
		}
		return &msrp.StatusError{Code: 403, Reason: "Over The Limit For " + string(limit.Limit)}
	}
	in.metrics.refused.WithLabelValues("store").Inc()
	if errors.Is(err, context.Canceled) || errors.Is(err, msrp.ErrClosed) { // before it was handed to the committer
		in.noteRefused(err)
		return errInTime
	}
	if errors.Is(err, store.ErrUnknown) {
		in.dialog.log.Error("it is not known whether a message was stored", "err", err)
		return errUnknown
	}
	in.dialog.tally.refused.Add(1)
	in.dialog.log.Error("message not stored", "err", err)
	return &msrp.StatusError{Code: 403, Reason: "Cannot Store Message"}
}
