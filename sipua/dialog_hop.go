package sipua

import (
	"net"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// A hop is the neighbour of the first request of a dialog: the outbound proxy for a
// request of ours, the sender for a request of the peer. It gets the requests for a
// Contact that is not an IP address, because only a proxy can resolve the host of a GRUU,
// which is the user's domain. The zero hop is none.
type hop struct {
	proxy  target // where the neighbour accepts requests
	source target // the TCP connection on which the peer's request came, if any
}

// hopOf returns the hop of a request of the peer. The port is that of the top Via or,
// with rport, the source port, as for a response. See RFC 3261, section 18.2.2, and RFC
// 3581.
func hopOf(req *sip.Request) hop {
	transport := strings.ToUpper(req.Transport())
	host, _, err := net.SplitHostPort(req.Source())
	if err != nil {
		return hop{}
	}
	h := hop{}
	via := req.Via()
	switch {
	case transport == "UDP" && via.Params.Has("rport"):
		h.proxy = target{req.Source(), transport}
		return h
	case transport == "TCP":
		h.source = target{req.Source(), transport}
	case transport == "TLS": // the certificate is for the name
		host = strings.Trim(via.Host, "[]")
	}
	port := strconv.Itoa(via.Port)
	if via.Port == 0 {
		port = defaultPort(transport)
	}
	h.proxy = target{net.JoinHostPort(host, port), transport}
	return h
}

// next returns where a request to the hop goes. It reports false if there is no hop.
func (h hop) next(ua *agent) (target, bool) {
	if h.source.addr != "" && ua.connected(h.source.transport, h.source.addr, "") {
		return h.source, true
	}
	return h.proxy, h.proxy.addr != ""
}
