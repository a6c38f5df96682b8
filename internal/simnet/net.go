package simnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// bufferSize is how many bytes may be on their way in one direction of a connection.
	bufferSize = 64 << 10
	// backlog is how many connections may wait for Accept, and datagrams for ReadFrom.
	backlog = 1024
	// firstPort is the first of the ports that the network chooses.
	firstPort = 20000
)

// A Net is a network of hosts. Its methods may be called by several goroutines.
type Net struct {
	mu    sync.Mutex
	hosts map[netip.Addr]*Host
	delay time.Duration
	lose  func() bool
	port  int
	moved chan struct{} // closed, and made anew, when something has changed that a dial waits for
}

// New returns a network without hosts.
func New() *Net {
	return &Net{hosts: map[netip.Addr]*Host{}, port: firstPort, moved: make(chan struct{})}
}

// SetDelay sets how long what is sent from now on is on its way, one way.
func (n *Net) SetDelay(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = d
}

// SetLoss has lose decide on each datagram whether it is lost; nil loses none.
func (n *Net) SetLoss(lose func() bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lose = lose
}

// A Host is one address of the network, and what one process has there.
type Host struct {
	net *Net
	ip  netip.Addr

	// Under net.mu.
	dead, stalled bool
	listeners     map[int]*listener
	packets       map[int]*packetConn
	conns         map[*conn]bool
}

// Host brings up a host of that IP address, in the place of one that was killed.
func (n *Net) Host(ip string) *Host {
	h := &Host{net: n, ip: netip.MustParseAddr(ip), listeners: map[int]*listener{}, packets: map[int]*packetConn{}, conns: map[*conn]bool{}}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[h.ip] = h
	n.tell()
	return h
}

// tell wakes the dials that wait. n.mu is held.
func (n *Net) tell() {
	close(n.moved)
	n.moved = make(chan struct{})
}

// Kill ends all sockets of the host, as the end of its process does: peers see a reset.
// Whatever the process tries on the network afterwards fails.
func (h *Host) Kill() {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.dead = true
	for c := range h.conns {
		c.abort()
	}
	for _, l := range h.listeners {
		l.close()
	}
	for _, p := range h.packets {
		p.close()
	}
	if h.net.hosts[h.ip] == h {
		delete(h.net.hosts, h.ip)
	}
}

// Stall has nothing come to the host, and nothing leave it, until it is ended: what is
// sent waits. Connections stay.
func (h *Host) Stall(on bool) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.stalled = on
	for c := range h.conns {
		c.in.tell()
		c.out.tell()
	}
	for _, p := range h.packets {
		p.in.tell()
	}
	h.net.tell()
}

// Reset ends connections of the host for which match says so, with a reset that both ends
// see. It returns how many there were.
func (h *Host) Reset(match func(local, remote *net.TCPAddr) bool) (n int) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for c := range h.conns {
		if match == nil || match(c.local, c.remote) {
			c.abort()
			n++
		}
	}
	return n
}

// Connections are how many connections of the host are not closed by both ends.
func (h *Host) Connections() int {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return len(h.conns)
}

// bind gives an address of the host a free port, or the one that it has. h.net.mu is held.
func (h *Host) bind(network, address string, taken func(port int) bool) (netip.AddrPort, error) {
	ap, err := netip.ParseAddrPort(address)
	switch {
	case err != nil:
	case h.dead:
		err = os.NewSyscallError("bind", syscall.ENETDOWN)
	case ap.Addr() != h.ip:
		err = os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)
	case ap.Port() == 0:
		ap = netip.AddrPortFrom(h.ip, uint16(h.net.nextPort()))
	case taken(int(ap.Port())):
		err = os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	if err != nil {
		return ap, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return ap, nil
}

// nextPort is a port that was not in use before. n.mu is held.
func (n *Net) nextPort() int {
	if n.port++; n.port > 65535 {
		n.port = firstPort
	}
	return n.port
}

// Listen is as net.Listen, for TCP and addresses of the host.
func (h *Host) Listen(network, address string) (net.Listener, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	ap, err := h.bind(network, address, func(port int) bool { return h.listeners[port] != nil })
	if err != nil {
		return nil, err
	}
	l := &listener{host: h, addr: net.TCPAddrFromAddrPort(ap), conns: make(chan *conn, backlog), closed: make(chan struct{}), moved: make(chan struct{})}
	h.listeners[l.addr.Port] = l
	return l, nil
}

// ListenPacket is as net.ListenPacket, for UDP and addresses of the host.
func (h *Host) ListenPacket(network, address string) (net.PacketConn, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	ap, err := h.bind(network, address, func(port int) bool { return h.packets[port] != nil })
	if err != nil {
		return nil, err
	}
	p := &packetConn{host: h, addr: net.UDPAddrFromAddrPort(ap), in: newHalf(h.net)}
	h.packets[p.addr.Port] = p
	return p, nil
}

// DialContext is as that of a net.Dialer, for TCP and IP addresses. A host that is stalled
// is waited for; one that is not there refuses.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	remote := net.TCPAddrFromAddrPort(ap)
	for {
		c, wait, err := h.connect(remote)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Addr: remote, Err: err}
		}
		if c != nil {
			return c, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, &net.OpError{Op: "dial", Net: network, Addr: remote, Err: os.ErrDeadlineExceeded}
		}
	}
}

// connect makes a connection, or tells what to wait for.
func (h *Host) connect(remote *net.TCPAddr) (*conn, <-chan struct{}, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.dead {
		return nil, nil, os.NewSyscallError("connect", syscall.ENETDOWN)
	}
	peer := h.net.hosts[remote.AddrPort().Addr().Unmap()]
	if h.stalled || peer != nil && peer.stalled {
		return nil, h.net.moved, nil
	}
	if peer == nil || peer.listeners[remote.Port] == nil || len(peer.listeners[remote.Port].conns) == backlog {
		return nil, nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(h.ip, uint16(h.net.nextPort())))
	there, back := newHalf(h.net), newHalf(h.net)
	c := &conn{host: h, local: local, remote: remote, in: back, out: there}
	c.peer = &conn{host: peer, local: remote, remote: local, in: there, out: back, peer: c}
	h.conns[c], peer.conns[c.peer] = true, true
	peer.listeners[remote.Port].conns <- c.peer
	return c, nil, nil
}

// String is the host's address.
func (h *Host) String() string { return fmt.Sprint(h.ip) }
