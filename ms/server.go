package ms

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/mscp/mediaserver"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

const (
	sdpType = "application/sdp"

	// byeTimeout bounds how long the end of one SIP dialog is waited for.
	byeTimeout = 5 * time.Second
)

// Server is a running media server.
type Server struct {
	cfg  Config
	log  *slog.Logger
	ua   *sipua.UA
	msrp *msrpPort
	mscp mscp.Config
	// draft refuses what is not about messages; it knows the connections.
	draft *mediaserver.Server

	life        *lifecycle
	notices     *notices
	store       *store.Store
	connections *connections
	pushing     *pairLocks
	inventories chan struct{} // has a token for each inventory that is being sent
	metrics     *metrics
	admin       *daemon.Admin
	trace       *daemon.TraceWriter
	peers       atomic.Pointer[daemon.Peers] // the application servers
	controls    *admit.Gate                  // control dialogs
	memory      *memory.Pool
	quiet       quietlog.Log // for what strangers do
	certificate daemon.Certificate
	bound       chan struct{} // closed when ua is set

	reloading sync.Mutex
	loaded    Config // by the last Reload, or cfg

	closeOnce sync.Once
	closeErr  error
}

// Start opens the store and the sockets and begins to serve.
func Start(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{controls: admit.NewGate(admit.Limits{Source: maxSourceControls, All: maxControls}), cfg: cfg, loaded: cfg, log: log, connections: newConnections(), pushing: newPairLocks(), inventories: make(chan struct{}, maxInventories), metrics: newMetrics(), bound: make(chan struct{}), life: newLifecycle()}
	s.notices = newNotices(s.life, log)
	s.msrp = &msrpPort{cfg: &s.cfg, life: s.life, log: log, certificate: &s.certificate}
	s.memory = memory.New(cfg.Limits.Memory, func(part string) {
		s.quiet.Warn(s.log, "memory for peers is used up", "memory of "+part, "of", part)
	})
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
	if s.store, err = store.Open(s.cfg.Store, store.Options{Logger: s.log, Limits: s.cfg.Limits.store(), TimeToLive: s.cfg.TimeToLive, Changed: s.notices.changes.note}); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	s.notices.store = s.store
	if err = s.certificate.Open(sipua.LoadCertificate, s.cfg.TLS); err != nil {
		return err
	}
	if err = s.openMSCP(); err != nil {
		return err
	}
	if err = s.msrp.open(s.memory.Stores, s.trace); err != nil {
		return err
	}
	if err = s.openSIP(); err != nil {
		return err
	}
	s.metrics.registerState(s)
	s.life.tasks.Go(s.expire)
	s.life.tasks.Go(s.notices.tellStoreChanges)
	s.admin, err = daemon.ServeAdmin(daemon.AdminConfig{
		Addr: s.cfg.Admin, Hosts: s.cfg.AdminHosts, Node: s.cfg.Name, Registry: s.metrics.reg, Ready: func() error { return nil },
		Pages: s.adminPages(), Log: s.log,
	})
	if err != nil {
		return err
	}
	s.metrics.reg.MustRegister(daemon.PortCollector("mscp_mediaserver", s.ports()))
	s.log.Info("media server is up", "sip", s.ua.Addr(), "msrp", s.msrp.plain.Addr(), "msrp_tls", s.msrp.secureAddr(), "admin", s.admin.Addr())
	return nil
}

func (s *Server) openMSCP() error {
	dialect, err := s.cfg.Control.dialect()
	if err != nil {
		return err
	}
	s.mscp = mscp.Config{Dialect: dialect, Logger: s.log}
	s.draft = mediaserver.New(mediaserver.Functions{HasConnection: func(id string) bool { return s.connections.get(id) != nil }})
	if s.trace.Enabled() {
		s.mscp.Trace = func(e mscp.TraceEvent) {
			s.trace.Record(daemon.TraceRecord{
				Time: e.Time, Protocol: "MSCP", Direction: daemon.Direction(e.Sent),
				Local: e.Local.String(), Peer: e.Remote.String(), Raw: string(e.Raw), Size: len(e.Raw),
			})
		}
	}
	return nil
}

