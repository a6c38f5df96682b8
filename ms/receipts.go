package ms

import (
	"context"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
)

// notification notifies about a message, in its recipient's name. See RFC 5438,
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

// receipts tell the sender in a session that its messages are stored.
type receipts struct {
	*shared
	dialog *dialog
	tokens chan struct{} // has one for each receipt on its way
}

func newReceipts(sh *shared, d *dialog) receipts {
	return receipts{shared: sh, dialog: d, tokens: make(chan struct{}, maxReceipts)}
}

// tell sends a receipt for a message that is on disk, if its sender has asked for one and
// takes such messages. It does not wait. A sender that has left gets none: it had its 200.
func (rs *receipts) tell(session *msrp.Session, r *cpim.Request) {
	if !r.Asks(cpim.Processing) || !rs.dialog.remote.takesReceipts() {
		return
	}
	m, err := notification(r, time.Now(), cpim.KindProcessing, cpim.Stored)
	if err != nil {
		rs.dialog.log.Debug("no receipt for a stored message: its headers do not allow one", "err", err)
		return
	}
	select {
	case rs.tokens <- struct{}{}:
	default:
		rs.metrics.receipts.WithLabelValues("dropped").Inc()
		return
	}
	rs.life.tasks.Go(func() {
		defer func() { <-rs.tokens }()
		ctx, cancel := context.WithTimeout(rs.life.ctx, receiptTimeout)
		defer cancel()
		if _, err := session.Send(ctx, m); err != nil {
			rs.metrics.receipts.WithLabelValues("failed").Inc()
			rs.dialog.log.Debug("receipt for a stored message not sent", "err", err)
			return
		}
		rs.metrics.receipts.WithLabelValues("sent").Inc()
	})
}
