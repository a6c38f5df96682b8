package sipua

import (
	"bytes"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// TraceEvent is one SIP message on the wire.
type TraceEvent struct {
	Time      time.Time
	Sent      bool   // by us; otherwise received
	Transport string // UDP or TCP
	Local     string // host:port of ours
	Remote    string // host:port of the peer
	Raw       []byte // the whole message; the callee may keep it
}

// emit hands one message to the trace. Keep-alives, which are blanks only, are
// no messages.
func (ua *UA) emit(sent bool, transport string, local, remote net.Addr, raw []byte) {
	if ua.cfg.Trace == nil || len(bytes.TrimSpace(raw)) == 0 {
		return
	}
	ua.cfg.Trace(TraceEvent{
		Time: time.Now(), Sent: sent, Transport: transport,
		Local: local.String(), Remote: remote.String(), Raw: bytes.Clone(raw),
	})
}

// tracePackets lets the trace see what passes through c.
func (ua *UA) tracePackets(c net.PacketConn) net.PacketConn {
	if ua.cfg.Trace == nil {
		return c
	}
	return &tracedPackets{PacketConn: c, ua: ua}
}

type tracedPackets struct {
	net.PacketConn
	ua *UA
}

func (c *tracedPackets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, addr, err := c.PacketConn.ReadFrom(b)
	if err == nil {
		c.ua.emit(false, "UDP", c.LocalAddr(), addr, b[:n])
	}
	return n, addr, err
}

func (c *tracedPackets) WriteTo(b []byte, addr net.Addr) (int, error) {
	c.ua.emit(true, "UDP", c.LocalAddr(), addr, b)
	return c.PacketConn.WriteTo(b, addr)
}

// traceListener lets the trace see what passes through l's connections.
func (ua *UA) traceListener(l net.Listener) net.Listener {
	if ua.cfg.Trace == nil {
		return l
	}
	return &tracedListener{Listener: l, ua: ua}
}

type tracedListener struct {
	net.Listener
	ua *UA
}

func (l *tracedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.ua.traceConn(c), nil
}

func (ua *UA) traceConn(c net.Conn) net.Conn {
	if ua.cfg.Trace == nil {
		return c
	}
	return &tracedConn{Conn: c, ua: ua}
}

// A tracedConn traces whole messages: sipgo writes each with one call, but
// reads come in any pieces.
type tracedConn struct {
	net.Conn
	ua      *UA
	pending []byte // read, and not yet a whole message; for the one reader
}

func (c *tracedConn) Write(b []byte) (int, error) {
	c.ua.emit(true, "TCP", c.LocalAddr(), c.RemoteAddr(), b)
	return c.Conn.Write(b)
}

func (c *tracedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.pending = append(c.pending, b[:n]...)
	for {
		size := messageSize(c.pending)
		if size == 0 {
			break
		}
		c.ua.emit(false, "TCP", c.LocalAddr(), c.RemoteAddr(), c.pending[:size])
		c.pending = c.pending[size:]
	}
	if len(c.pending) > maxTracePending {
		c.pending = nil // no SIP; the parser will close the connection
	}
	return n, err
}

// maxTracePending bounds what is kept of an unfinished message, in bytes.
const maxTracePending = 256 << 10

// messageSize is the size of the first message in b, 0 if it is not complete.
func messageSize(b []byte) int {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return 0
	}
	size := head + 4
	for line := range strings.SplitSeq(string(b[:head]), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "l") {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 0 || size+n > len(b) {
				return 0
			}
			size += n
		}
	}
	return size
}

// A dialedListener hands the connections that we have dialled to sipgo, which
// would otherwise dial by itself, beyond our trace and our limits. Accept's
// next call means that sipgo has taken the one before.
type dialedListener struct {
	addr  net.Addr
	conns chan net.Conn
	taken chan struct{}

	mu      sync.Mutex // one hand-over at a time
	waiting bool
	done    chan struct{}
	once    sync.Once
}

func newDialedListener(addr net.Addr) *dialedListener {
	return &dialedListener{addr: addr, conns: make(chan net.Conn), taken: make(chan struct{}), done: make(chan struct{})}
}

// handOver gives c to sipgo and returns when it is in use.
func (l *dialedListener) handOver(c net.Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.conns <- c:
	case <-l.done:
		return ErrClosed
	}
	select {
	case <-l.taken:
		return nil
	case <-l.done:
		return ErrClosed
	}
}

// Accept returns the next dialled connection.
func (l *dialedListener) Accept() (net.Conn, error) {
	if l.waiting {
		select {
		case l.taken <- struct{}{}:
		case <-l.done:
			return nil, net.ErrClosed
		}
	}
	select {
	case c := <-l.conns:
		l.waiting = true
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l *dialedListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr is the address of the real listener.
func (l *dialedListener) Addr() net.Addr { return l.addr }
