package daemon

import (
	"fmt"
	"net/netip"
	"strings"
)

// Peers are a set of hosts, by their addresses and by the names in their verified TLS
// certificates. The zero value is empty. A Peers does not change.
type Peers struct {
	ranges []netip.Prefix
	names  []string
}

// ParsePeers reads a list of addresses (192.0.2.1), ranges of addresses in CIDR notation
// (192.0.2.0/24, 2001:db8::/32) and names in certificates (proxy.example.com, or the URI
// sip:example.com). An error has the invalid entry.
func ParsePeers(list []string) (Peers, error) {
	var p Peers
	for i, entry := range list {
		switch r, err := netip.ParsePrefix(entry); {
		case err == nil:
			if r != r.Masked() {
				return Peers{}, fmt.Errorf("entry %d: %q has bits set beyond its length; the range is %s", i+1, entry, r.Masked())
			}
			p.ranges = append(p.ranges, unmapRange(r))
			continue
		case strings.Contains(entry, "/"):
			return Peers{}, fmt.Errorf("entry %d: %q is no range of addresses like 192.0.2.0/24", i+1, entry)
		}
		if a, err := netip.ParseAddr(entry); err == nil {
			a = a.Unmap()
			p.ranges = append(p.ranges, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		if !isPeerName(entry) {
			return Peers{}, fmt.Errorf("entry %d: %q is no address, range of addresses or certificate name", i+1, entry)
		}
		p.names = append(p.names, strings.TrimSuffix(entry, "."))
	}
	return p, nil
}

// unmapRange is the range of IPv4 that a range of mapped addresses stands for.
func unmapRange(r netip.Prefix) netip.Prefix {
	if r.Addr().Is4In6() && r.Bits() >= 96 {
		return netip.PrefixFrom(r.Addr().Unmap(), r.Bits()-96)
	}
	return r
}

// isPeerName tells what can be a name in a certificate from a mistyped address.
func isPeerName(s string) bool {
	host := strings.TrimPrefix(strings.TrimPrefix(s, "sips:"), "sip:")
	host = host[strings.LastIndexByte(host, '@')+1:]
	if strings.ContainsAny(s, " \t,;<>\"") || strings.Contains(host, ":") {
		return false
	}
	last := host[strings.LastIndexByte(host, '.')+1:] // no top-level domain is a number
	return strings.Trim(last, "0123456789") != ""
}

// HasAddr reports whether an address is a peer's.
func (p Peers) HasAddr(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, r := range p.ranges {
		if r.Contains(a) {
			return true
		}
	}
	return false
}

// HasName reports whether one of the names in a certificate is a peer's. Letter case is
// ignored.
func (p Peers) HasName(proved []string) bool {
	for _, want := range p.names {
		for _, name := range proved {
			if strings.EqualFold(want, strings.TrimSuffix(name, ".")) {
				return true
			}
		}
	}
	return false
}

// Has reports whether a host with that address, or with one of those names in its
// certificate, is a peer.
func (p Peers) Has(a netip.Addr, proved []string) bool { return p.HasAddr(a) || p.HasName(proved) }

// Empty reports whether there is no peer.
func (p Peers) Empty() bool { return len(p.ranges)+len(p.names) == 0 }

// Named reports whether a peer is given by a name, which needs TLS.
func (p Peers) Named() bool { return len(p.names) > 0 }
