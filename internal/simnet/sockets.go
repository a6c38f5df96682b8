package simnet

import (
	"net"
	"os"
	"syscall"
	"time"
)

// A listener takes the connections of one port.
type listener struct {
	host   *Host
	addr   *net.TCPAddr
	conns  chan *conn
	closed chan struct{}

	// Under host.net.mu.
	down  bool
	until time.Time
	moved chan struct{} // closed, and made anew, when until has changed
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		l.host.net.mu.Lock()
		until, moved := l.until, l.moved
		l.host.net.mu.Unlock()
		var late <-chan time.Time
		if !until.IsZero() {
			timer := time.NewTimer(time.Until(until))
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-l.closed:
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
		case c := <-l.conns:
			return c, nil
		case <-late:
			return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: os.ErrDeadlineExceeded}
		case <-moved:
		}
	}
}

// SetDeadline bounds the wait of Accept, as that of net.TCPListener.
func (l *listener) SetDeadline(t time.Time) error {
	l.host.net.mu.Lock()
	defer l.host.net.mu.Unlock()
	l.until = t
	close(l.moved)
	l.moved = make(chan struct{})
	return nil
}

// Close implements net.Listener. Connections that nobody has accepted are reset.
func (l *listener) Close() error {
	l.host.net.mu.Lock()
	defer l.host.net.mu.Unlock()
	l.close()
	return nil
}

// close closes the port. host.net.mu is held.
func (l *listener) close() {
	if l.down {
		return
	}
	l.down = true
	close(l.closed)
	if l.host.listeners[l.addr.Port] == l {
		delete(l.host.listeners, l.addr.Port)
	}
	for {
		select {
		case c := <-l.conns:
			c.abort()
		default:
			return
		}
	}
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

// A packetConn is a UDP socket.
type packetConn struct {
	host *Host
	addr *net.UDPAddr
	in   *half

	// Under host.net.mu.
	down    bool
	reading time.Time // the deadline
}

func (p *packetConn) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Addr: p.addr, Err: err}
}

// ReadFrom implements net.PacketConn.
func (p *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n := p.host.net
	for {
		n.mu.Lock()
		until := p.reading
		switch {
		case p.down:
			n.mu.Unlock()
			return 0, nil, p.fault("read", net.ErrClosed)
		case past(p.reading):
			n.mu.Unlock()
			return 0, nil, p.fault("read", os.ErrDeadlineExceeded)
		case p.host.stalled:
		case len(p.in.queue) > 0 && !p.in.queue[0].at.After(time.Now()):
			first := p.in.queue[0]
			p.in.queue = p.in.queue[1:]
			n.mu.Unlock()
			return copy(b, first.b), first.from, nil
		case len(p.in.queue) > 0:
			until = earlier(until, p.in.queue[0].at)
		}
		moved := p.in.moved
		n.mu.Unlock()
		await(moved, until)
	}
}

// WriteTo implements net.PacketConn. What nobody takes is lost.
func (p *packetConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	to, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, p.fault("write", syscall.EAFNOSUPPORT)
	}
	n := p.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if p.down {
		return 0, p.fault("write", net.ErrClosed)
	}
	host := n.hosts[to.AddrPort().Addr().Unmap()]
	if host == nil || host.packets[to.Port] == nil || host.stalled || p.host.stalled || n.lose != nil && n.lose() {
		return len(b), nil
	}
	if in := host.packets[to.Port].in; len(in.queue) < backlog {
		in.put(b, p.addr)
	}
	return len(b), nil
}

// Close implements net.PacketConn.
func (p *packetConn) Close() error {
	p.host.net.mu.Lock()
	defer p.host.net.mu.Unlock()
	if p.down {
		return p.fault("close", net.ErrClosed)
	}
	p.close()
	return nil
}

// close closes the socket. host.net.mu is held.
func (p *packetConn) close() {
	p.down = true
	p.in.tell()
	if p.host.packets[p.addr.Port] == p {
		delete(p.host.packets, p.addr.Port)
	}
}

// LocalAddr implements net.PacketConn.
func (p *packetConn) LocalAddr() net.Addr { return p.addr }

// SetDeadline implements net.PacketConn; nothing written ever waits.
func (p *packetConn) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (p *packetConn) SetReadDeadline(t time.Time) error {
	p.host.net.mu.Lock()
	defer p.host.net.mu.Unlock()
	p.reading = t
	p.in.tell()
	return nil
}

// SetWriteDeadline implements net.PacketConn.
func (p *packetConn) SetWriteDeadline(time.Time) error { return nil }
