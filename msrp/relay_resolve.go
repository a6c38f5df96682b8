package msrp

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// maxRelayTargets is how many places a relay's domain name is looked for at.
const maxRelayTargets = 8

// connectRelay connects to a relay. A domain name without a port may stand for
// several hosts: those of its SRV records, the best first. The certificate is
// that of the domain, whichever it is. See RFC 4976 and RFC 2782.
func connectRelay(ctx context.Context, cfg *Config, relay URI) (net.Conn, error) {
	err := error(nil)
	for _, to := range relayTargets(ctx, cfg.Resolver, relay) {
		var nc net.Conn
		if nc, err = connect(ctx, cfg, relay, to, nil); err == nil {
			return nc, nil
		}
	}
	return nil, err
}

// relayTargets gives at least one "host:port".
func relayTargets(ctx context.Context, r *net.Resolver, relay URI) []string {
	itself := []string{relay.address()}
	if _, err := netip.ParseAddr(relay.Host); err == nil || relay.Port != 0 {
		return itself
	}
	service := "msrp"
	if relay.Secure {
		service = "msrps"
	}
	_, records, err := r.LookupSRV(ctx, service, "tcp", relay.Host)
	if err != nil || len(records) == 0 {
		return itself
	}
	var all []string
	for _, s := range records[:min(len(records), maxRelayTargets)] {
		all = append(all, net.JoinHostPort(strings.TrimSuffix(s.Target, "."), strconv.Itoa(int(s.Port))))
	}
	return all
}
