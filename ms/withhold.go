package ms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

const (
	// maxRefusals bounds the messages that a user agent may refuse one after the
	// other before its push ends: it takes nothing now.
	maxRefusals = 32

	// maxWithheld bounds the messages of one push whose refusals are noted: the
	// others' turn comes when these are delivered or given up.
	maxWithheld = 1024
)

// A withheld message is one that this user agent does not take: it has refused it, or
// says that it does not take its like. Another device of the recipient may.
type withheld struct {
	store.MessageInfo
	why     error
	refused bool
}

// aboutMessage reports whether a response is about the message, and not about the
// session, or the moment: those behind it may be taken. See RFC 4975, section 10.
func aboutMessage(e *msrp.StatusError) bool {
	switch e.Code {
	case 408, 481, 506:
		return false
	}
	return e.Code >= 400
}

// withhold keeps a message for another device, or another time.
func (d *delivery) withhold(m store.MessageInfo, why error, label string) {
	d.metrics.withheld.WithLabelValues(label).Inc()
	d.push.dialog.log.Debug("message withheld", "to", m.Recipient, "from", m.Sender, "message", m.MessageID, "type", m.ContentType, "bytes", m.Size, "err", why)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left++
	if len(d.withheld) < maxWithheld {
		d.withheld = append(d.withheld, withheld{m, why, label == "refused"})
	}
	if label != "refused" {
		return
	}
	if d.refusals++; d.refusals == maxRefusals && d.err == nil {
		d.err = &deviceError{fmt.Errorf("it refuses one message after the other, the last with %w", why)}
	}
}

// A deviceError is why a push has left something that another device of the
// recipient may take.
type deviceError struct{ why error }

func (e *deviceError) Error() string { return mscp.ReasonDevice + ": " + e.why.Error() }
func (e *deviceError) Unwrap() error { return e.why }

// settleWithheld notes since when messages are refused, sets aside those that have
// been for too long, and leaves the others. 413 may also mean that the user agent
// gives up what it receives because its user leaves or because it dies (RFC 4975,
// section 10.5): so one that does not answer any more has not refused anything.
func (d *delivery) settleWithheld(ctx context.Context) {
	if len(d.withheld) == 0 {
		return
	}
	if i := firstRefused(d.withheld); i >= 0 {
		if err := d.alive(ctx); err != nil {
			d.fail(fmt.Errorf("message %s: %w, and then: %w", d.withheld[i].MessageID, d.withheld[i].why, err))
			return
		}
	}
	noted := map[string][]store.ID{} // by reason
	for _, w := range d.withheld {
		r, known := d.store.Refusal(w.ID)
		switch limit := d.cfg.Push.GiveUp; {
		case !known: // one device's word is not that of its user
			noted[w.why.Error()] = append(noted[w.why.Error()], w.ID)
		case limit > 0 && time.Since(r.First) >= limit:
			d.giveUp(ctx, w)
		}
	}
	for reason, ids := range noted {
		if err := d.store.NoteRefusal(ctx, reason, ids...); err != nil {
			d.fail(fmt.Errorf("refusals not noted: %w", err))
			return
		}
	}
	if d.left > 0 {
		d.fail(&deviceError{fmt.Errorf("%d withheld, the first: %w", d.left, d.withheld[0].why)})
	}
}

func firstRefused(list []withheld) int {
	for i, w := range list {
		if w.refused {
			return i
		}
	}
	return -1
}

// giveUp sets a message aside for the operator, and tells its sender if that was asked
// for.
func (d *delivery) giveUp(ctx context.Context, w withheld) {
	if err := d.store.SetAside(ctx, w.why.Error(), w.ID); err != nil {
		d.fail(fmt.Errorf("message %s: refused for too long (%w), but not set aside: %w", w.MessageID, w.why, err))
		return
	}
	d.left--
	d.metrics.givenUp.Inc()
	d.push.dialog.tally.aside.Add(1)
	d.push.dialog.log.Warn("message set aside: no device has taken it", "to", w.Recipient, "from", w.Sender,
		"message", w.MessageID, "type", w.ContentType, "bytes", w.Size, "err", w.why)
	if err := d.tellFailed(ctx, w.MessageInfo, d.push.dialog.id); err != nil {
		d.push.dialog.log.Warn("the sender is not told that a message was set aside", "to", w.Recipient, "from", w.Sender, "err", err)
	}
}

// alive has the user agent answer an empty SEND, whatever it says to it.
func (d *delivery) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Push.ConfirmTimeout)
	defer cancel()
	_, err := d.session.Send(ctx, msrp.Message{})
	var status *msrp.StatusError
	if errors.As(err, &status) && status.Code != 481 {
		return nil
	}
	return err
}
