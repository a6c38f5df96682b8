package sipua

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config describes a user agent. Addr is needed.
type Config struct {
	// Addr is where the user agent accepts SIP over UDP and TCP, "host:port".
	// Port 0 picks a port that is free for both. Via and Contact contain the host, so
	// peers must be able to reach it.
	Addr      string
	User      string // the user part of Contact; may be empty
	UserAgent string // the User-Agent header; may be empty
	// TLS, if not nil, adds SIP over TLS at a separate port.
	TLS    *TLSConfig
	Logger *slog.Logger
	// Network makes the sockets; the zero value is that of package net.
	Network Network
	// SessionExpires, if not 0, requests a session timer for every call: a call that
	// is not refreshed within this time ends with ErrSessionExpired. The minimum is
	// 90 s. A timer that a peer requests is always honoured. See RFC 4028.
	SessionExpires time.Duration
	// MinSessionExpires is the shortest session timer that is accepted. The minimum
	// is 90 s; 0 means 90 s.
	MinSessionExpires time.Duration
	// Credentials, if set, answers digest challenges of a realm to requests that
	// have no credentials of their own.
	Credentials func(realm string) (user, password string, ok bool)
	// IsPeer reports whether a sender is a peer, by its address or by the names in its
	// verified certificate. nil means that every sender is a peer. Other senders are
	// strangers: they have separate, smaller limits, and Handlers.Admit decides on their
	// requests. IsPeer must be quick.
	IsPeer func(addr netip.Addr, names []string) bool
	// MaxStrangers and MaxStrangersSource bound the TCP and TLS connections of all
	// strangers and of one source: an IPv4 address or an IPv6 /64. 0 means
	// DefaultMaxStrangers and DefaultMaxStrangersSource. A new connection replaces the
	// oldest one without an admitted request, of the source with the most connections.
	MaxStrangers, MaxStrangersSource int
	// Trace gets every SIP message as it was on the wire. The goroutines that read and
	// write call it, so it must not block.
	Trace func(TraceEvent)

	timers  timers
	sources int // for maxSources
}
