package ms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// controls serve the control channels of the application servers, over TCP and INFO.
type controls struct {
	cfg         *Config
	log         *slog.Logger
	life        *lifecycle
	access      *access
	certificate *daemon.Certificate
	config      mscp.Config
	answerer    *answerer
	channels    *channels
	up          prometheus.Gauge // channels
	places      *admit.Gate      // for control dialogs
}

// A control is one control dialog of the AS with its MSCP channel.
type control struct {
	*controls
	log     *slog.Logger
	inviter netip.Addr // where the INVITE came from
}

// serveControl answers an INVITE that offers TCP/MS and serves its channel
// until the dialog ends. See the draft, section 7.2.1.
func (cs *controls) serveControl(in *sipua.IncomingCall, log *slog.Logger) error {
	c := &control{controls: cs, log: log, inviter: in.Peer.Addr.Addr()}
	a := c.acceptor()
	answer, err := a.Answer(in.Body)
	if err != nil {
		return notAcceptable(in, c.cfg.Name, err)
	}
	defer a.Close()
	in.OnReinvite(func(_ context.Context, offer []byte) ([]byte, error) { return a.Answer(offer) })
	call, _, err := in.Answer(cs.life.ctx, answer, sdpType)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	defer call.End(byeTimeout)
	ctx, cancel := context.WithCancel(cs.life.ctx)
	defer cancel()
	call.AfterEnd(cancel)
	if err := a.Run(ctx); err != nil { // its AS may have been restarted
		log.Warn("control dialog ended: it has no connection")
	}
	return nil
}

// withPlace serves a control dialog if there is a place for it.
func (cs *controls) withPlace(in *sipua.IncomingCall, log *slog.Logger, serve func(*sipua.IncomingCall, *slog.Logger) error) error {
	place, err := cs.places.Enter(in.Peer.Addr.Addr(), false, func() {})
	if err != nil {
		return errors.Join(err, in.Reject(480, "Too Many Control Dialogs", sipua.Header{Name: "Retry-After", Value: "5"}))
	}
	place.Prove() // no channel is ended to make room for another
	defer place.Leave()
	return serve(in, log)
}

// acceptor is the MS's side of the dialog, as configured.
func (c *control) acceptor() *mscp.Acceptor {
	return &mscp.Acceptor{
		Serve: c.serve, Ended: c.ended, Host: c.cfg.Control.Host, Check: c.checkOffer, Certificate: c.certificate.Current,
		Listen: func() (net.Listener, error) {
			return listenInRange(c.cfg.Network.WithDefaults(), c.cfg.Control.Host, c.cfg.Control.PortMin, c.cfg.Control.PortMax)
		},
		Admit: func(conn net.Conn) bool {
			ok := c.access.mayControl(conn, c.inviter)
			if !ok {
				c.access.rejected("mscp", conn.RemoteAddr().String())
			}
			return ok
		},
		AcceptTimeout: c.cfg.Control.AcceptTimeout, Orphan: c.cfg.Orphan, Logger: c.log,
	}
}

// checkOffer returns what is wrong with the offer of a channel.
func (c *control) checkOffer(m *mscp.Media) error {
	switch {
	case m.TLS && !c.cfg.TLS.Enabled():
		return fmt.Errorf("the offer is for TLS: %w: %w", daemon.ErrNoCertificate, errTransport)
	case m.TLS:
		return m.CheckTLS("active")
	case c.cfg.Control.RequireTLS:
		return fmt.Errorf("the offer is without TLS, which control.require_tls asks for: %w", errTransport)
	}
	return m.CheckOffer()
}

func (c *control) serve(conn net.Conn) *mscp.Server {
	c.log.Info("control channel is up", "peer", conn.RemoteAddr())
	c.up.Inc()
	asker := c.answerer.newAsker()
	srv := mscp.NewServer(conn, asker.handle, c.config)
	asker.bind(srv)
	c.channels.add(srv)
	return srv
}

func (c *control) ended(srv *mscp.Server) {
	c.channels.remove(srv)
	c.up.Dec()
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
