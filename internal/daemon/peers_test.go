package daemon

import (
	"net/netip"
	"strings"
	"testing"
)

func TestPeers(t *testing.T) {
	p, err := ParsePeers([]string{"192.0.2.0/24", "2001:db8::/32", "198.51.100.7", "::ffff:203.0.113.0/120", "Proxy.example.com", "sip:example.org"})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"192.0.2.255": true, "192.0.3.0": false, "::ffff:192.0.2.1": true, "2001:db8:1::": true, "2001:db9::": false,
		"198.51.100.7": true, "198.51.100.8": false, "203.0.113.9": true, "203.0.114.9": false,
	} {
		if got := p.Has(netip.MustParseAddr(addr), nil); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if p.HasAddr(netip.Addr{}) {
		t.Error("no address is a peer's")
	}
	for name, want := range map[string]bool{"proxy.example.com": true, "PROXY.example.com.": true, "sip:example.org": true, "example.org": false, "x.proxy.example.com": false} {
		if got := p.Has(netip.MustParseAddr("10.0.0.1"), []string{"other.example", name}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !(Peers{}).Empty() || p.Empty() || !p.Named() || (Peers{}).Has(netip.MustParseAddr("127.0.0.1"), []string{""}) {
		t.Error("nobody, or somebody, is a peer")
	}
}

func TestPeersThatAreNone(t *testing.T) {
	for _, entry := range []string{"192.0.2.1/24", "192.0.2.0/33", "192.0.2", "192.0.2.300", "300", "", "a b", "192.0.2.1:5060", "[::1]", "proxy.example.com:5061", "a,b"} {
		if _, err := ParsePeers([]string{"127.0.0.1", entry}); err == nil || !strings.Contains(err.Error(), "entry 2") {
			t.Errorf("%q: %v", entry, err)
		}
	}
}

func FuzzPeers(f *testing.F) {
	f.Add("192.0.2.0/24")
	f.Add("::ffff:1.2.3.4/100")
	f.Add("sip:a@b.example")
	f.Fuzz(func(t *testing.T, entry string) {
		p, err := ParsePeers([]string{entry})
		if err != nil {
			return
		}
		if p.Empty() {
			t.Errorf("%q is nobody", entry)
		}
		if a, err := netip.ParseAddr(entry); err == nil && !p.HasAddr(a) {
			t.Errorf("%q is not itself", entry)
		}
	})
}
