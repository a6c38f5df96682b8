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

// Config holds the settings of a Listener or a dialled connection. The zero
// value of each field takes the default named with it.
type Config struct {
	// Trace gets every request and response, from the goroutines that read
	// and write: it must be quick and safe for concurrent use.
	Trace func(TraceEvent)
	// TraceBody is how many bytes of a body go into a TraceEvent: 0 takes
	// DefaultTraceBody, a negative number means none.
	TraceBody int
	// Logger gets one line for each connection that ends badly, of connections
	// without a session 60 in a minute at the most; nil is slog.Default().
	Logger *slog.Logger

	// TLS makes a Listener take TLS connections only (it needs a
	// certificate), and is what Dial uses for msrps URIs. Certificates are
	// verified as it says, unless a session has fingerprints.
	TLS *tls.Config

	// Resolver looks up the names that are dialled; nil is
	// net.DefaultResolver.
	Resolver *net.Resolver

	// Listen makes the socket of a Listener, and DialContext dialled connections; nil
	// means the functions of package net of these names, the latter with Resolver.
	// The listener's address is a *[net.TCPAddr].
	Listen      func(network, address string) (net.Listener, error)
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	// ChunkSize is the size of the chunks of outgoing messages in bytes, 1
	// to MaxChunkSize. 0 takes DefaultChunkSize when the peer is one hop
	// away and DefaultRelayedChunkSize when it is not.
	ChunkSize int
	// Window is how many chunks of a session may be unanswered at a time
	// (DefaultWindow).
	Window int
	// ResponseTimeout (DefaultResponseTimeout) is counted from the last byte
	// of a request.
	ResponseTimeout time.Duration
	// UnboundTimeout (DefaultUnboundTimeout) ends connections to a Listener
	// on which no session is bound.
	UnboundTimeout time.Duration
	// StallTimeout (DefaultStallTimeout) gives up messages, and connections in
	// the middle of a request, whose sender is silent.
	StallTimeout time.Duration
	// WriteTimeout (DefaultWriteTimeout) ends connections whose peer does not
	// read.
	WriteTimeout time.Duration
	// HandlerTimeout (DefaultHandlerTimeout) is how long an answer may wait for
	// a Handler. A message that its Handler takes no more of in that time, or
	// for which none is free, is refused with 413; while we wait for answers
	// on the same connection, which may be what the Handler waits for, that
	// comes after 5 s. The Handler of a message that has arrived whole has its
	// context ended then; if it has not returned when a quarter more, but 5 s
	// at most, is over, the message is answered in its place: with 408, or, if
	// the sender has asked for a success report, with 200 and, when the Handler
	// has returned, a success or failure report. With that quarter it should
	// be below the 30 s that senders wait.
	HandlerTimeout time.Duration

	// Memory is what the connections, and sessions that have none of their own, hold
	// bytes of peers from; nil is no limit.
	Memory *Budget

	// MaxConns (DefaultMaxConns) bounds the connections of a Listener that have a
	// session; on a further one none is bound, and requests get 481.
	MaxConns int
	// MaxUnbound (DefaultMaxUnbound) bounds those that have none yet, whose peer
	// may be anybody. A further one gets the place of the oldest, of the source with
	// the most, so that a source that floods pushes out its own.
	MaxUnbound int
	// MaxUnboundSource (DefaultMaxUnboundSource) bounds those of one source, an
	// address or, of IPv6, a /64; a further one is closed at once.
	MaxUnboundSource int
	// MaxSessions (DefaultMaxSessions) bounds its sessions; a further Accept
	// fails.
	MaxSessions int
	// MaxOpenMessages (DefaultMaxOpenMessages) bounds the messages of a session
	// that have begun and are not complete.
	MaxOpenMessages int
	// MaxHandlers (DefaultMaxHandlers) bounds the handlers of a session that
	// run at a time; it is at least MaxOpenMessages+1.
	MaxHandlers int
	// PipeSize (DefaultPipeSize) is how many bytes of a message may wait for
	// its Handler. When more than 16 handlers of a
	// session run, each has less, so that all of them together hold no more
	// than about 4 MB with the defaults.
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
