package admit

import "net"

// Listener limits the open connections of l with the gate g, which must have no limit for
// a source. If no place is free, a new connection replaces an old one, and closed is
// called with the address of the old one. Use it for a port without peers.
func Listener(l net.Listener, g *Gate, closed func(from net.Addr)) net.Listener {
	return &listener{l, g, closed}
}

type listener struct {
	net.Listener
	gate   *Gate
	closed func(net.Addr)
}

// Accept returns the next connection that has a place.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		end := func() {
			l.closed(c.RemoteAddr())
			c.Close()
		}
		place, err := l.gate.Enter(AddrOf(c.RemoteAddr()), false, end)
		if err == nil {
			return &conn{c, place}, nil
		}
		end()
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
