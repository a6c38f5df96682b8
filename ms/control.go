package ms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// A control is one control dialog of the AS and its MSCP channel. The
// goroutine in serveControl owns it; re-INVITEs hand it new listeners.
type control struct {
	s         *Server
	log       *slog.Logger
	inviter   netip.Addr   // where the INVITE came from
	listeners chan invited // of capacity 1: where the AS is to connect next
	port      atomic.Int64 // where the connection that is being served was made; 0 without one
}

// serveControl answers an INVITE that offers TCP/MS and serves its channel
// until the dialog ends. See the draft, section 7.2.1.
func (s *Server) serveControl(in *sipua.IncomingCall, log *slog.Logger) error {
	c := &control{s: s, log: log, inviter: in.Peer.Addr.Addr(), listeners: make(chan invited, 1)}
	answer, err := c.offered(in.Body)
	if err != nil {
		return s.notAcceptable(in, err)
	}
	defer c.closeListener()
	in.OnReinvite(func(_ context.Context, offer []byte) ([]byte, error) { return c.offered(offer) })
	call, _, err := in.Answer(s.ctx, answer, sdpType)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	defer endCall(call)
	c.run(call)
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

// An invited listener waits for the connection that an offer describes.
type invited struct {
	net.Listener
	offer *mscp.Media
}

// offered opens a listener of its own for an offer, since nothing but the port
// ties a TCP connection to its dialog, and makes the answer. A connection that
// is there stays, if that is what is offered.
func (c *control) offered(offer []byte) ([]byte, error) {
	m, err := mscp.ParseSDP(offer)
	if err != nil {
		return nil, err
	}
	if err := c.checkOffer(m); err != nil {
		return nil, err
	}
	if port := c.port.Load(); port != 0 && m.Connection == "existing" {
		return c.describe(m.Keep(c.s.cfg.Control.Host, int(port)), offer)
	}
	ln, err := listenInRange(c.s.cfg.Network.WithDefaults(), c.s.cfg.Control.Host, c.s.cfg.Control.PortMin, c.s.cfg.Control.PortMax)
	if err != nil {
		return nil, err
	}
	answer, err := c.describe(m.Answer(c.s.cfg.Control.Host, ln.Addr().(*net.TCPAddr).Port), offer)
	if err != nil {
		ln.Close()
		return nil, err
	}
	c.closeListener() // an earlier offer that was never used
	c.listeners <- invited{ln, m}
	return answer, nil
}

func (c *control) closeListener() {
	select {
	case ln := <-c.listeners:
		ln.Close()
	default:
	}
}

// run serves one TCP connection after the other until the dialog ends. A
// dialog that has none for long is ended: its AS may have been restarted.
func (c *control) run(call *sipua.Call) {
	for {
		orphan := time.NewTimer(c.s.cfg.Orphan)
		select {
		case ln := <-c.listeners:
			orphan.Stop()
			conn, err := c.accept(call, ln)
			if err != nil {
				c.log.Warn("no control connection came", "err", err)
				continue
			}
			c.port.Store(int64(ln.Addr().(*net.TCPAddr).Port))
			c.serve(call, conn)
			c.port.Store(0)
		case <-call.Done():
			orphan.Stop()
			return
		case <-c.s.ctx.Done():
			orphan.Stop()
			return
		case <-orphan.C:
			c.log.Warn("control dialog without a connection is ended")
			return
		}
	}
}

// accept takes the one connection that ln is for, and closes ln.
func (c *control) accept(call *sipua.Call, ln invited) (net.Conn, error) {
	defer ln.Close()
	done := make(chan struct{})
	defer close(done)
	go func() { // the end of the dialog or the server ends the wait
		select {
		case <-call.Done():
		case <-c.s.ctx.Done():
		case <-done:
		}
		ln.Close()
	}()
	if tl, ok := ln.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		_ = tl.SetDeadline(time.Now().Add(c.s.cfg.Control.AcceptTimeout))
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return nil, err
		}
		if !c.s.mayControl(conn, c.inviter) {
			c.s.rejected("mscp", conn.RemoteAddr().String())
			conn.Close() // a stranger does not take the one place
			continue
		}
		secured, err := c.secure(conn, ln.offer)
		if err == nil {
			return secured, nil
		}
		c.log.Warn("control connection refused", "peer", conn.RemoteAddr(), "err", err)
	}
}

// serve runs the channel until it or the dialog ends.
func (c *control) serve(call *sipua.Call, conn net.Conn) {
	c.log.Info("control channel is up", "peer", conn.RemoteAddr())
	c.s.metrics.channels.Inc()
	defer c.s.metrics.channels.Dec()
	asker := c.s.newAsker()
	srv := mscp.NewServer(conn, asker.handle, c.s.mscp)
	asker.bind(srv)
	defer srv.Close()
	c.s.channels.add(srv)
	defer c.s.channels.remove(srv)
	select {
	case <-srv.Done():
		c.log.Info("control channel ended", "err", srv.Err())
	case <-call.Done():
	case <-c.s.ctx.Done(): // the answers about sessions that have ended go out first
		ctx, cancel := context.WithTimeout(context.Background(), channelTimeout)
		defer cancel()
		_ = srv.Shutdown(ctx)
	}
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

// A notifier is the end of a channel, over TCP or INFO.
type notifier interface {
	Notify(ctx context.Context, e mscp.Element) error
}

// channels are the control channels that are up.
type channels struct {
	mu  sync.Mutex
	all map[notifier]bool
}

func (cs *channels) add(srv notifier) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.all == nil {
		cs.all = map[notifier]bool{}
	}
	cs.all[srv] = true
}

func (cs *channels) remove(srv notifier) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.all, srv)
}

// notify sends e on every channel; one that fails ends by itself.
func (cs *channels) notify(ctx context.Context, e mscp.Element) {
	cs.mu.Lock()
	all := make([]notifier, 0, len(cs.all))
	for srv := range cs.all {
		all = append(all, srv)
	}
	cs.mu.Unlock()
	for _, srv := range all {
		_ = srv.Notify(ctx, e)
	}
}
