package ms

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/sipua"
)

// AccessConfig has the peers whose SIP and MSCP is accepted: the application servers.
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

// An access lets the application servers in, and counts everyone else.
type access struct {
	log       *slog.Logger
	quiet     *quietlog.Log
	peers     atomic.Pointer[daemon.Peers] // the application servers
	strangers *prometheus.CounterVec       // by protocol
}

// isPeer reports whether SIP from there is an application server's.
func (a *access) isPeer(addr netip.Addr, names []string) bool { return a.peers.Load().Has(addr, names) }

// judge refuses the requests of strangers, and keeps nothing of them.
func (a *access) judge(req *sip.Request, _ sipua.Peer) *sip.Response {
	a.rejected("sip", req.Source())
	return sip.NewResponseFromRequest(req, 403, "Forbidden", nil)
}

// rejected counts a stranger, and logs the first.
func (a *access) rejected(protocol, source string) {
	a.strangers.WithLabelValues(protocol).Inc()
	a.quiet.Warn(a.log, "stranger rejected", protocol, "source", source)
}

// mayControl reports whether a connection may become the control channel of a dialog
// whose INVITE came from inviter: only the port ties the two together. So the connection
// must come from the same host, or from another application server.
func (a *access) mayControl(conn net.Conn, inviter netip.Addr) bool {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return false
	}
	from := tcp.AddrPort().Addr().Unmap()
	return from == inviter.Unmap() || a.peers.Load().HasAddr(from)
}
