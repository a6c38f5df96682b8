package admit

import (
	"net"
	"net/netip"
)

// Listener has a gate decide about each connection of l. One for which there is no place
// is closed, and refused is told. The place of any stranger's may be taken away.
func Listener(l net.Listener, g *Gate, isPeer func(netip.Addr) bool, refused func(from net.Addr, err error)) net.Listener {
	return &listener{l, g, isPeer, refused}
}

type listener struct {
	net.Listener
	gate    *Gate
	isPeer  func(netip.Addr) bool
	refused func(net.Addr, error)
}

// Accept returns the next connection that has a place.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := AddrOf(c.RemoteAddr())
		place, err := l.gate.Enter(from, l.isPeer(from), func() { c.Close() })
		if err == nil {
			return &conn{c, place}, nil
		}
		l.refused(c.RemoteAddr(), err)
		c.Close()
	}
}

// A conn gives its place back when it is closed.
type conn struct {
	net.Conn
	place *Place
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.place.Leave()
	return c.Conn.Close()
}
