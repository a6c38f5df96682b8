package ms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
	"github.com/gomscp/gomscp/store"
)

// tellFailed keeps a notification for the sender that a message was given up in the push on
// the named connection, if the message has asked for one, and notifies the AS. See RFC 5438,
// section 7.2.1.2.
func (ds *deliveries) tellFailed(ctx context.Context, m store.MessageInfo, connection string) error {
	asked, err := ds.askedOf(m)
	if err != nil || !asked.Asks(cpim.NegativeDelivery) {
		return err
	}
	out, err := notification(asked, time.Now(), cpim.KindDelivery, cpim.Failed)
	if errors.Is(err, cpim.ErrAnonymous) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	w, err := ds.store.Begin(ctx, store.Meta{
		Recipient: m.Sender, Sender: m.Recipient, ContentType: out.ContentType, Received: time.Now(),
	})
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, out.Body); err != nil {
		return err
	}
	if err := w.Commit().Wait(ctx); err != nil {
		return err
	}
	ds.notices.tellKept(store.Pair{Sender: m.Recipient, Recipient: m.Sender}, connection, "push", 0)
	return nil
}

// askedOf is which notifications the sender of a stored message has asked for.
func (ds *deliveries) askedOf(m store.MessageInfo) (*cpim.Request, error) {
	if !msrp.IsType(m.ContentType, msrp.TypeCPIM) {
		return nil, nil
	}
	body, err := ds.store.OpenBody(m.ID)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	begin, _, err := content.ReadPreview(m.ContentType, body)
	return begin.Asked, err
}
