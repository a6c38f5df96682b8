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

// pageSize is how many messages are looked up at a time.
const pageSize = 64

// deliver sends everything kept for the pair, oldest first, each message after
// the one before it was confirmed and deleted. What arrives meanwhile is sent
// as well. On an error everything unconfirmed is still there.
func (s *Server) deliver(ctx context.Context, c *connection, session *msrp.Session, p pair) error {
	var last store.ID
	for {
		messages := s.store.Page(p.recipient, p.sender, last, pageSize)
		if len(messages) == 0 {
			return nil
		}
		for _, m := range messages {
			if err := s.deliverOne(ctx, c, session, m); err != nil {
				return fmt.Errorf("message %s: %w", m.MessageID, err)
			}
			last = m.ID
		}
	}
}

// deliverOne streams one message from disk, waits until the user agent has
// confirmed all of it, and only then deletes it. One that the user agent will
// never take is set aside.
func (s *Server) deliverOne(ctx context.Context, c *connection, session *msrp.Session, m store.MessageInfo) error {
	err := s.sendStored(ctx, c, session, m)
	var status *msrp.StatusError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil // purged meanwhile
	case errors.As(err, &status) && refusedForGood(status):
		return s.setAside(ctx, m, status)
	case err != nil:
		s.metrics.undelivered.Inc()
		return err
	}
	if err := s.store.Delete(ctx, m.ID); err != nil {
		return fmt.Errorf("delivered, but not deleted: %w", err)
	}
	s.metrics.delivered.Inc()
	s.log.Info("message delivered", "to", m.Recipient, "from", m.Sender, "message", m.MessageID, "bytes", m.Size)
	return nil
}

// sendStored returns when the user agent has the whole message, and has said so
// in all the ways that the sender asked for.
func (s *Server) sendStored(ctx context.Context, c *connection, session *msrp.Session, m store.MessageInfo) error {
	patience := s.cfg.Push.ConfirmTimeout + time.Duration(m.Size/minRate)*time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := s.store.OpenBody(m.ID)
	if err != nil {
		return err
	}
	defer body.Close()
	message, err := s.envelope(c, m, body)
	if err != nil {
		return err
	}
	receipt, err := session.Send(ctx, message)
	if err != nil {
		return err
	}
	return receipt.Wait(ctx)
}

// refusedForGood tells whether the same message will be refused again, whenever
// it is sent: it is too large, or of a type that is not taken. See RFC 4975,
// section 10.
func refusedForGood(e *msrp.StatusError) bool { return e.Code == 413 || e.Code == 415 }

// setAside takes a message out of the way of those behind it, and keeps it for
// the operator.
func (s *Server) setAside(ctx context.Context, m store.MessageInfo, why *msrp.StatusError) error {
	if err := s.store.SetAside(ctx, why.Error(), m.ID); err != nil {
		return fmt.Errorf("refused for good (%w), but not set aside: %w", why, err)
	}
	s.log.Warn("message set aside: the user agent will not take it", "to", m.Recipient, "from", m.Sender,
		"message", m.MessageID, "type", m.ContentType, "bytes", m.Size, "err", why)
	return nil
}
