package ms

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/mscp/mediaserver"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// Server is a running media server.
type Server struct {
	*shared
	quiet       quietlog.Log // about strangers, and about memory that is used up
	access      *access
	certificate daemon.Certificate
	changes     *storeChanges
	controls    *controls
	sessions    *sessions
	invites     *invites
	msrp        *msrpPort
	ua          *sipua.UA
	admin       *daemon.Admin
	trace       *daemon.TraceWriter
	end         func() error // close, once

	reloading sync.Mutex
	loaded    Config // by the last Reload, or cfg
}

// Start opens the store and the sockets and begins to serve.
func Start(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{shared: &shared{cfg: &cfg, log: log, life: newLifecycle(), metrics: newMetrics()}, changes: newStoreChanges(), loaded: cfg}
	s.end = sync.OnceValue(s.close)
	s.memory = memory.New(cfg.Limits.Memory, func(part string) {
		s.quiet.Warn(s.log, "memory for peers is used up", "memory of "+part, "of", part)
	})
	s.access = &access{log: log, quiet: &s.quiet, strangers: s.metrics.rejected}
	s.msrp = &msrpPort{cfg: s.cfg, life: s.life, log: log, certificate: &s.certificate}
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
	if s.store, err = store.Open(s.cfg.Store, store.Options{
		Logger: s.log, Limits: s.cfg.Limits.store(), TimeToLive: s.cfg.TimeToLive, Changed: s.changes.note,
	}); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	s.notices = newNotices(s.life, s.log, s.store)
	if err = s.certificate.Open(sipua.LoadCertificate, s.cfg.TLS); err != nil {
		return err
	}
	if err = s.connect(); err != nil {
		return err
	}
	if err = s.msrp.open(s.memory.Stores, s.trace); err != nil {
		return err
	}
	if err = s.openSIP(); err != nil {
		return err
	}
	s.life.tasks.Go(s.expire)
	s.life.tasks.Go(func() { s.changes.tell(s.notices) })
	return s.openAdmin()
}

// openAdmin opens the admin endpoint, with the metrics that are read at scrape time.
func (s *Server) openAdmin() (err error) {
	s.metrics.reg.MustRegister(&storeCollector{s.store}, memory.Collector{Pool: s.memory},
		gauge("mscp_mediaserver_store_sessions", "Live store sessions.", func() int { n, _ := s.sessions.dialogs.counts(); return n }),
		gauge("mscp_mediaserver_push_sessions", "Live push sessions.", func() int { _, n := s.sessions.dialogs.counts(); return n }))
	s.admin, err = daemon.ServeAdmin(daemon.AdminConfig{
		Addr: s.cfg.Admin, Hosts: s.cfg.AdminHosts, Node: s.cfg.Name, Registry: s.metrics.reg, Ready: func() error { return nil },
		Pages: adminPages(s.store), Log: s.log,
	})
	if err != nil {
		return err
	}
	s.metrics.reg.MustRegister(daemon.PortCollector("mscp_mediaserver", s.ports()))
	s.log.Info("media server is up", "sip", s.ua.Addr(), "msrp", s.msrp.plain.Addr(), "msrp_tls", s.msrp.secureAddr(), "admin", s.admin.Addr())
	return nil
}

// ports are the server's, by their names in metrics.
func (s *Server) ports() daemon.Ports {
	p := daemon.Ports{
		"sip": s.ua.Connections, "sip_calls": s.ua.Unanswered, "mscp": s.controls.places.Counts, "msrp": s.msrp.plain.Counts, "admin": s.admin.Counts,
	}
	if s.msrp.secure != nil {
		p["msrps"] = s.msrp.secure.Counts
	}
	return p
}

