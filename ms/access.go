package ms

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/daemon"
)

// AccessConfig says whose SIP and MSCP is taken: the application servers'.
type AccessConfig struct {
	Peers []string `yaml:"peers"`
}

func (c AccessConfig) parse() (*daemon.Peers, error) {
	p, err := daemon.ParsePeers(c.Peers)
	if err == nil && p.Empty() {
		err = fmt.Errorf("empty; without an application server there is nothing to serve")
	}
	if err != nil {
		return nil, fmt.Errorf("access.peers: %w", err)
	}
	return &p, nil
}

// admit sees every SIP request before anything else does, and answers those of
// strangers: true means that there is nothing left to do.
func (s *Server) admit(req *sip.Request, tx sip.ServerTransaction) bool {
	select {
	case <-s.bound:
	case <-s.ctx.Done():
		return true
	}
	peer := s.ua.Peer(req)
	if s.peers.Load().Has(peer.Addr.Addr(), peer.Names) {
		return false
	}
	if tx != nil { // else it is the ACK of one that was rejected
		s.rejected("sip", req.Source())
		s.ua.RespondOnce(req, tx, sip.NewResponseFromRequest(req, 403, "Forbidden", nil))
	}
	return true
}

// rejected counts a stranger, and logs the first.
func (s *Server) rejected(protocol, source string) {
	s.metrics.rejected.WithLabelValues(protocol).Inc()
	s.quiet.Warn(s.log, "stranger rejected", protocol, "source", source)
}

// mayControl tells whether a connection may become the control channel of a dialog
// whose INVITE came from that address: nothing but the port ties the two together.
// It is from the same host, or another that belongs to the application servers.
func (s *Server) mayControl(conn net.Conn, inviter netip.Addr) bool {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	from := tcp.AddrPort().Addr().Unmap()
	return from == inviter.Unmap() || s.peers.Load().HasAddr(from)
}
