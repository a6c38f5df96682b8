package as

import (
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// notified takes an MSCP notification of a media server. Only ours sends one:
// MsgKept at the end of a session, with the number of messages that it keeps for
// the pair. None after a store session means that nobody need be called; some
// after a push session are what the recipient has sent back, for the sender of
// what was pushed; some after a store session that another run of ours has set up
// may be new to us, since a caller goes on sending when we are killed. What is of
// another application server is its own to push, unless we ask for all by
// inventories. While a session is open, its first message is told of. What other
// media servers notify is ignored.
func (s *Server) notified(ms *mediaServer, e mscp.Element) {
	if inv, ok := e.(*mscp.Inventory); ok {
		s.inventoryTold(ms, inv)
		return
	}
	o, ok := e.(*mscp.Other)
	if !ok || o.Space != mscp.ExtensionNamespace || o.Local != "MsgKept" {
		return
	}
	none, replies := o.Attrs["messages"] == "0", o.Attrs["session"] == "push"
	if o.Attrs["session"] == "open" {
		ms.tells.Store(true)
	}
	if n, err := strconv.ParseInt(o.Attrs["bytes"], 10, 64); err == nil && n > 0 {
		s.balancer.stored(ms.cfg.Name, n)
	}
	if s.setUpByAnother(o.Attrs["connection-id"]) && s.cfg.Inventory != inventoryAlways {
		return
	}
	if none && replies || !none && !replies && o.Attrs["session"] != "open" && s.setUpByUs(o.Attrs["connection-id"]) {
		return // the store session's own end says as much
	}
	underWay := o.Attrs["session"] == "open"
	sender, err := sipua.CanonicalURI(o.Attrs["from-uri"])
	if err != nil {
		return
	}
	recipient, err := sipua.CanonicalURI(o.Attrs["to-uri"])
	if err != nil {
		return
	}
	p := Pair{Recipient: recipient, Sender: sender, Server: ms.cfg.Name, Name: sipua.CleanName(o.Attrs["from-name"]), Since: time.Now()}
	// Not here: the channel reads on only when this returns, and changing an
	// entry takes the disk.
	s.tasks.Go(func() {
		if underWay {
			s.mailboxes.arrived(p)
			return
		}
		if none {
			s.mailboxes.nothingKept(p, o.Attrs["connection-id"])
			return
		}
		end, err := s.mailboxes.begin(p, o.Attrs["connection-id"])
		if err != nil {
			s.log.Error("messages that a media server keeps are not noted", "recipient", recipient, "sender", sender, "ms", ms.cfg.Name, "err", err)
			return
		}
		end()
	})
}

// callID makes the Call-ID of a media server's leg, which tells which server, by
// its name, and which run of it has made it.
func (s *Server) callID() string { return rand.Text() + "-" + s.node() + "-" + s.run }

// tells reports whether the named media server tells of the first message of a
// session.
func (s *Server) tells(name string) bool {
	ms := s.server(name)
	return ms != nil && ms.tells.Load()
}

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

// setUpByUs tells whether this run of the server has made the leg that a
// connection-id names.
func (s *Server) setUpByUs(connection string) bool {
	callID, _, _ := strings.Cut(connection, ";")
	return strings.HasSuffix(callID, "-"+s.run)
}
