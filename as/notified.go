package as

import (
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// maxAdding bounds the entries that reports of media servers have added at a time; more
// wait in their channels.
const maxAdding = 256

// notified takes an MSCP notification of a media server. Only ours sends one: MsgKept,
// with the number of messages that it keeps for the pair. It comes when a store session
// has ended (session "store"); with the first message of one that goes on ("open"); after
// a push session in which the recipient has sent something back, for the sender of what was
// pushed ("push"); and when an operator or the time has changed what is kept
// ("store-change"). A pair that we do not know is new to us: a caller goes on sending when
// we are killed, and an operator may import messages. What is of another application
// server is its own to push, unless we ask for all by inventories. What other media
// servers notify is ignored.
func (r *reports) notified(ms *control.MediaServer, e mscp.Element) {
	if inv, ok := e.(*mscp.Inventory); ok {
		r.inventoryTold(ms, inv)
		return
	}
	kept, ok := e.(*mscp.MsgKept)
	if !ok {
		return
	}
	if kept.Session == mscp.SessionOpen {
		ms.SetTells()
	}
	report, ok := reportOf(kept)
	if !ok || r.legs.setUpByAnother(report.Connection) && r.cfg.Inventory != inventoryAlways {
		return
	}
	sender, err := sipua.CanonicalURI(kept.FromURI)
	if err != nil {
		return
	}
	recipient, err := sipua.CanonicalURI(kept.ToURI)
	if err != nil {
		return
	}
	p := mailbox.Pair{Recipient: recipient, Sender: sender, Server: ms.Name(), Name: sipua.CleanName(kept.FromName), Since: time.Now()}
	// A letter takes the reports in the order in which they come.
	if r.mailboxes.Report(p, report) || report.Kind == mailbox.KeptNone {
		return
	}
	// A new entry takes the disk, and the channel reads on only when this returns.
	select {
	case r.adding <- struct{}{}:
	case <-r.life.ctx.Done():
		return
	}
	started := r.life.tasks.Go(func() {
		defer func() { <-r.adding }()
		if err := r.mailboxes.Add(p, report); err != nil {
			r.log.Error("messages that a media server keeps are not noted", "recipient", recipient, "sender", sender, "ms", ms.Name(), "err", err)
		}
	})
	if !started {
		<-r.adding
	}
}

// reportOf is what a MsgKept means to the letter of its pair; ok is false if it means
// nothing.
func reportOf(kept *mscp.MsgKept) (r mailbox.Report, ok bool) {
	r = mailbox.Report{Kind: mailbox.Kept, Connection: kept.ConnectionID}
	none := kept.Messages == 0
	switch session := kept.Session; {
	case none && (session == mscp.SessionPush || session == mscp.SessionOpen):
		return r, false // delivered meanwhile
	case none:
		r.Kind = mailbox.KeptNone
	case session == mscp.SessionOpen:
		r.Kind = mailbox.Arrived
	}
	return r, true
}
