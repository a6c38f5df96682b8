package sipua

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/admit"
)

// connect resolves the destination of a request. For TCP and TLS it makes sure that there
// is a connection, and returns the connection if it is new.
func (ua *agent) connect(ctx context.Context, req *sip.Request) (*stream, error) {
	transport := strings.ToUpper(req.Transport())
	if transport == "TLS" && ua.cfg.TLS == nil {
		return nil, ErrNoTLS
	}
	host, port, err := net.SplitHostPort(req.Destination())
	if err != nil {
		return nil, fmt.Errorf("sipua: destination %q: %w", req.Destination(), err)
	}
	ips, err := ua.lookup(ctx, host)
	if transport == "UDP" {
		if err == nil {
			req.SetDestination(net.JoinHostPort(ips[0].String(), port))
		}
		return nil, nil // sipgo looks for SRV records of a host without addresses
	}
	if err != nil {
		return nil, fmt.Errorf("sipua: %w", err)
	}
	// A request that is sent again, with credentials or as a CANCEL, has an
	// address as its destination, but the certificate is for the name.
	name := host
	if known := req.Laddr.Hostname; known != "" && len(ips) == 1 && ips[0].String() == host {
		name = known
	}
	req.Laddr.Hostname = name // sipgo ignores it without an address
	for _, ip := range ips {
		addr := net.JoinHostPort(ip.String(), port)
		if ua.connected(transport, addr, name) {
			req.SetDestination(addr)
			return nil, nil
		}
	}
	for _, ip := range ips {
		addr := net.JoinHostPort(ip.String(), port)
		var s *stream
		if s, err = ua.dial(ctx, transport, addr, name); err == nil {
			req.SetDestination(addr)
			return s, nil
		}
	}
	return nil, err
}

// lookup resolves a host to addresses of the family of our own sockets.
func (ua *agent) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	network := "ip"
	if own, err := netip.ParseAddr(ua.host); err == nil && !own.IsUnspecified() {
		network = "ip6"
		if own.Is4() {
			network = "ip4"
		}
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	if err == nil && len(ips) == 0 {
		err = fmt.Errorf("%s has no address", host)
	}
	return ips, err
}

// connected reports whether a request for the host of that name may use an existing
// connection to addr. Over TLS, the certificate of the other end must contain the name.
func (ua *agent) connected(transport, addr, name string) bool {
	c, err := ua.sipgo.TransportLayer().GetConnection(transport, addr)
	if err != nil || c == nil {
		return false
	}
	defer func() { _, _ = c.TryClose() }() // gives the reference back
	if transport != "TLS" {
		return true
	}
	ua.mu.Lock()
	s := ua.secured[addr]
	ua.mu.Unlock()
	return s != nil && s.verified != nil && namesHost(s.verified, name) == nil
}

// dial connects to addr, and gives the connection to sipgo.
func (ua *agent) dial(ctx context.Context, transport, addr, name string) (*stream, error) {
	dialing, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	conn, err := ua.cfg.Network.DialContext(dialing, "tcp", addr)
	if err != nil {
		return nil, err
	}
	var s *stream
	to := ua.dialed
	if transport == "TLS" {
		to = ua.secure.dialed
		if s, err = ua.dialTLS(ctx, conn, name); err != nil {
			return nil, err
		}
		ua.know(s)
	} else {
		s = ua.stream(conn, "TCP")
	}
	if s.place, err = ua.gate.Enter(admit.AddrOf(conn.RemoteAddr()), true, nil); err != nil {
		s.Close()
		return nil, fmt.Errorf("sipua: %w", err)
	}
	if err := to.handOver(s); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// know keeps the verified certificate of a TLS connection until the connection ends.
func (ua *agent) know(s *stream) {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	ua.secured[s.RemoteAddr().String()] = s
}

func (ua *agent) unknow(s *stream) {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	if addr := s.RemoteAddr().String(); ua.secured[addr] == s {
		delete(ua.secured, addr)
	}
}

// streamOf is the connection of a transaction, nil over UDP.
func streamOf(tx sip.ClientTransaction) *stream {
	c, ok := tx.(*sip.ClientTx)
	if !ok {
		return nil
	}
	conn, ok := c.Connection().(*sip.TCPConnection)
	if !ok {
		return nil
	}
	s, _ := conn.Conn.(*stream)
	return s
}

// dialTLS turns a connection into one over TLS to host.
func (ua *agent) dialTLS(ctx context.Context, conn net.Conn, host string) (*stream, error) {
	c := tls.Client(conn, ua.cfg.TLS.client(host))
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", host, err)
	}
	s := ua.stream(c, "TLS")
	s.secure, s.shaken = c, true
	s.verified = c.ConnectionState().PeerCertificates[0]
	return s, nil
}

// peerOf returns the sender of a request; see UA.Peer.
func (ua *agent) peerOf(req *sip.Request) Peer {
	p := Peer{Transport: strings.ToUpper(req.Transport())}
	addr, err := netip.ParseAddrPort(req.Source())
	if err == nil {
		p.Addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	}
	if p.Transport != "TLS" {
		return p
	}
	ua.mu.Lock()
	s := ua.secured[req.Source()]
	ua.mu.Unlock()
	if s != nil && s.verified != nil {
		p.Certificate, p.Names = s.verified, certificateNames(s.verified)
	}
	return p
}
