package ms

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
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

// isPeer reports whether SIP from there is an application server's.
func (s *Server) isPeer(addr netip.Addr, names []string) bool { return s.peers.Load().Has(addr, names) }

// judge refuses what strangers ask for. Nothing is kept of it.
func (s *Server) judge(req *sip.Request, _ sipua.Peer) *sip.Response {
	s.rejected("sip", req.Source())
	return sip.NewResponseFromRequest(req, 403, "Forbidden", nil)
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
