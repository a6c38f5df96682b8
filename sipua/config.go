package sipua

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config describes a user agent. Addr is needed.
type Config struct {
	// Addr is where the user agent takes SIP over UDP and TCP, "host:port".
	// Port 0 picks a port that is free for both. The host is what Via and
	// Contact name, so it must be one that peers can reach.
	Addr      string
	User      string // the user part of Contact; may be empty
	UserAgent string // the User-Agent header; may be empty
	// TLS, if not nil, adds SIP over TLS at a port of its own.
	TLS    *TLSConfig
	Logger *slog.Logger
	// Network makes the sockets; the zero value is that of package net.
	Network Network
	// SessionExpires, if not 0, asks for a session timer for every call: one
	// that nobody has refreshed for that long ends, with ErrSessionExpired. It is
	// 90 s at the least. A timer that a peer asks for is heeded in any case. See
	// RFC 4028.
	SessionExpires time.Duration
	// MinSessionExpires is the shortest session timer that is accepted, 90 s at
	// the least; 0 means 90 s.
	MinSessionExpires time.Duration
	// Credentials, if set, answers digest challenges of a realm to requests that
	// have no credentials of their own.
	Credentials func(realm string) (user, password string, ok bool)
	// IsPeer reports whether requests come from a peer: from that address, or with a
	// certificate that has proved those names. nil means that everybody is one. Others
	// are strangers, who share a part of all that there is, and whose requests
	// Handlers.Admit judges. It must be quick.
	IsPeer func(addr netip.Addr, names []string) bool
	// MaxStrangers and MaxStrangersSource bound the TCP and TLS connections of all
	// strangers and of one source: an address or, of IPv6, a /64. 0 means
	// DefaultMaxStrangers and DefaultMaxStrangersSource. A new one gets the place of the
	// oldest on which nothing was let in, of the source that has the most.
	MaxStrangers, MaxStrangersSource int
	// Trace sees every SIP message as it was on the wire. It is called from the
	// goroutines that read and write and must not block.
	Trace func(TraceEvent)

	timers  timers
	sources int // for maxSources
}
