package sipua

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// A target is where requests go: an address and a transport.
type target struct {
	addr      string // host:port
	transport string // UDP, TCP or TLS
}

// CheckDestination returns an error if a destination is not valid; see InviteRequest.
func CheckDestination(s string) error {
	_, err := parseDestination(s)
	return err
}

// parseDestination reads "host:port", "host:port;transport=tls" or a SIP URI, which may
// also stand in angle brackets, as in a Route header.
func parseDestination(s string) (t target, err error) {
	bare, err := AddressURI(s)
	if err != nil {
		return target{}, err
	}
	if scheme, _, _ := strings.Cut(bare, ":"); !strings.EqualFold(scheme, "sip") && !strings.EqualFold(scheme, "sips") {
		bare = "sip:" + bare
	}
	if _, err := CanonicalURI(bare); err != nil {
		return target{}, fmt.Errorf("sipua: destination %q is not of the form host:port;transport=tcp: %w", s, err)
	}
	var uri sip.Uri
	if err := sip.ParseUri(bare, &uri); err != nil {
		return target{}, fmt.Errorf("sipua: destination %q is not of the form host:port;transport=tcp: %w", s, err)
	}
	switch t = uriTarget(&uri); t.transport {
	case "UDP", "TCP", "TLS":
		return t, nil
	}
	return target{}, fmt.Errorf("sipua: destination %q: the transport %q is none of udp, tcp, tls", s, strings.ToLower(t.transport))
}

// uriTarget returns the target of a URI.
func uriTarget(uri *sip.Uri) target {
	t := target{transport: "UDP"}
	if v, ok := uri.UriParams.Get("transport"); ok {
		t.transport = strings.ToUpper(v)
	}
	if strings.EqualFold(uri.Scheme, "sips") { // [RFC3261-26.2.2]
		t.transport = "TLS"
	}
	port := strconv.Itoa(uri.Port)
	if uri.Port == 0 {
		port = defaultPort(t.transport)
	}
	t.addr = net.JoinHostPort(strings.Trim(host(uri), "[]"), port)
	return t
}

// defaultPort is the port of a URI without a port. See RFC 3261, section 19.1.2.
func defaultPort(transport string) string {
	if transport == "TLS" {
		return "5061"
	}
	return "5060"
}

// host is the host of a URI, or its maddr parameter. See RFC 3263, section 4.
func host(uri *sip.Uri) string {
	if maddr, ok := uri.UriParams.Get("maddr"); ok && maddr != "" {
		return maddr
	}
	return uri.Host
}

// isAddress reports whether the host of a URI is an IP address.
func isAddress(uri *sip.Uri) bool {
	_, err := netip.ParseAddr(strings.Trim(host(uri), "[]"))
	return err == nil
}
