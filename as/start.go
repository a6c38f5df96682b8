package as

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/as/internal/balance"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/as/internal/presence"
	"github.com/gomscp/gomscp/internal/budget"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// Start opens the directory and the sockets and begins to serve. The control channels are
// set up in the background. Until one is up, callers get 503.
func Start(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.MediaServers = slices.Clone(cfg.MediaServers)
	s := &Server{cfg: cfg, loaded: loaded{cfg: cfg}, log: log, metrics: newMetrics(), life: newLifetime(), cluster: &cluster{}}
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
	s.cluster.balancer = balance.New(s.cfg.Store.FailureRest)
	memory := access.NewMemory(s.cfg.Limits.Memory)
	if err = s.openSIP(memory); err != nil {
		return err
	}
	s.mailboxes = s.newMailboxes(memory, s.presence, s.newPushService())
	s.reports = s.newReports()
	s.registerState(memory)
	if err = s.openAdmin(); err != nil {
		return err
	}
	if err = s.SetMediaServers(s.cfg.MediaServers); err != nil {
		return err
	}
	s.mailboxes.Start(s.life.ctx)
	close(s.life.ready)
	s.pingNeighbours(startPings)
	s.log.Info("application server is up", "sip", s.Addr(), "admin", s.admin.Addr(), "recipients", s.mailboxes.Len())
	return nil
}

// openSIP makes the user agent, and what lets requests in.
func (s *Server) openSIP(memory *budget.Budget) error {
	rules, err := access.NewRules(s.cfg.Access)
	if err != nil {
		return err
	}
	s.gate = access.NewGate(access.GateConfig{
		Rules: rules, Limits: s.cfg.Limits, Memory: memory, RetryAfter: s.cfg.Store.RetryAfter, Ready: s.life.awaitReady, Log: s.log,
		Rejected: func(why string) { s.metrics.rejected.WithLabelValues(why).Inc() },
	})
	cfg, err := s.sipConfig()
	if err != nil {
		return err
	}
	handlers := sipua.Handlers{Invite: s.handleInvite, Intercept: s.gate.Intercept, Admit: s.gate.Judge}
	if methods := s.cfg.Presence.Methods(); len(methods) > 0 {
		handlers.Methods, handlers.Other = methods, s.handleRegister
	}
	ua, err := sipua.New(cfg, handlers)
	if err != nil {
		return fmt.Errorf("sip: %w", err)
	}
	s.gate.Use(ua)
	s.legs = &legs{
		ua: ua, self: "sip:" + s.cfg.SIP.User + "@" + ua.Addr(), name: s.cfg.Name, run: rand.Text(),
		timeout: s.cfg.Store.InviteTimeout, ctx: s.life.ctx,
	}
	s.presence, err = presence.New(presence.Config{
		Settings: s.cfg.Presence, UA: ua, From: s.legs.self, Log: s.log,
		Count: func(state string) { s.metrics.presence.WithLabelValues(state).Inc() },
	})
	return err
}

func (s *Server) sipConfig() (sipua.Config, error) {
	cfg := sipua.Config{
		Addr: s.cfg.SIP.Listen, User: s.cfg.SIP.User, UserAgent: "gomscp-as", Logger: s.log,
		SessionExpires: s.cfg.SIP.SessionExpires, IsPeer: s.gate.IsPeer,
		MaxStrangers: s.cfg.Limits.Connections, MaxStrangersSource: s.cfg.Limits.SourceConnections, Network: s.cfg.Network,
	}
	if s.trace.Enabled() {
		cfg.Trace = func(e sipua.TraceEvent) {
			s.trace.Record(daemon.TraceRecord{
				Time: e.Time, Protocol: "SIP", Direction: daemon.Direction(e.Sent),
				Local: e.Local, Peer: e.Remote, Raw: string(e.Raw), Size: len(e.Raw),
			})
		}
	}
	err := s.certificate.Open(sipua.LoadCertificate, s.cfg.TLS)
	if err != nil || !s.cfg.TLS.Enabled() {
		return cfg, err
	}
	roots, err := s.cfg.TLS.Roots()
	if err != nil {
		return cfg, fmt.Errorf("tls.ca: %w", err)
	}
	cfg.TLS = &sipua.TLSConfig{
		Addr: s.cfg.SIP.TLSListen, Certificate: s.certificate.Current, RootCAs: roots,
		RequireClientCert: s.cfg.SIP.RequireClientCertificate,
	}
	return cfg, nil
}

