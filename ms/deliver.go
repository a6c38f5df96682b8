package ms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// minRate is the slowest that a message's bytes may go to a user agent, in
// bytes per second, before the delivery counts as stuck.
const minRate = 8 << 10

// deliver sends everything kept for the pair, oldest first, each message after
// the one before it was confirmed and deleted. What arrives meanwhile is sent
// as well. On an error everything unconfirmed is still there.
func (s *Server) deliver(ctx context.Context, session *msrp.Session, p pair) error {
	for {
		messages := s.store.Messages(p.recipient, p.sender)
		if len(messages) == 0 {
			return nil
		}
		for _, m := range messages {
			if err := s.deliverOne(ctx, session, m); err != nil {
				return fmt.Errorf("message %s: %w", m.MessageID, err)
			}
		}
	}
}

// deliverOne streams one message from disk, waits until the user agent has
// confirmed all of it, and only then deletes it.
func (s *Server) deliverOne(ctx context.Context, session *msrp.Session, m store.MessageInfo) error {
	patience := s.cfg.Push.ConfirmTimeout + time.Duration(m.Size/minRate)*time.Second
	sctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := s.store.OpenBody(m.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil // purged meanwhile
	}
	if err != nil {
		return err
	}
	defer body.Close()
	receipt, err := session.Send(sctx, msrp.Message{
		MessageID: m.MessageID, ContentType: m.ContentType, Body: body, Size: m.Size,
		SuccessReport: m.SuccessReport,
	})
	if err == nil {
		err = receipt.Wait(sctx)
	}
	if err != nil {
		return err
	}
	if err := s.store.Delete(ctx, m.ID); err != nil {
		return fmt.Errorf("delivered, but not deleted: %w", err)
	}
	s.metrics.delivered.Inc()
	s.log.Info("message delivered", "to", m.Recipient, "from", m.Sender, "message", m.MessageID, "bytes", m.Size)
	return nil
}