func (s *Server) openSIP() (err error) {
	peers, err := s.cfg.Access.parse()
	if err != nil {
		return err
	}
	s.peers.Store(peers)
	cfg := sipua.Config{
		Addr: s.cfg.SIP.Listen, User: s.cfg.SIP.User, UserAgent: "gomscp-ms", Logger: s.log, IsPeer: s.isPeer, Network: s.cfg.Network,
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
	if s.ua, err = sipua.New(cfg, sipua.Handlers{Invite: s.handleInvite, Admit: s.judge}); err != nil {
		return fmt.Errorf("sip: %w", err)
	}
	close(s.bound)
	return nil
}

// handleInvite serves one SIP dialog until it has ended. What the INVITE
// offers tells what it is for.
func (s *Server) handleInvite(in *sipua.IncomingCall) {
	select {
	case <-s.bound:
	case <-s.life.ctx.Done():
	}
	if !s.life.tasks.Do(func() { s.serveDialog(in) }) {
		_ = in.Reject(503, "Server Is Closing") // the peer may be gone
	}
}

var errClosing = errors.New("the server is closing")

// serveSession runs a dialog that Close lets come to its end.
func (s *Server) serveSession(in *sipua.IncomingCall, conn *connection, serve func(*sipua.IncomingCall, *connection) error) (err error) {
	defer close(conn.over)
	if !s.life.sessions.Do(func() { err = serve(in, conn) }) {
		return errors.Join(errClosing, in.Reject(503, "Server Is Closing"))
	}
	return err
}

func (s *Server) serveDialog(in *sipua.IncomingCall) {
	log := s.dialogLog(in)
	in.SetLogger(log)
	kind, fault := kindOf(in.Body)
	began := time.Now()
	log.Debug("dialog begins", "for", kind.String(), "connection", in.ID().String())
	conn := newConnection(in.ID().String(), kind, log)
	var err error
	switch kind {
	case controlDialog:
		err = s.withPlace(in, log, s.serveControl)
	case infoDialog:
		err = s.withPlace(in, log, s.serveInfo)
	case storeDialog:
		err = s.serveSession(in, conn, s.serveStore)
	case pushDialog:
		err = s.serveSession(in, conn, s.servePush)
	default:
		err = s.notAcceptable(in, fault)
	}
	switch {
	case kind == storeDialog || kind == pushDialog:
		conn.logEnd(began, err)
	case err != nil:
		log.Info("call refused", "for", kind.String(), "err", err)
	}
}

// dialogLog is the logger of a call: its lines have the name that the AS's have, or
// the connection's identifier where the AS gives none.
func (s *Server) dialogLog(in *sipua.IncomingCall) *slog.Logger {
	if id := sessionID(in.Header("Session-ID")); id != "" {
		return s.log.With("session", id)
	}
	return s.log.With("connection", in.ID().String())
}

// sessionID is the identifier that a Session-ID header brings, which names the call
// in the AS's log too; "" without a good one. See RFC 7989.
func sessionID(header string) string {
	id, _, _ := strings.Cut(header, ";")
	if b, err := hex.DecodeString(id); err != nil || len(b) != 16 {
		return ""
	}
	return id
}

var (
	errNoMedia   = errors.New("the offer has neither an MSRP nor an MSCP m-line that can be taken")
	errTransport = errors.New("the transport is not one that this server takes")
)

type dialogKind int

const (
	unknownDialog dialogKind = iota
	controlDialog
	infoDialog
	storeDialog
	pushDialog
)

// String is the kind as it is logged.
func (k dialogKind) String() string {
	switch k {
	case controlDialog:
		return "control"
	case infoDialog:
		return "control over INFO"
	case storeDialog:
		return "store"
	case pushDialog:
		return "push"
	}
	return "nothing"
}

// kindOf tells what an INVITE with that body is for; the error tells why it is for
// nothing.
func kindOf(offer []byte) (dialogKind, error) {
	if len(offer) == 0 {
		return pushDialog, nil
	}
	if _, err := mscp.ParseSDP(offer); err == nil {
		return controlDialog, nil
	}
	if mscp.IsInfoSDP(offer) {
		return infoDialog, nil
	}
	m, err := msrp.ParseSDP(offer)
	switch {
	case errors.Is(err, msrp.ErrNoMSRP), err == nil && m.Rejected():
		return unknownDialog, errNoMedia
	case err != nil:
		return unknownDialog, err
	}
	return storeDialog, nil
}

// notAcceptable refuses an offer, and tells the caller why. See RFC 3261, section
// 21.4.26.
func (s *Server) notAcceptable(in *sipua.IncomingCall, why error) error {
	return errors.Join(why, in.Reject(488, "Not Acceptable Here", s.warning(why)))
}

// changeRefused is notAcceptable for the offer of a re-INVITE or an UPDATE.
func (s *Server) changeRefused(why error) error {
	return &sipua.StatusError{Code: 488, Headers: []sipua.Header{s.warning(why)}}
}

// warning tells why an offer is refused. See RFC 3261, section 20.43.
func (s *Server) warning(why error) sipua.Header {
	code := sipua.WarnSyntax
	switch {
	case errors.Is(why, content.ErrFilePull):
		code = sipua.WarnAttribute
	case errors.Is(why, errNoMedia):
		code = sipua.WarnMediaType
	case errors.Is(why, errNoSecureMSRP), errors.Is(why, errOtherTransport), errors.Is(why, errTransport):
		code = sipua.WarnTransportProtocol
	}
	return sipua.WarningHeader(code, s.cfg.Name, why.Error())
}

// Addr is the host:port where the server takes SIP.
func (s *Server) Addr() string { return s.ua.Addr() }

// Registry returns the server's metrics, for one who embeds it.
func (s *Server) Registry() *prometheus.Registry { return s.metrics.reg }

// Store is the server's store of messages.
func (s *Server) Store() *store.Store { return s.store }

// Close takes no new session, answers the messages that have arrived whole as they
// turn out, ends all sessions with BYE, and closes everything. What is stored stays
// for the next start. It waits for the disk, about half a minute at the most, and may
// be called again.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
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
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}

// endCall ends a SIP dialog within a bounded time, whoever's context is over.
func endCall(call *sipua.Call) {
	ctx, cancel := context.WithTimeout(context.Background(), byeTimeout)
	defer cancel()
	_ = call.Bye(ctx) // the peer may be gone; the dialog is over all the same
}
