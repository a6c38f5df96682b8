package msrp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gomscp/gomscp/internal/admit"
)

// Three verbs stand for ends in this package:
//
//	close   a connection, session or listener, at once: what is under way fails
//	finish  the same in good order: what is under way ends first; for a message:
//	        all of it has arrived
//	abort   a message whose rest will not be sent, or not arrive

// close ends the connection at once. Only the first call has an effect.
func (c *conn) close(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	sessions := c.sessions
	c.sessions = nil
	trans := c.trans.removeAll()
	if c.linger != nil {
		c.linger.Stop()
	}
	c.mu.Unlock()

	close(c.stop)
	c.nc.Close()
	c.freePlace()
	for _, t := range trans {
		t.conclude(nil, err)
	}
	for _, s := range sessions {
		s.close(err, true) // [RFC4975-5.4-10]
	}
	if c.lst != nil {
		c.lst.dropConn(c)
	}
}

// freePlace gives the connection's place among those of its listener back.
func (c *conn) freePlace() {
	c.mu.Lock()
	timer := c.unbound
	c.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	if c.place != nil {
		c.place.Leave()
	}
}

// finish ends the connection when all that is queued has been written.
func (c *conn) finish() {
	c.mu.Lock()
	first := !c.draining && c.err == nil
	if first {
		c.draining = true
		c.linger = time.AfterFunc(closeLinger, func() { c.close(ErrClosed) })
		close(c.drain)
	}
	c.mu.Unlock()
	if first {
		c.kick()
	}
}

// finishUnbound finishes the connection if it carries no session.
func (c *conn) finishUnbound() {
	c.mu.Lock()
	idle := len(c.sessions) == 0
	c.mu.Unlock()
	if idle {
		c.finish()
	}
}

// lost makes the error that users of a connection get from the error that ended it.
func lost(err error) error {
	switch {
	case err == io.EOF:
		return ErrPeerClosed
	case err == nil || errors.Is(err, net.ErrClosed):
		return ErrConnectionLost
	case errors.Is(err, ErrConnectionLost):
		return err
	}
	return fmt.Errorf("%w: %w", ErrConnectionLost, err)
}

// closeUnbound closes a connection on which no session was bound in time.
func (c *conn) closeUnbound() {
	c.mu.Lock()
	idle := len(c.sessions) == 0
	c.mu.Unlock()
	if idle {
		c.lst.gate.Count(admit.ReasonLate)
		c.close(errUnbound)
	}
}

var errUnbound = errors.New("no session was bound")

// isFinishing reports whether the connection writes what is still queued, and then closes.
func (c *conn) isFinishing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining && c.err == nil
}

// isClosing reports whether the connection has ended or finishes, so that an error of the
// reader need not be logged.
func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining || c.err != nil
}
