package ms

import (
	"context"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
)

const (
	// maxReceipts bounds the receipts on their way in one store session. What
	// is beyond it is not sent: a sender that stores faster than it reads.
	maxReceipts = 64

	// receiptTimeout bounds how long one may be on its way.
	receiptTimeout = 10 * time.Second
)

// notification is a notification of a message, in its recipient's name. See RFC 5438,
// section 8.1.
func notification(r *cpim.Request, now time.Time, k cpim.Kind, s cpim.Status) (msrp.Message, error) {
	m, err := r.Reply(k, s, now)
	if err != nil {
		return msrp.Message{}, err
	}
	body, err := m.Reader()
	if err != nil {
		return msrp.Message{}, err
	}
	return msrp.Message{ContentType: msrp.TypeCPIM, Body: body, Size: -1}, nil
}

// tellStored sends the sender of a message word that it is on disk, if it asked
// for that and takes such messages. Nobody waits for it, and a sender that has
// left does without: it had its 200.
func (in *intake) tellStored(session *msrp.Session, r *cpim.Request) {
	if !r.Asks(cpim.Processing) || !in.dialog.remote.takesReceipts() {
		return
	}
	m, err := notification(r, time.Now(), cpim.KindProcessing, cpim.Stored)
	if err != nil {
		in.dialog.log.Debug("no receipt for a stored message: its headers make none", "err", err)
		return
	}
	select {
	case in.receipts <- struct{}{}:
	default:
		in.metrics.receipts.WithLabelValues("dropped").Inc()
		return
	}
	in.life.tasks.Go(func() {
		defer func() { <-in.receipts }()
		ctx, cancel := context.WithTimeout(in.life.ctx, receiptTimeout)
		defer cancel()
		if _, err := session.Send(ctx, m); err != nil {
			in.metrics.receipts.WithLabelValues("failed").Inc()
			in.dialog.log.Debug("receipt for a stored message not sent", "err", err)
			return
		}
		in.metrics.receipts.WithLabelValues("sent").Inc()
	})
}
