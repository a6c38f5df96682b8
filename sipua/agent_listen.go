package sipua

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// listen binds the two sockets at the same port.
func (ua *agent) listen() error {
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

// unbind closes the sockets.
func (ua *agent) unbind() {
	ua.packets.Close()
	ua.listener.Close()
	if ua.secure.listener != nil {
		ua.secure.listener.Close()
	}
}

// listenTLS binds the socket for TLS.
func (ua *agent) listenTLS() (err error) {
	c := ua.cfg.TLS
	if c.Certificate == nil {
		return errors.New("TLS without a certificate")
	}
	addr := c.Addr
	if addr == "" {
		port := 0
		if _, p, _ := net.SplitHostPort(ua.cfg.Addr); p != "0" {
			port = ua.port + 1
		}
		addr = net.JoinHostPort(ua.host, fmt.Sprint(port))
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if ua.secure.listener, err = ua.cfg.Network.Listen("tcp", addr); err != nil {
		return err
	}
	port := ua.secure.listener.Addr().(*net.TCPAddr).Port
	ua.secure.host, ua.secure.port = host, port
	ua.secure.addr = net.JoinHostPort(host, fmt.Sprint(port))
	return nil
}

// assemble puts sipgo's layers on the sockets. Requests over UDP must leave from the
// listening socket, and requests over TCP must not be tied to one connection; therefore
// there are two clients.
func (ua *agent) assemble(route func(*sipgo.Server)) (err error) {
	// sipgo logs whole messages, bodies included, when it cannot parse them.
	quiet := slog.New(slog.DiscardHandler)
	ua.sipgo, err = sipgo.NewUA(
		sipgo.WithUserAgent(ua.cfg.UserAgent),
		sipgo.WithUserAgentParser(ua.parser),
		sipgo.WithUserAgenTLSConfig(noDialing()),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(
			sip.WithTransactionLayerLogger(quiet),
			sip.WithTransactionLayerUnhandledResponseHandler(ua.hooks.stray),
		),
	)
	if err != nil {
		return err
	}
	srv, err := sipgo.NewServer(ua.sipgo, sipgo.WithServerLogger(quiet))
	if err != nil {
		return err
	}
	if ua.udp, err = sipgo.NewClient(ua.sipgo, sipgo.WithClientAddr(ua.addr), sipgo.WithClientConnectionAddr(ua.addr), sipgo.WithClientLogger(quiet)); err != nil {
		return err
	}
	if ua.tcp, err = sipgo.NewClient(ua.sipgo, sipgo.WithClientAddr(ua.addr), sipgo.WithClientLogger(quiet)); err != nil {
		return err
	}
	if ua.cfg.TLS != nil {
		if ua.secure.client, err = sipgo.NewClient(ua.sipgo, sipgo.WithClientAddr(ua.secure.addr), sipgo.WithClientLogger(quiet)); err != nil {
			return err
		}
	}
	route(srv)
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

// awaitUDP waits until sipgo knows the UDP socket. A request before that would fail.
func (ua *agent) awaitUDP() error {
	deadline := time.Now().Add(startWait)
	for {
		if c, err := ua.sipgo.TransportLayer().GetConnection("udp", ua.addr); err == nil && c != nil {
			_, _ = c.TryClose()
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("the UDP socket does not come up")
		}
		time.Sleep(time.Millisecond) // sipgo has no event for it
	}
}
