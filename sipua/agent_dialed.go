package sipua

import (
	"net"
	"sync"
)

// A dialedListener hands the connections that we have dialled to sipgo, which would
// otherwise dial by itself, without our trace and limits. The next call of Accept means
// that sipgo uses the connection before.
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
