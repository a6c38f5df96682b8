package as

import (
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// maxNoting bounds the entries that words of media servers have added at a time; more
// wait in their channels.
const maxNoting = 256

// notified takes an MSCP notification of a media server. Only ours sends one: MsgKept,
// with the number of messages that it keeps for the pair. It comes when a store session
// has ended (session "store"); with the first message of one that goes on ("open"); after
// a push session in which the recipient has sent something back, for the sender of what was
// pushed ("push"); and when an operator or the time has changed what is kept
// ("store-change"). A pair that we do not know is new to us: a caller goes on sending when
// we are killed, and an operator may import messages. What is of another application
// server is its own to push, unless we ask for all by inventories. What other media
// servers notify is ignored.
func (s *Server) notified(ms *control.MediaServer, e mscp.Element) {
	if inv, ok := e.(*mscp.Inventory); ok {
		s.inventoryTold(ms, inv)
		return
	}
	kept, ok := e.(*mscp.MsgKept)
	if !ok {
		return
	}
	if kept.Session == mscp.SessionOpen {
		ms.SetTells()
	}
	if kept.Bytes > 0 {
		s.balancer.Stored(ms.Name(), kept.Bytes)
	}
	report, ok := reportOf(kept)
	if !ok || s.setUpByAnother(report.Connection) && s.cfg.Inventory != inventoryAlways {
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
	if s.mailboxes.Report(p, report) || report.Kind == mailbox.KeptNone {
		return
	}
	// A new entry takes the disk, and the channel reads on only when this returns.
	select {
	case s.noting <- struct{}{}:
	case <-s.ctx.Done():
		return
	}
	started := s.tasks.Go(func() {
		defer func() { <-s.noting }()
		if err := s.mailboxes.Add(p, report); err != nil {
			s.log.Error("messages that a media server keeps are not noted", "recipient", recipient, "sender", sender, "ms", ms.Name(), "err", err)
		}
	})
	if !started {
		<-s.noting
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

// callID makes the Call-ID of a media server's leg, which tells which server, by
// its name, and which run of it has made it.
func (s *Server) callID() string { return rand.Text() + "-" + s.node() + "-" + s.run }

// node stands for the server's name in Call-IDs, which may not hold all that a
// name may.
func (s *Server) node() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.cfg.Name)) // it does not fail
	return fmt.Sprintf("as%08x", h.Sum32())
}

// setUpByAnother tells whether an application server of another name has made
// the leg that a connection-id names.
func (s *Server) setUpByAnother(connection string) bool {
	callID, _, _ := strings.Cut(connection, ";")
	f := strings.Split(callID, "-")
	return len(f) == 3 && strings.HasPrefix(f[1], "as") && f[1] != s.node()
}
