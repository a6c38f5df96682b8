package simnet

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// A half is one direction of a connection, or what comes to a UDP socket. Its fields are
// under net.mu.
type half struct {
	net    *Net
	queue  []segment
	size   int  // bytes in queue
	ended  bool // nothing comes behind the queue
	broken bool // by a reset
	moved  chan struct{}
}

type segment struct {
	b    []byte
	at   time.Time // when it arrives
	from *net.UDPAddr
}

func newHalf(n *Net) *half { return &half{net: n, moved: make(chan struct{})} }

// tell wakes who waits. net.mu is held.
func (h *half) tell() {
	close(h.moved)
	h.moved = make(chan struct{})
}

// put adds what was sent now. net.mu is held.
func (h *half) put(b []byte, from *net.UDPAddr) {
	at := time.Now().Add(h.net.delay)
	if n := len(h.queue); n > 0 && from == nil && h.queue[n-1].at.After(at) {
		at = h.queue[n-1].at // the delay has become less
	}
	h.queue = append(h.queue, segment{append([]byte(nil), b...), at, from})
	h.size += len(b)
	h.tell()
}

// await waits for moved, until a time that is not zero.
func await(moved <-chan struct{}, until time.Time) {
	if until.IsZero() {
		<-moved
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-moved:
	case <-timer.C:
	}
}

// earlier is the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func past(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// A conn is one end of a TCP connection.
type conn struct {
	host          *Host
	peer          *conn
	local, remote *net.TCPAddr
	in, out       *half

	// Under host.net.mu.
	closed           bool
	reading, writing time.Time // deadlines
}

func (c *conn) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n := c.host.net
	for {
		n.mu.Lock()
		until := c.reading
		switch {
		case c.closed:
			n.mu.Unlock()
			return 0, c.fault("read", net.ErrClosed)
		case c.in.broken:
			n.mu.Unlock()
			return 0, c.fault("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case past(c.reading):
			n.mu.Unlock()
			return 0, c.fault("read", os.ErrDeadlineExceeded)
		case c.host.stalled || c.peer.host.stalled:
		case len(c.in.queue) > 0 && !c.in.queue[0].at.After(time.Now()):
			got := c.in.take(b)
			n.mu.Unlock()
			return got, nil
		case len(c.in.queue) > 0:
			until = earlier(until, c.in.queue[0].at)
		case c.in.ended:
			n.mu.Unlock()
			return 0, io.EOF
		}
		moved := c.in.moved
		n.mu.Unlock()
		await(moved, until)
	}
}

// take takes the first bytes, as they were sent. net.mu is held.
func (h *half) take(b []byte) int {
	got := copy(b, h.queue[0].b)
	if h.queue[0].b = h.queue[0].b[got:]; len(h.queue[0].b) == 0 {
		h.queue = h.queue[1:]
	}
	h.size -= got
	h.tell()
	return got
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (sent int, err error) {
	n := c.host.net
	for {
		n.mu.Lock()
		switch room := bufferSize - c.out.size; {
		case c.closed || c.out.ended:
			err = net.ErrClosed
		case c.out.broken:
			err = os.NewSyscallError("write", syscall.ECONNRESET)
		case c.peer.closed:
			err = os.NewSyscallError("write", syscall.EPIPE)
		case past(c.writing):
			err = os.ErrDeadlineExceeded
		case len(b) == 0:
			n.mu.Unlock()
			return sent, nil
		case room > 0:
			part := b[:min(room, len(b))]
			c.out.put(part, nil)
			sent, b = sent+len(part), b[len(part):]
			n.mu.Unlock()
			continue
		}
		moved, until := c.out.moved, c.writing
		n.mu.Unlock()
		if err != nil {
			return sent, c.fault("write", err)
		}
		await(moved, until)
	}
}

// Close implements net.Conn: the peer can read what was sent before.
func (c *conn) Close() error {
	n := c.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.closed {
		return c.fault("close", net.ErrClosed)
	}
	c.closed, c.out.ended = true, true
	c.in.tell()
	c.out.tell()
	if c.peer.closed {
		delete(c.host.conns, c)
		delete(c.peer.host.conns, c.peer)
	}
	return nil
}

// CloseWrite ends what this end sends.
func (c *conn) CloseWrite() error {
	n := c.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	c.out.ended = true
	c.out.tell()
	return nil
}

// abort resets the connection. net.mu is held.
func (c *conn) abort() {
	for _, h := range []*half{c.in, c.out} {
		h.broken, h.queue, h.size = true, nil, 0
		h.tell()
	}
	delete(c.host.conns, c)
	delete(c.peer.host.conns, c.peer)
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error { return c.limit(&t, &t) }

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { return c.limit(&t, nil) }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.limit(nil, &t) }

func (c *conn) limit(reading, writing *time.Time) error {
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	if c.closed {
		return c.fault("set", net.ErrClosed)
	}
	if reading != nil {
		c.reading = *reading
		c.in.tell()
	}
	if writing != nil {
		c.writing = *writing
		c.out.tell()
	}
	return nil
}
