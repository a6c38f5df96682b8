package msrp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Config has the settings of a Listener or of a dialled connection. A zero field means
// the default that its comment names in brackets.
type Config struct {
	// Trace is called for every request and response, by the goroutines that read and
	// write. It must be quick and safe for concurrent use.
	Trace func(TraceEvent)
	// TraceBody is how many bytes of a body are in a TraceEvent. 0 means
	// DefaultTraceBody, a negative number means none.
	TraceBody int
	// Logger gets one line for each connection that ends with an error; for connections
	// without a session, at most 60 lines in a minute. nil means slog.Default().
	Logger *slog.Logger

	// TLS makes a Listener accept TLS connections only; it then needs a certificate. Dial
	// uses it for msrps URIs. Certificates are verified by these settings, unless a
	// session has fingerprints.
	TLS *tls.Config

	// Resolver looks up host names; nil means net.DefaultResolver.
	Resolver *net.Resolver

	// Listen makes the socket of a Listener, and DialContext the connections of Dial. nil
	// means the functions of package net; the dialer then uses Resolver. The listener's
	// address must be a *[net.TCPAddr].
	Listen      func(network, address string) (net.Listener, error)
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// ChunkSize is the size of the chunks of outgoing messages in bytes, 1 to
	// MaxChunkSize. 0 means DefaultChunkSize if the peer is one hop away, and otherwise
	// DefaultRelayedChunkSize.
	ChunkSize int
	// Window (DefaultWindow) is how many chunks of a session may be without a response.
	Window int
	// ResponseTimeout (DefaultResponseTimeout) is how long a request waits for its
	// response, from its last byte on.
	ResponseTimeout time.Duration
	// UnboundTimeout (DefaultUnboundTimeout) is how long a connection to a Listener may
	// have no session. Then it is closed.
	UnboundTimeout time.Duration
	// StallTimeout (DefaultStallTimeout) is how long a sender may be silent. Then its
	// incomplete message is aborted or, in the middle of a request, its connection
	// closed.
	StallTimeout time.Duration
	// WriteTimeout (DefaultWriteTimeout) is how long one write may take. Then the
	// connection is closed.
	WriteTimeout time.Duration
	// HandlerTimeout (DefaultHandlerTimeout) is how long an answer may wait for a
	// Handler.
	//
	// A message is refused with 413 if its Handler reads nothing for this time, or if no
	// Handler is free for this time. The time is 5 s while responses to our own requests
	// are outstanding on the same connection, because the Handler may wait for them.
	//
	// If the message has arrived completely, the context of its Handler ends after
	// HandlerTimeout. The Handler then has a grace time of a quarter of HandlerTimeout,
	// at most 5 s, to return. After it, the message is answered without the Handler: with
	// 408 or, if the sender requested a success report, with 200. In the second case, a
	// success or failure report follows when the Handler returns.
	//
	// HandlerTimeout with the grace time should be below the 30 s for which senders wait.
	HandlerTimeout time.Duration

	// Memory is the budget for bytes of peers, of connections and of sessions without a
	// budget of their own; nil means no limit.
	Memory *Budget

	// MaxConns (DefaultMaxConns) bounds the connections of a Listener that have a
	// session. On one more connection, no session is bound, and requests get 481.
	MaxConns int
	// MaxUnbound (DefaultMaxUnbound) bounds the connections without a session, from all
	// peers. One more replaces the oldest one of the source with the most, so that a
	// source that floods loses its own connections.
	MaxUnbound int
	// MaxUnboundSource (DefaultMaxUnboundSource) bounds the connections without a session
	// from one source, an IPv4 address or an IPv6 /64. One more is closed at once.
	MaxUnboundSource int
	// MaxSessions (DefaultMaxSessions) bounds the sessions of a Listener. One more Accept
	// fails with ErrTooMany.
	MaxSessions int
	// MaxOpenMessages (DefaultMaxOpenMessages) bounds the incomplete messages of a
	// session.
	MaxOpenMessages int
	// MaxHandlers (DefaultMaxHandlers) bounds the concurrent handlers of a session; it is
	// at least MaxOpenMessages+1.
	MaxHandlers int
	// PipeSize (DefaultPipeSize) is how many bytes of a message may wait for its Handler.
	// If more than 16 handlers of a session run, each has less, so that all of them
	// together hold about 4 MB at most with the defaults.
	PipeSize int
}

// withDefaults fills the zero fields and checks the others.
func (c Config) withDefaults() (*Config, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Listen == nil {
		c.Listen = net.Listen
	}
	if c.DialContext == nil {
		c.DialContext = (&net.Dialer{Resolver: c.Resolver}).DialContext
	}
	if c.TraceBody == 0 {
		c.TraceBody = DefaultTraceBody
	}
	c.TraceBody = max(c.TraceBody, 0)
	for _, n := range []struct {
		v    *int
		def  int
		name string
	}{
		{&c.Window, DefaultWindow, "Window"},
		{&c.MaxConns, DefaultMaxConns, "MaxConns"},
		{&c.MaxUnbound, DefaultMaxUnbound, "MaxUnbound"},
		{&c.MaxUnboundSource, DefaultMaxUnboundSource, "MaxUnboundSource"},
		{&c.MaxSessions, DefaultMaxSessions, "MaxSessions"},
		{&c.MaxOpenMessages, DefaultMaxOpenMessages, "MaxOpenMessages"},
		{&c.MaxHandlers, DefaultMaxHandlers, "MaxHandlers"},
		{&c.PipeSize, DefaultPipeSize, "PipeSize"},
	} {
		if *n.v == 0 {
			*n.v = n.def
		}
		if *n.v < 0 {
			return nil, fmt.Errorf("msrp: Config.%s is negative", n.name)
		}
	}
	for _, d := range []struct {
		v    *time.Duration
		def  time.Duration
		name string
	}{
		{&c.ResponseTimeout, DefaultResponseTimeout, "ResponseTimeout"},
		{&c.UnboundTimeout, DefaultUnboundTimeout, "UnboundTimeout"},
		{&c.StallTimeout, DefaultStallTimeout, "StallTimeout"},
		{&c.WriteTimeout, DefaultWriteTimeout, "WriteTimeout"},
		{&c.HandlerTimeout, DefaultHandlerTimeout, "HandlerTimeout"},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
		if *d.v < 0 {
			return nil, fmt.Errorf("msrp: Config.%s is negative", d.name)
		}
	}
	if c.ChunkSize < 0 || c.ChunkSize > MaxChunkSize {
		return nil, errors.New("msrp: Config.ChunkSize is out of range")
	}
	c.MaxHandlers = max(c.MaxHandlers, c.MaxOpenMessages+1)
	return &c, nil
}

// pipe is the size of each pipe of a session with that many handlers.
func (c *Config) pipe(handlers int) int {
	if handlers <= fullPipes {
		return c.PipeSize
	}
	return max(c.PipeSize*fullPipes/handlers, min(minPipe, c.PipeSize))
}

// chunkSize is the size of the chunks of a message to that path.
func (c *Config) chunkSize(to Path) int {
	switch {
	case c.ChunkSize > 0:
		return c.ChunkSize
	case len(to) > 1:
		return DefaultRelayedChunkSize
	}
	return DefaultChunkSize
}
