package sipserver

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua"
)

// Limits of a server.
const (
	maxBindings      = 10_000 // registered contacts of all users
	maxContacts      = 10     // registered contacts of one user
	maxSubscriptions = 10_000
	maxPending       = 10_000 // relayed requests that have no final response yet
)

// TraceEvent is one SIP message on the wire.
type TraceEvent = sipua.TraceEvent

// Config describes a server. Addr and Domain are needed.
type Config struct {
	Addr      string // host:port for UDP and TCP; port 0 picks a free one
	Domain    string // of its users
	AppServer string // host:port of the application server; "" for none
	// MoreAppServers are the host:port of further application servers: none of
	// their calls goes to an application server.
	MoreAppServers []string
	// ThirdParty reports registrations to the application server, in REGISTERs of the
	// server.
	ThirdParty bool
	// Users are the passwords by user name. With any, REGISTER is
	// authenticated.
	Users map[string]string
	// RecordRoute keeps the server in the path of the dialogs it relays.
	RecordRoute bool
	Logger      *slog.Logger
	// Trace gets every SIP message as it was on the wire. It must not block.
	Trace func(TraceEvent)
}

// Server is a running server.
type Server struct {
	cfg  Config
	log  *slog.Logger
	ua   *sipua.UA
	auth *sipua.Authenticator // nil without Config.Users

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	teller *teller // nil without Config.ThirdParty

	pending atomic.Int64 // relayed requests

	mu         sync.Mutex
	closed     bool
	notifyWait time.Duration // for the response to a NOTIFY
	users
}

// users are the registrations and subscriptions, by user name.
type users struct {
	bindings map[string][]*binding // the newest last
	count    int                   // of bindings
	watchers map[string]map[*watcher]bool
	watching int // of watchers
}

// New opens the sockets and serves.
func New(cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger,
		users:      users{bindings: map[string][]*binding{}, watchers: map[string]map[*watcher]bool{}},
		notifyWait: requestWait,
	}
	if len(cfg.Users) > 0 {
		s.auth = sipua.NewAuthenticator(sipua.AuthConfig{Realm: cfg.Domain, AnyURI: true, Lookup: func(user string) (sipua.Secret, bool) {
			password, ok := cfg.Users[user]
			return sipua.Secret{Password: password}, ok
		}})
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	ready := make(chan struct{}) // requests may come before ua is set
	ua, err := sipua.New(sipua.Config{
		Addr: cfg.Addr, UserAgent: "gomscp-sipserver", Logger: cfg.Logger, Trace: cfg.Trace,
	}, sipua.Handlers{Intercept: func(req *sip.Request, tx sip.ServerTransaction) bool {
		<-ready
		return s.take(req, tx)
	}})
	if err != nil {
		s.cancel()
		return nil, err
	}
	s.ua = ua
	if cfg.ThirdParty && cfg.AppServer != "" {
		s.teller = newTeller(s)
		s.goroutine(s.teller.run)
	}
	close(ready)
	return s, nil
}

// Addr is the host:port where the server accepts SIP.
func (s *Server) Addr() string { return s.ua.Addr() }

// Close closes the sockets and ends everything. It may be called again.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, list := range s.bindings {
		for _, b := range list {
			b.timer.Stop()
		}
	}
	s.mu.Unlock()
	s.cancel()
	err := s.ua.Close()
	s.work.Wait()
	return err
}

// goroutine runs f as one that Close waits for.
func (s *Server) goroutine(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Go(f)
	}
}

// take handles every request but CANCEL, which belongs to a transaction, and
// OPTIONS to the server itself.
func (s *Server) take(req *sip.Request, tx sip.ServerTransaction) bool {
	switch {
	case req.Method == sip.REGISTER:
		s.register(req, tx)
	case req.Method == sip.SUBSCRIBE && s.ours(&req.Recipient):
		s.subscribe(req, tx)
	case req.Method == sip.OPTIONS && req.Recipient.User == "":
		return false
	default:
		s.relay(req, tx)
	}
	return true
}

// respond sends a response without a body.
func (s *Server) respond(req *sip.Request, tx sip.ServerTransaction, code int, reason string, headers ...sip.Header) {
	res := sip.NewResponseFromRequest(req, code, reason, nil)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	if err := tx.Respond(res); err != nil {
		s.log.Debug("response not sent", "code", code, "err", err)
	}
}
