package sipua

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/quietlog"
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

// Handlers are what a user agent calls for requests of the outside.
type Handlers struct {
	// Invite takes a call. It runs in a goroutine of its own and may take as
	// long as the call lasts; a call that it neither answers nor rejects is
	// rejected with 500 when it returns. nil refuses every call with 480.
	Invite func(*IncomingCall)
	// Intercept sees each well-formed request but CANCEL before the package
	// does, and reports whether it has taken it. With it a registrar or a proxy
	// can be built on a UA. The transaction is nil for an ACK and ends when
	// Intercept returns.
	Intercept func(req *sip.Request, tx sip.ServerTransaction) bool
	// Admit judges each well-formed request of a stranger (see Config.IsPeer) that belongs
	// to no dialog, before anything is kept of it: nil lets it in, a response is sent once,
	// over UDP without retransmissions. See RFC 3261, section 26.3.2.4. A request that is
	// sent again after it was let in does not come here again, nor do its ACK and CANCEL.
	// Admit is called by those who read from the sockets: it must be quick. nil lets
	// everything in.
	Admit func(req *sip.Request, from Peer) *sip.Response
	// Other takes requests outside dialogs of methods that the package does
	// not handle itself. nil answers 405.
	Other func(req *sip.Request, tx sip.ServerTransaction)
	// Methods are those that Other takes, for our Allow headers; others get 405,
	// or 501 if they are in no RFC. nil leaves them all to Other.
	Methods []string
}

// UA is a SIP user agent that is listening.
type UA struct {
	cfg  Config
	h    Handlers
	log  *slog.Logger
	addr string
	host string
	port int

	agent    *sipgo.UserAgent
	parser   *sip.Parser
	udp, tcp *sipgo.Client
	packets  net.PacketConn
	listener net.Listener
	dialed   *dialedListener
	serving  sync.WaitGroup
	gate     *admit.Gate              // of TCP and TLS connections
	rings    *admit.Gate              // of incoming calls that are not answered yet
	rate     admit.Rate[netip.Prefix] // of strangers' messages
	letIn    letIn
	seed     maphash.Seed // of keyOf
	quiet    quietlog.Log
	secure   secureEnd
	noting   sync.RWMutex // held to log from goroutines that are not ours

	mu    sync.Mutex
	calls map[dialogKey]*Call
	subs  map[dialogKey]*Subscription
	// ending are the subscriptions that wait for their last NOTIFY.
	ending    map[dialogKey]*ending
	notifiers map[target]*notifier
	// secured are the TLS connections whose handshake is over, by the peer's
	// address.
	secured map[string]*stream
	closed  bool

	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// A secureEnd is where a user agent takes SIP over TLS; empty without it.
type secureEnd struct {
	addr, host string
	port       int
	client     *sipgo.Client
	listener   net.Listener
	dialed     *dialedListener
}

// A dialogKey names a dialog, established or early, by what we chose of it:
// any request or response for it carries both.
type dialogKey struct{ callID, localTag string }

// New binds UDP and TCP at cfg.Addr and serves until Close.
func New(cfg Config, h Handlers) (*UA, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.timers, cfg.sources = cfg.timers.withDefaults(), cmp.Or(cfg.sources, maxSources)
	cfg.Network = cfg.Network.WithDefaults()
	ua := &UA{cfg: cfg, h: h, log: cfg.Logger, calls: map[dialogKey]*Call{}, subs: map[dialogKey]*Subscription{}, ending: map[dialogKey]*ending{}, notifiers: map[target]*notifier{}, secured: map[string]*stream{}}
	ua.gate = admit.NewGate(connectionLimits(cfg.MaxStrangers, cfg.MaxStrangersSource))
	ua.rings = admit.NewGate(admit.Limits{Source: MaxStrangerCallsSource, All: MaxStrangerCalls, Peers: MaxCalls})
	ua.rate = admit.Rate[netip.Prefix]{Source: MaxStrangerRateSource, All: MaxStrangerRate}
	ua.seed, ua.quiet = maphash.MakeSeed(), quietlog.Log{Burst: strangerLines}
	ua.ctx, ua.cancel = context.WithCancel(context.Background())
	if err := ua.listen(); err != nil {
		return nil, fmt.Errorf("sipua: %w", err)
	}
	if err := ua.assemble(); err != nil {
		ua.unbind()
		return nil, fmt.Errorf("sipua: %w", err)
	}
	return ua, nil
}

// unbind closes the sockets.
func (ua *UA) unbind() {
	ua.packets.Close()
	ua.listener.Close()
	if ua.secure.listener != nil {
		ua.secure.listener.Close()
	}
}

// listen binds the two sockets at the same port.
func (ua *UA) listen() error {
	host, port, err := net.SplitHostPort(ua.cfg.Addr)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		ua.listener, err = ua.cfg.Network.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			return err
		}
		addr := ua.listener.Addr().String()
		if ua.packets, err = ua.cfg.Network.ListenPacket("udp", addr); err == nil {
			break
		}
		ua.listener.Close()
		if port != "0" || try == portTries {
			return err
		}
	}
	_, p, _ := net.SplitHostPort(ua.listener.Addr().String())
	ua.host = host
	ua.port, _ = strconv.Atoi(p)
	ua.addr = net.JoinHostPort(host, p)
	if ua.cfg.TLS == nil {
		return nil
	}
	if err := ua.listenTLS(); err != nil {
		ua.unbind()
		return err
	}
	return nil
}

