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

// A Net is a network of hosts. Its methods are safe for concurrent use.
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

// SetDelay sets the delay in one direction, for data that are sent from now on.
func (n *Net) SetDelay(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = d
}

// SetLoss sets a function that decides for each datagram whether it is lost; nil means
// that none is lost.
func (n *Net) SetLoss(lose func() bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lose = lose
}

// A Host is one address of the network, with the sockets of one process.
type Host struct {
	net *Net
	ip  netip.Addr

	// Under net.mu.
	dead, stalled bool
	listeners     map[int]*listener
	packets       map[int]*packetConn
	conns         map[*conn]bool
}

// Host adds a host with that IP address. It replaces a host that was killed.
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

// Kill ends all sockets of the host, like the end of its process: peers get a reset.
// Later operations on these sockets fail.
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

// Stall stops all traffic from and to the host, until Stall(false). Sent data wait, and
// connections stay open.
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

// Reset ends the connections of the host for which match returns true, with a reset for
// both ends. It returns their number.
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

// Connections returns the number of connections of the host that are not closed by both
// ends.
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

// Listen is like net.Listen, for TCP and addresses of the host.
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

// ListenPacket is like net.ListenPacket, for UDP and addresses of the host.
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

// DialContext is like that of a net.Dialer, for TCP and IP addresses. It waits for a
// stalled host. A host that does not exist refuses the connection.
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

// String returns the host's address.
func (h *Host) String() string { return fmt.Sprint(h.ip) }
