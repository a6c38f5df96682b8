package as

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/as/internal/balance"
	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/as/internal/presence"
	"github.com/gomscp/gomscp/internal/budget"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

const sdpType = "application/sdp"

// Server is a running application server.
type Server struct {
	cfg  Config
	log  *slog.Logger
	self string // our own SIP URI
	run  string // random; see callID
	ua   *sipua.UA

	servers     mediaServers
	balancer    *balance.Balancer
	dir         *Directory
	mailboxes   *mailbox.Mailboxes
	memory      *budget.Budget // of calls and recipients; nil: no limit
	presence    *presence.Source
	metrics     *metrics
	admin       *daemon.Admin
	trace       *daemon.TraceWriter
	gate        *access.Gate
	certificate daemon.Certificate
	noting      chan struct{} // has a token for each word that adds an entry

	reloading sync.Mutex
	loaded    Config // by the last Reload, or cfg

	ready  chan struct{}   // closed when everything is there that a call needs
	ctx    context.Context // ends when the server closes
	cancel context.CancelFunc
	tasks  daemon.Tasks

	closeOnce sync.Once
	closeErr  error
}

// Start opens the directory and the sockets and begins to serve. The control
// channels come up in the background; until one has, callers get 503.
func Start(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.MediaServers = slices.Clone(cfg.MediaServers)
	s := &Server{cfg: cfg, loaded: cfg, log: log, metrics: newMetrics(), memory: access.NewMemory(cfg.Limits.Memory), run: rand.Text(), ready: make(chan struct{}), noting: make(chan struct{}, maxNoting)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.open(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) open() (err error) {
	if s.trace, err = daemon.OpenTrace(s.cfg.Trace, s.cfg.Name); err != nil {
		return err
	}
	if s.dir, err = OpenDirectory(s.cfg.Directory); err != nil {
		return err
	}
	if saved := s.dir.Salvaged(); saved != nil {
		s.log.Error("the directory was damaged, and is made anew; inventories bring back what is missing",
			"entries", saved.Entries, "damaged", saved.Path, "err", saved.Cause)
	}
	if err = s.openSIP(); err != nil {
		return err
	}
	choose, err := balance.PolicyOf(s.cfg.Balancing)
	if err != nil {
		return err
	}
	s.balancer = balance.New(choose, s.cfg.Store.FailureRest)
	s.mailboxes = s.newMailboxes(s.presence, pusher{s})
	s.metrics.registerState(s)
	s.admin, err = daemon.ServeAdmin(daemon.AdminConfig{
		Addr: s.cfg.Admin, Hosts: s.cfg.AdminHosts, Node: s.cfg.Name, Registry: s.metrics.reg, Ready: s.Ready, Pages: s.adminPages(), Log: s.log,
	})
	if err != nil {
		return err
	}
	s.metrics.reg.MustRegister(daemon.PortCollector("mscp_as", daemon.Ports{
		"sip": s.ua.Connections, "sip_calls": s.ua.Unanswered, "admin": s.admin.Counts,
	}))
	if err = s.SetMediaServers(s.cfg.MediaServers); err != nil {
		return err
	}
	s.mailboxes.Start(s.ctx)
	close(s.ready)
	s.pingNeighbours(startPings)
	s.log.Info("application server is up", "sip", s.ua.Addr(), "admin", s.admin.Addr(), "recipients", s.mailboxes.Len())
	return nil
}

func (s *Server) openSIP() (err error) {
	rules, err := access.NewRules(s.cfg.Access)
	if err != nil {
		return err
	}
	s.gate = access.NewGate(access.GateConfig{
		Rules: rules, Limits: s.cfg.Limits, Memory: s.memory, RetryAfter: s.cfg.Store.RetryAfter, Ready: s.awaitReady, Log: s.log,
		Rejected: func(why string) { s.metrics.rejected.WithLabelValues(why).Inc() },
	})
	cfg := sipua.Config{
		Addr: s.cfg.SIP.Listen, User: s.cfg.SIP.User, UserAgent: "gomscp-as", Logger: s.log,
		SessionExpires: s.cfg.SIP.SessionExpires, IsPeer: s.gate.IsPeer,
		MaxStrangers: s.cfg.Limits.Connections, MaxStrangersSource: s.cfg.Limits.SourceConnections, Network: s.cfg.Network,
	}
	if cfg.TLS, err = s.sipTLS(); err != nil {
		return err
	}
	if s.trace.Enabled() {
		cfg.Trace = func(e sipua.TraceEvent) {
			s.trace.Record(daemon.TraceRecord{
				Time: e.Time, Protocol: "SIP", Direction: daemon.Direction(e.Sent),
				Local: e.Local, Peer: e.Remote, Raw: string(e.Raw), Size: len(e.Raw),
			})
		}
	}
	handlers := sipua.Handlers{Invite: s.handleInvite, Intercept: s.gate.Intercept, Admit: s.gate.Judge}
	if methods := s.cfg.Presence.Methods(); len(methods) > 0 {
		handlers.Methods, handlers.Other = methods, s.handleRegister
	}
	if s.ua, err = sipua.New(cfg, handlers); err != nil {
		return fmt.Errorf("sip: %w", err)
	}
	s.gate.Use(s.ua)
	s.self = "sip:" + s.cfg.SIP.User + "@" + s.ua.Addr()
	s.presence, err = presence.New(presence.Config{
		Settings: s.cfg.Presence, UA: s.ua, From: s.self, Log: s.log,
		Count: func(state string) { s.metrics.presence.WithLabelValues(state).Inc() },
	})
	return err
}

// handleRegister serves a REGISTER of the registrar.
func (s *Server) handleRegister(req *sip.Request, tx sip.ServerTransaction) {
	if s.awaitReady() {
		s.presence.Register(req, tx)
	}
}

// server returns the media server of that name, or nil.
func (s *Server) server(name string) *control.MediaServer { return s.servers.Get(name) }

// Addr is the host:port where the server takes SIP.
func (s *Server) Addr() string { return s.ua.Addr() }

// Ready tells why no call can be taken now, or nil: at least one control
// channel must be up.
func (s *Server) Ready() error {
	for _, ms := range s.servers.All() {
		if ms.Up() {
			return nil
		}
	}
	return errors.New("no control channel to any media server")
}

// Sessions returns the number of live store sessions of each media server, by
// its name: Count(Si) of equation (1).
func (s *Server) Sessions() map[string]int { return s.balancer.Counts() }

// Registry returns the server's metrics, for one who embeds it.
func (s *Server) Registry() *prometheus.Registry { return s.metrics.reg }

// Close ends all sessions with BYE and closes everything. What the directory
// holds stays for the next start. It waits, a few seconds at the most, and may
// be called again.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.tasks.Close()
		s.cancel()
		s.tasks.Wait()
		var errs []error
		errs = append(errs, s.admin.Close())
		if s.ua != nil {
			// A caller whose ACK is still under way has a call that nothing else ends.
			ctx, cancel := context.WithTimeout(context.Background(), byeTimeout)
			errs = append(errs, s.ua.Shutdown(ctx))
			cancel()
		}
		s.presence.Close()
		if s.dir != nil {
			errs = append(errs, s.dir.Close())
		}
		errs = append(errs, s.trace.Close())
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}