// assemble puts sipgo's layers together over the sockets. Requests over UDP
// must leave from the listening socket, requests over TCP must not be tied to
// one connection, hence the two clients.
func (ua *UA) assemble() (err error) {
	// sipgo logs whole messages, bodies included, when it cannot parse them.
	quiet := slog.New(slog.DiscardHandler)
	ua.parser = newParser()
	ua.agent, err = sipgo.NewUA(
		sipgo.WithUserAgent(ua.cfg.UserAgent),
		sipgo.WithUserAgentParser(ua.parser),
		sipgo.WithUserAgenTLSConfig(noDialing()),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(
			sip.WithTransactionLayerLogger(quiet),
			sip.WithTransactionLayerUnhandledResponseHandler(ua.strayResponse),
		),
	)
	if err != nil {
		return err
	}
	srv, err := sipgo.NewServer(ua.agent, sipgo.WithServerLogger(quiet))
	if err != nil {
		return err
	}
	if ua.udp, err = sipgo.NewClient(ua.agent, sipgo.WithClientAddr(ua.addr), sipgo.WithClientConnectionAddr(ua.addr), sipgo.WithClientLogger(quiet)); err != nil {
		return err
	}
	if ua.tcp, err = sipgo.NewClient(ua.agent, sipgo.WithClientAddr(ua.addr), sipgo.WithClientLogger(quiet)); err != nil {
		return err
	}
	if ua.cfg.TLS != nil {
		if ua.secure.client, err = sipgo.NewClient(ua.agent, sipgo.WithClientAddr(ua.secure.addr), sipgo.WithClientLogger(quiet)); err != nil {
			return err
		}
	}
	ua.route(srv)
	ua.dialed = newDialedListener(ua.listener.Addr())
	ua.servePackets(srv)
	ua.serving.Go(func() { _ = srv.ServeTCP(ua.guard(ua.listener, nil)) })
	ua.serving.Go(func() { _ = srv.ServeTCP(ua.dialed) })
	if ua.cfg.TLS != nil {
		ua.secure.dialed = newDialedListener(ua.secure.listener.Addr())
		ua.serving.Go(func() { _ = srv.ServeTLS(ua.guard(ua.secure.listener, ua.cfg.TLS.server())) })
		ua.serving.Go(func() { _ = srv.ServeTLS(ua.secure.dialed) })
	}
	return ua.awaitUDP()
}

// awaitUDP waits until sipgo knows the UDP socket: a request before that would
// fail to find it.
func (ua *UA) awaitUDP() error {
	deadline := time.Now().Add(startWait)
	for {
		if c, err := ua.agent.TransportLayer().GetConnection("udp", ua.addr); err == nil && c != nil {
			_, _ = c.TryClose()
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("the UDP socket does not come up")
		}
		time.Sleep(time.Millisecond) // sipgo tells of no event
	}
}

// Addr is the host:port where the user agent takes SIP.
func (ua *UA) Addr() string { return ua.addr }

// TLSAddr is the host:port where the user agent takes SIP over TLS, "" if it
// does not.
func (ua *UA) TLSAddr() string { return ua.secure.addr }

// Contact is the user agent's own SIP URI.
func (ua *UA) Contact() string { c := ua.contactURI("UDP", "sip"); return c.String() }

// contactURI is the Contact for a dialog over that transport, and of a sips URI
// where the request was for one. See RFC 3261, sections 8.1.1.8 and 12.1.1.
func (ua *UA) contactURI(transport, scheme string) sip.Uri {
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
func (ua *UA) isOwn(uri *sip.Uri) bool {
	switch host := strings.Trim(uri.Host, "[]"); {
	case host == ua.host && uri.Port == ua.port:
		return true
	case ua.cfg.TLS != nil:
		return host == ua.secure.host && uri.Port == ua.secure.port
	}
	return false
}

// client is the one for requests over that transport.
func (ua *UA) client(transport string) *sipgo.Client {
	switch strings.ToUpper(transport) {
	case "UDP":
		return ua.udp
	case "TLS":
		return ua.secure.client
	default:
		return ua.tcp
	}
}

// goroutine runs f as one that Close waits for; false once closing.
func (ua *UA) goroutine(f func()) bool {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	if ua.closed {
		return false
	}
	ua.work.Go(f)
	return true
}

// Shutdown ends every call with BYE and every subscription, as far as ctx
// allows, and then closes.
func (ua *UA) Shutdown(ctx context.Context) error {
	ua.mu.Lock()
	calls := make([]*Call, 0, len(ua.calls))
	for _, c := range ua.calls {
		calls = append(calls, c)
	}
	ua.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range calls {
		wg.Go(func() { _ = c.Bye(ctx) })
	}
	wg.Wait()
	return ua.Close()
}

// Close closes the sockets and ends everything without telling the peers:
// Shutdown does that. It may be called again.
func (ua *UA) Close() error {
	ua.mu.Lock()
	if ua.closed {
		ua.mu.Unlock()
		return nil
	}
	ua.closed = true
	calls := ua.calls
	ua.calls = map[dialogKey]*Call{}
	ua.mu.Unlock()
	ua.noting.Lock()
	ua.cancel()
	ua.noting.Unlock()
	for _, c := range calls {
		c.end(ErrClosed)
	}
	ua.unbind()
	ua.dialed.Close()
	if ua.secure.dialed != nil {
		ua.secure.dialed.Close()
	}
	err := ua.agent.Close()
	ua.serving.Wait()
	ua.work.Wait()
	return err
}
