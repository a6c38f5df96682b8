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
func (ss *storeSession) tellStored(session *msrp.Session, r *cpim.Request) {
	if !r.Asks(cpim.Processing) || !ss.conn.takesReceipts() {
		return
	}
	m, err := notification(r, time.Now(), cpim.KindProcessing, cpim.Stored)
	if err != nil {
		ss.log.Debug("no receipt for a stored message: its headers make none", "err", err)
		return
	}
	select {
	case ss.receipts <- struct{}{}:
	default:
		ss.s.metrics.receipts.WithLabelValues("dropped").Inc()
		return
	}
	ss.s.life.tasks.Go(func() {
		defer func() { <-ss.receipts }()
		ctx, cancel := context.WithTimeout(ss.s.life.ctx, receiptTimeout)
		defer cancel()
		if _, err := session.Send(ctx, m); err != nil {
			ss.s.metrics.receipts.WithLabelValues("failed").Inc()
			ss.log.Debug("receipt for a stored message not sent", "err", err)
			return
		}
		ss.s.metrics.receipts.WithLabelValues("sent").Inc()
	})
}
