package softphone

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

const sdpType = "application/sdp"

// Config describes a phone. User and Proxy are needed.
type Config struct {
	User     string     // its own SIP URI, "sip:bob@example.com"
	Password string     // for digest authentication; may be empty
	Proxy    string     // registrar and outbound proxy, host:port or host:port;transport=tcp
	Addr     string     // where it takes SIP; "" means a free port on 127.0.0.1
	MSRPAddr string     // where it takes MSRP; "" means a free port on the host of Addr
	Setup    msrp.Setup // its role in a session; "" leaves it to the other side where it can

	// SIPTLS adds SIP over TLS, which Proxy may ask for by ;transport=tls.
	SIPTLS *sipua.TLSConfig
	// MSRPTLS, with one certificate, makes all MSRP go over TLS, each side being
	// known by its fingerprint.
	MSRPTLS *tls.Config

	// AnswerCall decides on an incoming call: 200 takes it, anything else is
	// the refusal it gets. It may block, which makes the phone ring until the
	// context ends. nil takes every call.
	AnswerCall func(ctx context.Context, in *sipua.IncomingCall) int
	// OnMessage takes one message that arrives in an incoming call. Its body is
	// read from m. An error refuses the message. nil reads and forgets.
	OnMessage func(ctx context.Context, m *Message) error

	Logger    *slog.Logger
	TraceSIP  func(sipua.TraceEvent)
	TraceMSRP func(msrp.TraceEvent)
}

// A Message is one that arrives.
type Message struct {
	*msrp.Incoming
	Sender string // the caller's canonical SIP URI, from the From header
}

// Phone is a user agent that is listening.
type Phone struct {
	cfg         Config
	log         *slog.Logger
	ua          *sipua.UA
	msrp        *msrp.Listener
	mcfg        msrp.Config
	fingerprint string // of MSRPTLS

	mu    sync.Mutex
	reg   *sipua.Registration
	calls int           // incoming calls under way
	idle  chan struct{} // closed while calls is 0
}

// New opens the phone's sockets. It takes calls from then on, but is not
// registered.
func New(cfg Config) (*Phone, error) {
	if err := sipua.CheckDestination(cfg.Proxy); cfg.Proxy != "" && err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	if cfg.User == "" || cfg.Proxy == "" {
		return nil, errors.New("softphone: User and Proxy are needed")
	}
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	host, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("softphone: Addr: %w", err)
	}
	if cfg.MSRPAddr == "" {
		cfg.MSRPAddr = net.JoinHostPort(host, "0")
	}
	p := &Phone{cfg: cfg, log: cfg.Logger, idle: closedChan(), mcfg: msrp.Config{Logger: cfg.Logger, Trace: cfg.TraceMSRP, TLS: cfg.MSRPTLS}}
	if cfg.MSRPTLS != nil {
		if len(cfg.MSRPTLS.Certificates) != 1 {
			return nil, errors.New("softphone: MSRPTLS needs one certificate")
		}
		if p.fingerprint, err = msrp.Fingerprint(cfg.MSRPTLS.Certificates[0]); err != nil {
			return nil, fmt.Errorf("softphone: %w", err)
		}
	}
	if p.msrp, err = msrp.Listen(cfg.MSRPAddr, p.mcfg); err != nil {
		return nil, fmt.Errorf("softphone: %w", err)
	}
	p.ua, err = sipua.New(sipua.Config{
		Addr: cfg.Addr, User: userPart(cfg.User), UserAgent: "gomscp-softphone",
		Logger: cfg.Logger, Trace: cfg.TraceSIP, TLS: cfg.SIPTLS,
	}, sipua.Handlers{Invite: p.handleInvite})
	if err != nil {
		p.msrp.Close()
		return nil, fmt.Errorf("softphone: %w", err)
	}
	return p, nil
}

// SIPAddr is the host:port where the phone takes SIP.
func (p *Phone) SIPAddr() string { return p.ua.Addr() }

// MSRPAddr is the host:port where the phone takes MSRP.
func (p *Phone) MSRPAddr() string { return p.msrp.Addr().String() }

// Register registers the phone's user and keeps the registration fresh until
// Unregister or Close.
func (p *Phone) Register(ctx context.Context, expires time.Duration) error {
	reg, err := p.ua.Register(ctx, sipua.RegisterRequest{
		Registrar: "sip:" + hostPart(p.cfg.User), AOR: p.cfg.User, User: userPart(p.cfg.User),
		Password: p.cfg.Password, Expires: expires, Destination: p.cfg.Proxy,
	})
	if err != nil {
		return fmt.Errorf("softphone: REGISTER: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reg = reg
	return nil
}

// Unregister takes the registration back. It does nothing if there is none.
func (p *Phone) Unregister(ctx context.Context) error {
	p.mu.Lock()
	reg := p.reg
	p.reg = nil
	p.mu.Unlock()
	if reg == nil {
		return nil
	}
	return reg.Unregister(ctx)
}

// Close ends everything; a registration is left to expire unless Unregister
// was called.
func (p *Phone) Close() error {
	return errors.Join(p.ua.Close(), p.msrp.Close())
}

// media describes the phone's end of a new session.
func (p *Phone) media(setup msrp.Setup) *msrp.Media {
	local := p.msrp.NewURI("")
	m := &msrp.Media{
		Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: []string{"*"}, Setup: setup,
	}
	if p.cfg.MSRPTLS != nil {
		m.TLS, m.Fingerprints = true, []string{p.fingerprint}
	}
	return m
}

// userPart is the user of a SIP URI.
func userPart(uri string) string {
	user, _ := splitURI(uri)
	return user
}

// hostPart is the host, with the port if there is one, of a SIP URI.
func hostPart(uri string) string {
	_, host := splitURI(uri)
	return host
}
