package mscp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// An Acceptor is the MS's side of one control dialog: it answers the AS's offers,
// waits for the connection that each is about, and serves it. A new connection
// is served at once; the one before answers what it has, and is ended. Its fields
// are set before the first Answer. See section 7.2.1 and RFC 4145, section 5.
type Acceptor struct {
	// Serve makes the server of a connection, with NewServer. It must not block.
	Serve func(net.Conn) *Server
	// Ended is called when a server of Serve has ended. nil: nothing.
	Ended func(*Server)

	Host string // our own address, in answers
	// Listen opens a port for one connection. nil: any free port of Host.
	Listen func() (net.Listener, error)
	// Check tells why an offer is not taken. nil: CheckOffer, or CheckTLS for TLS.
	Check func(offer *Media) error
	// Admit reports whether a connection may come from where it does; another
	// one does not take its place. nil: any may.
	Admit func(net.Conn) bool
	// Certificate returns our own, for TLS. nil: offers of TLS are not taken.
	Certificate func() (*tls.Certificate, error)

	AcceptTimeout time.Duration // for the connection after an answer; 0: DefaultAcceptTimeout
	Orphan        time.Duration // how long Run goes on without a connection; 0: DefaultOrphan
	Logger        *slog.Logger  // nil logs nothing

	session Session
	mu      sync.Mutex
	waiting *invited      // where the AS is to connect; nil for nowhere
	news    chan struct{} // of capacity 1: waiting has changed
	port    int           // where the connection that is served was made; 0 without one
	ended   bool
}

// ErrOrphan says that a control dialog had no connection for too long.
var ErrOrphan = errors.New("mscp: control dialog without a connection")

// invited is a listener for the connection that an offer describes.
type invited struct {
	net.Listener
	offer *Media
}

// Answer makes the answer to the offer of an INVITE or a re-INVITE. An offer to
// keep the connection is agreed to if there is one.
func (a *Acceptor) Answer(offer []byte) ([]byte, error) {
	m, err := ParseSDP(offer)
	if err != nil {
		return nil, err
	}
	if err := a.check(m); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return nil, ErrChannelClosed
	}
	if a.port != 0 && m.Connection == "existing" {
		return a.describe(m.Keep(a.Host, a.port), offer)
	}
	ln, err := a.listen()
	if err != nil {
		return nil, err
	}
	answer, err := a.describe(m.Answer(a.Host, ln.Addr().(*net.TCPAddr).Port), offer)
	if err != nil {
		ln.Close()
		return nil, err
	}
	a.invite(&invited{ln, m})
	return answer, nil
}

func (a *Acceptor) check(m *Media) error {
	switch {
	case a.Check != nil:
		return a.Check(m)
	case m.TLS && a.Certificate != nil:
		return m.CheckTLS("active")
	}
	return m.CheckOffer()
}

func (a *Acceptor) listen() (net.Listener, error) {
	if a.Listen != nil {
		return a.Listen()
	}
	return net.Listen("tcp", net.JoinHostPort(a.Host, "0"))
}

func (a *Acceptor) describe(answer *Media, offer []byte) ([]byte, error) {
	if answer.TLS {
		own, err := a.Certificate()
		if err != nil {
			return nil, err
		}
		answer.Fingerprint = Fingerprint(own.Certificate[0])
	}
	return a.session.MarshalAnswer(answer, offer)
}

// invite waits at in from now on; nobody is to come to an earlier offer's
// listener any more. It is called with the lock.
func (a *Acceptor) invite(in *invited) {
	if a.waiting != nil {
		a.waiting.Close()
	}
	a.waiting = in
	select {
	case a.changed() <- struct{}{}:
	default:
	}
}

func (a *Acceptor) changed() chan struct{} {
	if a.news == nil {
		a.news = make(chan struct{}, 1)
	}
	return a.news
}

