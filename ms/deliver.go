package ms

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
	"github.com/gomscp/gomscp/store"
)

// A delivery sends what is kept for one pair over one session, oldest first. One
// goroutine hands the messages out in order; a window of others send one each, and wait
// for its confirmation. Another deletes what was confirmed, in batches.
type delivery struct {
	*deliveries
	push    *pushSession
	session *msrp.Session
	pair    store.Pair

	next      chan store.MessageInfo // to a sender that has nothing under way
	queued    chan struct{}          // the one handed out last is on its way, or will never be
	confirmed chan store.MessageInfo

	reading atomic.Int64 // messages under way

	withheld withholding

	mu  sync.Mutex
	err error // why the delivery cannot go on
}

// deliver sends everything kept for the pair. What arrives meanwhile is sent as
// well. On an error everything unconfirmed is still there.
func (ds *deliveries) deliver(ctx context.Context, ps *pushSession, session *msrp.Session, p store.Pair) error {
	d := &delivery{
		deliveries: ds, push: ps, withheld: withholding{deliveries: ds, dialog: ps.dialog}, session: session, pair: p,
		next: make(chan store.MessageInfo), queued: make(chan struct{}), confirmed: make(chan store.MessageInfo, maxUndeleted),
	}
	var deleting sync.WaitGroup
	deleting.Go(func() { d.deleteConfirmed(context.WithoutCancel(ctx)) })
	var last store.ID
	for more := true; more; {
		ending := ds.ending(p) // looked up first: what one has stored until then is in a page
		more = d.sendPages(ctx, &last) || d.failure() == nil && awaitOver(ctx, ending)
	}
	close(d.confirmed)
	deleting.Wait()
	d.fail(d.withheld.settle(ctx, d.alive))
	ps.replies.wait(ctx, ds.cfg.Push.ReceiptWait)
	return d.failure()
}

// sendPages sends all messages behind last that are there, and returns when none is under
// way. It reports false if there were none, or after a failure. Messages that came while the
// last were under way are for the next call.
func (d *delivery) sendPages(ctx context.Context, last *store.ID) bool {
	messages := d.page(*last)
	if len(messages) == 0 {
		return false
	}
	var sending sync.WaitGroup
	for range min(d.cfg.Push.Window, len(messages)) {
		sending.Go(func() {
			for m := range d.next {
				d.deliverOne(ctx, m)
			}
		})
	}
	for ; len(messages) > 0 && d.failure() == nil; messages = d.page(*last) {
		for _, m := range messages {
			if !d.begin(ctx, m) {
				break
			}
			*last = m.ID
		}
	}
	close(d.next)
	sending.Wait()
	d.next = make(chan store.MessageInfo)
	return d.failure() == nil
}

func (d *delivery) page(last store.ID) []store.MessageInfo {
	d.notices.arrivals.Look(d.pair)
	return d.store.Page(d.pair.Recipient, d.pair.Sender, last, pageSize)
}

// begin has m sent when the window has room, and returns when the next message
// can follow. It reports whether the delivery can go on.
func (d *delivery) begin(ctx context.Context, m store.MessageInfo) bool {
	if err := d.push.dialog.remote.awaitFlow(ctx); err != nil { // the user agent holds the session
		d.fail(err)
		return false
	}
	select {
	case d.next <- m:
		<-d.queued
		return d.failure() == nil
	case <-ctx.Done():
		d.fail(ctx.Err())
		return false
	}
}

// deliverOne sends one message, and handles the user agent's answer. A message that it does
// not take does not stop those behind it.
func (d *delivery) deliverOne(ctx context.Context, m store.MessageInfo) {
	queued := sync.OnceFunc(func() { d.queued <- struct{}{} })
	defer queued() // if it fails before
	if d.failure() != nil {
		return
	}
	defer d.reading.Add(-1)
	release, err := d.memory.Body(ctx, m.Size, d.reading.Add(1) == 1)
	if err != nil {
		d.fail(err)
		return
	}
	defer release()
	err = d.send(context.WithoutCancel(ctx), m, queued) // the user agent's answer counts when the channel is gone, too
	var status *msrp.StatusError
	var unfit *content.Misfit
	switch {
	case err == nil:
		d.withheld.accepted()
		d.confirmed <- m
		return
	case errors.Is(err, store.ErrNotFound): // purged meanwhile
		return
	case errors.Is(err, store.ErrDamaged): // the store has set it aside
		d.metrics.undelivered.Inc()
		return
	case errors.As(err, &unfit):
		d.fail(d.withheld.add(m, unfit, unfit.Label))
		return
	case errors.As(err, &status) && aboutMessage(status):
		d.fail(d.withheld.add(m, status, "refused"))
		return
	default:
		d.metrics.undelivered.Inc()
	}
	d.fail(fmt.Errorf("message %s: %w", m.MessageID, err))
}

// send streams one message from disk. It returns when the user agent has the whole message,
// and has sent every confirmation that the sender asked for.
func (d *delivery) send(ctx context.Context, m store.MessageInfo, queued func()) error {
	patience := d.cfg.Push.ConfirmTimeout + time.Duration(m.Size/minRate)*time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := d.store.OpenBody(m.ID)
	if err != nil {
		return err
	}
	defer body.Close()
	begin, whole, err := content.ReadPreview(m.ContentType, body)
	if err != nil {
		return err
	}
	message, err := d.push.dialog.remote.accept().Envelope(m, begin, whole, d.cfg.Push.CPIM)
	if err != nil {
		return err
	}
	message.Queued = queued
	if begin.Asked.Asks(cpim.PositiveDelivery) && d.cfg.Push.Replies {
		d.push.replies.expect(1) // before the message is there
		defer func() {
			if err != nil {
				d.push.replies.expect(-1)
			}
		}()
	}
	receipt, err := d.session.Send(ctx, message)
	if err == nil {
		err = receipt.Wait(ctx)
	}
	return err
}

// deleteConfirmed deletes confirmed messages until the channel is closed. It goes on after a
// failure, so that no sender waits for ever, and few messages are sent twice.
func (d *delivery) deleteConfirmed(ctx context.Context) {
	var batch []store.MessageInfo
	for m := range d.confirmed {
		batch = append(batch[:0], m)
		for len(batch) < maxUndeleted && len(d.confirmed) > 0 {
			batch = append(batch, <-d.confirmed)
		}
		if err := d.delete(ctx, batch); err != nil {
			d.fail(fmt.Errorf("delivered, but not deleted: %w", err))
		}
	}
}

func (d *delivery) delete(ctx context.Context, batch []store.MessageInfo) error {
	ctx, cancel := context.WithTimeout(ctx, deleteTimeout)
	defer cancel()
	ids := make([]store.ID, len(batch))
	for i, m := range batch {
		ids[i] = m.ID
	}
	if err := d.store.Delete(ctx, ids...); err != nil {
		return err
	}
	d.metrics.delivered.Add(float64(len(batch)))
	d.push.dialog.tally.delivered.Add(int64(len(batch)))
	for _, m := range batch {
		d.push.dialog.tally.deliveredBytes.Add(m.Size)
		d.push.dialog.log.Debug("message delivered", "to", m.Recipient, "from", m.Sender, "message", m.MessageID, "bytes", m.Size)
	}
	return nil
}

// fail has no more messages begun, unless err is nil. Those under way go on: the user agent
// may have them already.
func (d *delivery) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
	}
}

func (d *delivery) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// alive has the user agent answer an empty SEND, with any response.
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
