package sipua

import (
	"cmp"
	"context"
	"hash/maphash"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/sipua/internal/screen"
)

// An agent is the lower half of a user agent: its sockets, connections and transactions.
// It knows no dialogs.
type agent struct {
	cfg Config
	log *slog.Logger
	plainEnd
	secure secureEnd
	stack
	visitors
	lifetime
	hooks   hooks
	allowed string // the value of Allow headers
}

// A secureEnd is where a user agent accepts SIP over TLS; empty without it.
type secureEnd struct {
	addr, host string
	port       int
	client     *sipgo.Client
	listener   net.Listener
	dialed     *dialedListener
}

// contactURI is the Contact for a dialog over that transport. It is a sips URI if the
// request was for one. See RFC 3261, sections 8.1.1.8 and 12.1.1.
func (ua *agent) contactURI(transport, scheme string) sip.Uri {
	u := sip.Uri{Scheme: "sip", User: ua.cfg.User, Host: ua.host, Port: ua.port}
	switch strings.ToUpper(transport) {
	case "TCP":
		u.UriParams.Add("transport", "tcp")
	case "TLS":
		u.Host, u.Port = ua.secure.host, ua.secure.port
		if strings.EqualFold(scheme, "sips") {
			u.Scheme = "sips"
		} else {
			u.UriParams.Add("transport", "tls")
		}
	}
	return u
}

// isOwn reports whether a Contact is one of ours.
func (ua *agent) isOwn(uri *sip.Uri) bool {
	switch host := strings.Trim(uri.Host, "[]"); {
	case host == ua.host && uri.Port == ua.port:
		return true
	case ua.cfg.TLS != nil:
		return host == ua.secure.host && uri.Port == ua.secure.port
	}
	return false
}

// client returns the client for requests over that transport.
func (ua *agent) client(transport string) *sipgo.Client {
	switch strings.ToUpper(transport) {
	case "UDP":
		return ua.udp
	case "TLS":
		return ua.secure.client
	default:
		return ua.tcp
	}
}

// goroutine runs f in a goroutine that Close waits for. It reports false once the user
// agent is closing.
func (ua *agent) goroutine(f func()) bool {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	if ua.closed {
		return false
	}
	ua.work.Go(f)
	return true
}

// note logs what a connection's reader reports. sipgo runs the reader in a goroutine that
// Close cannot wait for, so nothing is logged after Close.
func (ua *agent) note(level slog.Level, msg string, args ...any) {
	ua.noting.RLock()
	defer ua.noting.RUnlock()
	if ua.ctx.Err() == nil {
		ua.log.Log(context.Background(), level, msg, args...)
	}
}

// warn is note at the level of warnings. For strangers, the number of lines of one kind
// in a minute is limited, so that they cannot fill the log.
func (ua *agent) warn(stranger bool, kind, msg string, args ...any) {
	if !stranger {
		ua.note(slog.LevelWarn, msg, args...)
		return
	}
	ua.noting.RLock()
	defer ua.noting.RUnlock()
	if ua.ctx.Err() == nil {
		ua.quiet.Warn(ua.log, msg, kind, args...)
	}
}

// minSE is the shortest session interval that is accepted.
func (ua *agent) minSE() time.Duration {
	return max(ua.cfg.MinSessionExpires, ua.cfg.timers.minSE)
}

// A plainEnd is where a user agent accepts SIP over UDP and TCP, at the same port.
type plainEnd struct {
	addr, host string
	port       int
	packets    net.PacketConn
	listener   net.Listener
	dialed     *dialedListener
}

// A stack is sipgo's part of a user agent.
type stack struct {
	sipgo    *sipgo.UserAgent
	parser   *sip.Parser
	udp, tcp *sipgo.Client
	serving  sync.WaitGroup
}

// visitors limit what strangers can use of a user agent.
type visitors struct {
	gate  *admit.Gate              // of TCP and TLS connections
	rate  admit.Rate[netip.Prefix] // of strangers' messages
	letIn letIn
	seed  maphash.Seed // of keyOf
	quiet quietlog.Log
}

// A lifetime is the part of a user agent that Close ends.
type lifetime struct {
	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	work   sync.WaitGroup
	noting sync.RWMutex // held while a goroutine of sipgo logs

	mu     sync.Mutex
	closed bool
	// secured are the TLS connections whose handshake is over, by the peer's address.
	secured map[string]*stream
}

// hooks are the calls from an agent to the layers above it. They are set before it
// serves.
type hooks struct {
	// screened gets each message before sipgo does, in the order of arrival.
	screened func(m *screen.Message, clean []byte)
	// ended is called when a connection has ended.
	ended func(transport, addr string)
	// inDialog reports whether a request belongs to a dialog of ours.
	inDialog func(*sip.Request) bool
	// admit is Handlers.Admit.
	admit func(*sip.Request, Peer) *sip.Response
	// stray gets the responses that belong to no transaction.
	stray func(*sip.Response)
}

// newAgent makes an agent that does not listen yet.
func newAgent(cfg Config, allowed string) *agent {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.timers, cfg.sources = cfg.timers.withDefaults(), cmp.Or(cfg.sources, maxSources)
	cfg.Network = cfg.Network.WithDefaults()
	ua := &agent{cfg: cfg, log: cfg.Logger, allowed: allowed}
	ua.parser = newParser()
	ua.secured = map[string]*stream{}
	ua.gate = admit.NewGate(connectionLimits(cfg.MaxStrangers, cfg.MaxStrangersSource))
	ua.rate = admit.Rate[netip.Prefix]{Source: MaxStrangerRateSource, All: MaxStrangerRate}
	ua.seed, ua.quiet = maphash.MakeSeed(), quietlog.Log{Burst: strangerLines}
	ua.ctx, ua.cancel = context.WithCancel(context.Background())
	return ua
}

// close closes the sockets and waits for all goroutines. It may be called again. ended is
// called when nothing new can begin.
func (ua *agent) close(ended func()) error {
	ua.mu.Lock()
	if ua.closed {
		ua.mu.Unlock()
		return nil
	}
	ua.closed = true
	ua.mu.Unlock()
	ua.noting.Lock()
	ua.cancel()
	ua.noting.Unlock()
	ended()
	ua.unbind()
	ua.dialed.Close()
	if ua.secure.dialed != nil {
		ua.secure.dialed.Close()
	}
	err := ua.sipgo.Close()
	ua.serving.Wait()
	ua.work.Wait()
	return err
}