// Run serves the connections until ctx, which is for the SIP dialog, ends, and
// then returns nil when the servers have ended; or until there was none for
// Orphan, with ErrOrphan. It is called once, after the first Answer.
func (a *Acceptor) Run(ctx context.Context) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	defer a.end()
	a.mu.Lock()
	news := a.changed()
	a.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conns := make(chan accepted)
	serving.Go(func() { a.acceptAll(ctx, news, conns) })
	orphan := time.NewTimer(cmp.Or(a.Orphan, DefaultOrphan))
	defer orphan.Stop()
	var current *Server
	var gone <-chan struct{}
	for {
		select {
		case c := <-conns:
			orphan.Stop()
			before := current
			current = a.Serve(c.Conn) // [RFC4145-5-2] at once, whatever becomes of the one before
			gone = current.Done()
			a.setPort(c.port)
			if before != nil {
				serving.Go(func() { a.retire(before) })
			}
		case <-gone:
			a.setPort(0)
			a.retire(current)
			current, gone = nil, nil
			orphan.Reset(cmp.Or(a.Orphan, DefaultOrphan))
		case <-ctx.Done(): // [MSCP-7.2.1-5]
			if current != nil {
				a.retire(current)
			}
			return nil
		case <-orphan.C:
			return ErrOrphan
		}
	}
}

// retire ends a server when what it has is answered, or after MaxLinger.
func (a *Acceptor) retire(s *Server) {
	ctx, cancel := context.WithTimeout(context.Background(), MaxLinger)
	defer cancel()
	_ = s.Shutdown(ctx)
	if a.Ended != nil {
		a.Ended(s)
	}
}

func (a *Acceptor) setPort(port int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.port = port
}

// Close ends an Acceptor that does not Run: where the answer was not taken.
func (a *Acceptor) Close() error {
	a.end()
	return nil
}

func (a *Acceptor) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	if a.waiting != nil {
		a.waiting.Close()
	}
}

// An accepted connection was made at the port.
type accepted struct {
	net.Conn
	port int
}

// acceptAll hands over the connection of one offer after the other.
func (a *Acceptor) acceptAll(ctx context.Context, news <-chan struct{}, conns chan<- accepted) {
	for {
		select {
		case <-news:
		case <-ctx.Done():
			return
		}
		a.mu.Lock()
		in := a.waiting
		a.mu.Unlock()
		conn, err := a.accept(ctx, in)
		if err != nil {
			a.warn("no control connection came", "err", err)
			continue
		}
		select {
		case conns <- accepted{conn, in.Addr().(*net.TCPAddr).Port}:
		case <-ctx.Done():
			conn.Close()
			return
		}
	}
}

// accept takes the one connection that in is for, and closes in.
func (a *Acceptor) accept(ctx context.Context, in *invited) (net.Conn, error) {
	defer in.Close()
	defer context.AfterFunc(ctx, func() { in.Close() })()
	timeout := cmp.Or(a.AcceptTimeout, DefaultAcceptTimeout)
	if d, ok := in.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		_ = d.SetDeadline(time.Now().Add(timeout))
	}
	for {
		conn, err := in.Accept()
		if err != nil {
			return nil, err
		}
		if a.Admit != nil && !a.Admit(conn) {
			conn.Close() // a stranger does not take the one place
			continue
		}
		if !in.offer.TLS { // [MSCP-9-1]
			return conn, nil
		}
		if conn, err = a.secure(ctx, conn, in.offer, timeout); err == nil {
			return conn, nil
		}
		a.warn("control connection refused", "err", err)
	}
}

func (a *Acceptor) secure(ctx context.Context, conn net.Conn, offer *Media, timeout time.Duration) (net.Conn, error) {
	own, err := a.Certificate()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("certificate: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return secured(ServerTLS(ctx, conn, *own, offer))
}

func (a *Acceptor) warn(msg string, args ...any) {
	if a.Logger != nil {
		a.Logger.Warn(msg, args...)
	}
}
