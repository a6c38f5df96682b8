package ms

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
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

// A withholding has the messages that one push leaves for another device, or another time.
type withholding struct {
	*deliveries
	dialog *dialog

	mu       sync.Mutex
	left     int        // messages that the user agent does not take
	list     []withheld // the first of them
	refusals int        // one after the other
}

// add withholds a message. The error is why the push must end, if it must.
func (h *withholding) add(m store.MessageInfo, why error, label string) error {
	h.metrics.withheld.WithLabelValues(label).Inc()
	h.dialog.log.Debug("message withheld", "to", m.Recipient, "from", m.Sender, "message", m.MessageID, "type", m.ContentType, "bytes", m.Size, "err", why)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left++
	if len(h.list) < maxWithheld {
		h.list = append(h.list, withheld{m, why, label == "refused"})
	}
	if label != "refused" {
		return nil
	}
	if h.refusals++; h.refusals == maxRefusals {
		return &deviceError{fmt.Errorf("it refuses one message after the other, the last with %w", why)}
	}
	return nil
}

// accepted ends a run of refusals.
func (h *withholding) accepted() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusals = 0
}

// A deviceError is why a push has left messages that another device of the recipient may
// take.
type deviceError struct{ why error }

func (e *deviceError) Error() string { return mscp.ReasonDevice + ": " + e.why.Error() }
func (e *deviceError) Unwrap() error { return e.why }

// settle notes since when messages are refused, sets aside those that have been refused for
// too long, and leaves the others. 413 may also mean that the user agent stops receiving
// because its user leaves or because it crashes (RFC 4975, section 10.5): if alive has an
// error, the user agent has not refused anything.
func (h *withholding) settle(ctx context.Context, alive func(context.Context) error) error {
	if len(h.list) == 0 {
		return nil
	}
	if i := firstRefused(h.list); i >= 0 {
		if err := alive(ctx); err != nil {
			return fmt.Errorf("message %s: %w, and then: %w", h.list[i].MessageID, h.list[i].why, err)
		}
	}
	var first error
	noted := map[string][]store.ID{} // by reason
	for _, w := range h.list {
		r, known := h.store.Refusal(w.ID)
		switch limit := h.cfg.Push.GiveUp; {
		case !known: // one device's refusal is not that of its user
			noted[w.why.Error()] = append(noted[w.why.Error()], w.ID)
		case limit > 0 && time.Since(r.First) >= limit:
			first = cmp.Or(first, h.giveUp(ctx, w))
		}
	}
	for reason, ids := range noted {
		if err := h.store.NoteRefusal(ctx, reason, ids...); err != nil {
			return cmp.Or(first, fmt.Errorf("refusals not noted: %w", err))
		}
	}
	if first == nil && h.left > 0 {
		first = &deviceError{fmt.Errorf("%d withheld, the first: %w", h.left, h.list[0].why)}
	}
	return first
}

func firstRefused(list []withheld) int {
	return slices.IndexFunc(list, func(w withheld) bool { return w.refused })
}

// giveUp sets a message aside for the operator, and notifies its sender if that was asked
// for.
func (h *withholding) giveUp(ctx context.Context, w withheld) error {
	if err := h.store.SetAside(ctx, w.why.Error(), w.ID); err != nil {
		return fmt.Errorf("message %s: refused for too long (%w), but not set aside: %w", w.MessageID, w.why, err)
	}
	h.left--
	h.metrics.givenUp.Inc()
	h.dialog.tally.aside.Add(1)
	h.dialog.log.Warn("message set aside: no device has taken it", "to", w.Recipient, "from", w.Sender,
		"message", w.MessageID, "type", w.ContentType, "bytes", w.Size, "err", w.why)
	if err := h.tellFailed(ctx, w.MessageInfo, h.dialog.id); err != nil {
		h.dialog.log.Warn("the sender is not told that a message was set aside", "to", w.Recipient, "from", w.Sender, "err", err)
	}
	return nil
}
