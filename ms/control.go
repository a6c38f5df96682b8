package ms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// A control is one control dialog of the AS with its MSCP channel.
type control struct {
	s       *Server
	log     *slog.Logger
	inviter netip.Addr // where the INVITE came from
}

// serveControl answers an INVITE that offers TCP/MS and serves its channel
// until the dialog ends. See the draft, section 7.2.1.
func (s *Server) serveControl(in *sipua.IncomingCall, log *slog.Logger) error {
	c := &control{s: s, log: log, inviter: in.Peer.Addr.Addr()}
	a := c.acceptor()
	answer, err := a.Answer(in.Body)
	if err != nil {
		return notAcceptable(in, s.cfg.Name, err)
	}
	defer a.Close()
	in.OnReinvite(func(_ context.Context, offer []byte) ([]byte, error) { return a.Answer(offer) })
	call, _, err := in.Answer(s.life.ctx, answer, sdpType)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	defer endCall(call)
	ctx, cancel := context.WithCancel(s.life.ctx)
	defer cancel()
	call.AfterEnd(cancel)
	if err := a.Run(ctx); err != nil { // its AS may have been restarted
		log.Warn("control dialog without a connection is ended")
	}
	return nil
}

// maxControls and maxSourceControls bound the control dialogs, in all and of one
// application server's address. Each may have a port of its own. Those that a server
// leaves behind when it crashes end after the setting orphan.
const (
	maxControls       = 1024
	maxSourceControls = 512
)

// withPlace serves a control dialog if there is a place for it.
func (s *Server) withPlace(in *sipua.IncomingCall, log *slog.Logger, serve func(*sipua.IncomingCall, *slog.Logger) error) error {
	place, err := s.controls.Enter(in.Peer.Addr.Addr(), false, func() {})
	if err != nil {
		return errors.Join(err, in.Reject(480, "Too Many Control Dialogs", sipua.Header{Name: "Retry-After", Value: "5"}))
	}
	place.Prove() // nobody loses a channel for another's
	defer place.Leave()
	return serve(in, log)
}

// acceptor is the MS's side of the dialog, with what is configured.
func (c *control) acceptor() *mscp.Acceptor {
	s := c.s
	return &mscp.Acceptor{
		Serve: c.serve, Ended: c.ended, Host: s.cfg.Control.Host, Check: c.checkOffer, Certificate: s.certificate.Current,
		Listen: func() (net.Listener, error) {
			return listenInRange(s.cfg.Network.WithDefaults(), s.cfg.Control.Host, s.cfg.Control.PortMin, s.cfg.Control.PortMax)
		},
		Admit: func(conn net.Conn) bool {
			ok := s.access.mayControl(conn, c.inviter)
			if !ok {
				s.access.rejected("mscp", conn.RemoteAddr().String())
			}
			return ok
		},
		AcceptTimeout: s.cfg.Control.AcceptTimeout, Orphan: s.cfg.Orphan, Logger: c.log,
	}
}

// checkOffer returns what is wrong with the offer of a channel.
func (c *control) checkOffer(m *mscp.Media) error {
	switch {
	case m.TLS && !c.s.cfg.TLS.Enabled():
		return fmt.Errorf("the offer is for TLS: %w: %w", daemon.ErrNoCertificate, errTransport)
	case m.TLS:
		return m.CheckTLS("active")
	case c.s.cfg.Control.RequireTLS:
		return fmt.Errorf("the offer is without TLS, which control.require_tls asks for: %w", errTransport)
	}
	return m.CheckOffer()
}

func (c *control) serve(conn net.Conn) *mscp.Server {
	c.log.Info("control channel is up", "peer", conn.RemoteAddr())
	c.s.metrics.channels.Inc()
	asker := c.s.newAsker()
	srv := mscp.NewServer(conn, asker.handle, c.s.mscp)
	asker.bind(srv)
	c.s.notices.channels.add(srv)
	return srv
}

func (c *control) ended(srv *mscp.Server) {
	c.s.notices.channels.remove(srv)
	c.s.metrics.channels.Dec()
	c.log.Info("control channel ended", "err", srv.Err())
}

// listenInRange listens on the first free port from min to max, both 0 for any
// port.
func listenInRange(network sipua.Network, host string, min, max int) (net.Listener, error) {
	var err error
	for port := min; port <= max; port++ {
		var ln net.Listener
		if ln, err = network.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			return ln, nil
		}
	}
	return nil, fmt.Errorf("no free port from %d to %d: %w", min, max, err)
}
