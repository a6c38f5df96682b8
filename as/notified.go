package as

import (
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// notified takes an MSCP notification of a media server. Only ours sends one:
// MsgKept at the end of a store session, with the number of messages that it
// keeps for the pair. None means that nobody need be called. What other media
// servers notify is ignored.
func (s *Server) notified(ms *mediaServer, e mscp.Element) {
	o, ok := e.(*mscp.Other)
	if !ok || o.Space != mscp.ExtensionNamespace || o.Local != "MsgKept" || o.Attrs["messages"] != "0" {
		return
	}
	sender, err := sipua.CanonicalURI(o.Attrs["from-uri"])
	if err != nil {
		return
	}
	recipient, err := sipua.CanonicalURI(o.Attrs["to-uri"])
	if err != nil {
		return
	}
	// Not here: the channel reads on only when this returns, and forgetting an
	// entry takes the disk.
	s.tasks.Go(func() {
		s.mailboxes.nothingKept(Pair{Recipient: recipient, Sender: sender, Server: ms.cfg.Name}, o.Attrs["connection-id"])
	})
}