// newMailboxes makes the mailboxes, which do nothing yet.
func (s *Server) newMailboxes(memory *budget.Budget, presence mailbox.Presence, pusher mailbox.Pusher) *mailbox.Mailboxes {
	return mailbox.New(mailbox.Config{
		Directory: entries{s.dir}, Presence: presence, Pusher: pusher,
		Delay: s.cfg.Push.Delay, RetryMin: s.cfg.Push.RetryMin, RetryMax: s.cfg.Push.RetryMax,
		MaxRecipients: s.cfg.Store.MaxRecipients, Memory: memory, Go: s.life.tasks.Go, Log: s.log,
	})
}

func (s *Server) newPushService() *pushService {
	return &pushService{
		legs: s.legs, cfg: s.cfg.Push, proxy: s.cfg.OutboundProxy, servers: &s.cluster.List, metrics: s.metrics, log: s.log,
	}
}

func (s *Server) newReports() *reports {
	return &reports{
		cfg: s.cfg, legs: s.legs, cluster: s.cluster, dir: s.dir, mailboxes: s.mailboxes,
		metrics: s.metrics, life: s.life, log: s.log, adding: make(chan struct{}, maxAdding),
	}
}

func (s *Server) openAdmin() (err error) {
	s.admin, err = daemon.ServeAdmin(daemon.AdminConfig{
		Addr: s.cfg.Admin, Hosts: s.cfg.AdminHosts, Node: s.cfg.Name, Registry: s.metrics.reg, Ready: s.Ready, Pages: s.adminPages(), Log: s.log,
	})
	if err != nil {
		return err
	}
	s.metrics.reg.MustRegister(daemon.PortCollector("mscp_as", daemon.Ports{
		"sip": s.legs.ua.Connections, "sip_calls": s.legs.ua.Unanswered, "admin": s.admin.Counts,
	}))
	return nil
}

// handleInvite serves one call from the outside until it has ended.
func (s *Server) handleInvite(in *sipua.IncomingCall) {
	if s.life.awaitReady() {
		s.life.tasks.Do(func() { s.newIncoming().serve(in) })
	}
}

func (s *Server) newIncoming() *incoming {
	return &incoming{
		gate: s.gate, recipient: s.cfg.Recipient, metrics: s.metrics, log: s.log,
		store: &storeService{
			legs: s.legs, cfg: s.cfg.Store, balancer: s.cluster.balancer, mailboxes: s.mailboxes, metrics: s.metrics, log: s.log,
		},
	}
}

// handleRegister serves a REGISTER of the registrar.
func (s *Server) handleRegister(req *sip.Request, tx sip.ServerTransaction) {
	if s.life.awaitReady() {
		s.presence.Register(req, tx)
	}
}

// Close ends all sessions with BYE and closes everything. The directory keeps its
// entries. Close waits a few seconds at most, and may be called again.
func (s *Server) Close() error {
	return s.life.end(func() error {
		errs := []error{s.admin.Close()}
		if s.legs != nil {
			// A caller whose ACK is still under way has a call that nothing else ends.
			ctx, cancel := context.WithTimeout(context.Background(), byeTimeout)
			errs = append(errs, s.legs.ua.Shutdown(ctx))
			cancel()
		}
		s.presence.Close()
		if s.dir != nil {
			errs = append(errs, s.dir.Close())
		}
		errs = append(errs, s.trace.Close())
		return errors.Join(errs...)
	})
}