// connect joins what serves dialogs: requests come in by controls, and sessions by INVITEs.
func (s *Server) connect() error {
	config, err := s.mscpConfig()
	if err != nil {
		return err
	}
	all := newDialogs()
	s.controls = &controls{
		cfg: s.cfg, log: s.log, life: s.life, access: s.access, certificate: &s.certificate, config: config,
		channels: &s.notices.channels, up: s.metrics.channels,
		places: admit.NewGate(admit.Limits{Source: maxSourceControls, All: maxControls}),
		answerer: &answerer{
			shared: s.shared, dialogs: all, deliveries: &deliveries{shared: s.shared, dialogs: all},
			pushing: newPairLocks(), inventories: make(chan struct{}, maxInventories),
			draft: mediaserver.New(mediaserver.Functions{HasConnection: func(id string) bool { return all.get(id) != nil }}),
		},
	}
	s.sessions = &sessions{shared: s.shared, quiet: &s.quiet, msrp: s.msrp, dialogs: all, controls: s.controls}
	s.invites = &invites{shared: s.shared, bound: make(chan struct{}), sessions: s.sessions, controls: s.controls}
	return nil
}

func (s *Server) mscpConfig() (mscp.Config, error) {
	dialect, err := s.cfg.Control.dialect()
	c := mscp.Config{Dialect: dialect, Logger: s.log}
	if s.trace.Enabled() {
		c.Trace = func(e mscp.TraceEvent) {
			s.trace.Record(daemon.TraceRecord{
				Time: e.Time, Protocol: "MSCP", Direction: daemon.Direction(e.Sent),
				Local: e.Local.String(), Peer: e.Remote.String(), Raw: string(e.Raw), Size: len(e.Raw),
			})
		}
	}
	return c, err
}

func (s *Server) openSIP() (err error) {
	peers, err := s.cfg.Access.parse()
	if err != nil {
		return err
	}
	s.access.peers.Store(peers)
	cfg := sipua.Config{
		Addr: s.cfg.SIP.Listen, User: s.cfg.SIP.User, UserAgent: "gomscp-ms", Logger: s.log, IsPeer: s.access.isPeer, Network: s.cfg.Network,
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
	if s.ua, err = sipua.New(cfg, sipua.Handlers{Invite: s.invites.handleInvite, Admit: s.access.judge}); err != nil {
		return fmt.Errorf("sip: %w", err)
	}
	close(s.invites.bound)
	return nil
}

// sipTLS is what the user agent needs for SIP over TLS; nil without.
func (s *Server) sipTLS() (*sipua.TLSConfig, error) {
	if !s.cfg.TLS.Enabled() {
		return nil, nil
	}
	roots, err := s.cfg.TLS.Roots()
	if err != nil {
		return nil, fmt.Errorf("tls.ca: %w", err)
	}
	return &sipua.TLSConfig{
		Addr: s.cfg.SIP.TLSListen, Certificate: s.certificate.Current, RootCAs: roots,
		RequireClientCert: s.cfg.SIP.RequireClientCertificate,
	}, nil
}

// Addr returns the host:port where the server accepts SIP.
func (s *Server) Addr() string { return s.ua.Addr() }

// TLSAddr returns the host:port where the server accepts SIP over TLS, "" without TLS.
func (s *Server) TLSAddr() string { return s.ua.TLSAddr() }

// Registry returns the server's metrics, for a program that embeds the server.
func (s *Server) Registry() *prometheus.Registry { return s.metrics.reg }

// Store returns the server's store of messages.
func (s *Server) Store() *store.Store { return s.store }

// Close accepts no new session, answers the messages that have arrived completely when
// their result is known, ends all sessions with BYE, and closes everything. Stored
// messages stay. It waits for the disk, about half a minute at most, and may be called
// again.
func (s *Server) Close() error { return s.end() }

func (s *Server) close() error {
	s.life.drain()
	var errs []error
	errs = append(errs, s.admin.Close())
	if s.ua != nil {
		errs = append(errs, s.ua.Close())
	}
	errs = append(errs, s.msrp.close())
	if s.store != nil {
		errs = append(errs, s.store.Close())
		s.life.late.Wait()
	}
	errs = append(errs, s.trace.Close())
	return errors.Join(errs...)
}
