package sipua

import (
	"crypto/x509"
	"net"
	"net/netip"
	"strings"
)

// A Peer is the sender of a request.
type Peer struct {
	Transport string         // UDP, TCP or TLS
	Addr      netip.AddrPort // the source of the datagram or connection
	// Certificate is the peer's verified certificate; nil without one.
	Certificate *x509.Certificate
	// Names are those in Certificate: its DNS names, addresses and SIP URIs or, without
	// any of them, its common name. See RFC 5922, section 7.1.
	Names []string
}

// HasName reports whether the peer's certificate contains that name, in any letter case.
func (p Peer) HasName(name string) bool {
	for _, n := range p.Names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func certificateNames(c *x509.Certificate) []string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return names
}

// peerAt is the other end of a socket, without a certificate.
func peerAt(transport string, a net.Addr) Peer {
	p := Peer{Transport: transport}
	if addr, err := netip.ParseAddrPort(a.String()); err == nil {
		p.Addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	}
	return p
}
