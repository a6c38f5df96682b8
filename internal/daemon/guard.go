package daemon

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard refuses what a web page in the operator's browser asks for: the endpoint has
// no authentication, and a browser can reach a loopback address. Who asks under a
// name that is not ours may have had the name point here (DNS rebinding); who comes
// from another site says so in Origin or Sec-Fetch-Site. Programs send neither.
func guard(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkCaller(hosts, r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func checkCaller(hosts []string, r *http.Request) error {
	if !ownHost(hosts, r) {
		return fmt.Errorf("%q is no name of this server; admin_hosts lists those under which it may be asked", r.Host)
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "none", "same-origin":
	default:
		return fmt.Errorf("a request from another web site (Sec-Fetch-Site: %q)", site)
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || !strings.EqualFold(u.Host, r.Host) {
			return fmt.Errorf("a request from another web site (Origin: %q)", origin)
		}
	}
	return nil
}

// ownHost reports whether a request names this server: by the address that its
// connection has come to, a loopback address, localhost, or one of the names that
// are configured. The port may be another, as with a tunnel.
func ownHost(hosts []string, r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	for _, own := range hosts {
		if strings.EqualFold(host, strings.TrimSuffix(own, ".")) {
			return true
		}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return addr.IsLoopback() || local != nil && local.AddrPort().Addr().Unmap().WithZone("") == addr
}
