package mscp

import (
	"context"
	"errors"
	"net"
	"sync"
)

// Control has the connections of one control dialog serve m, and returns the owner of
// what its AS creates: dialogs and conferences live on when the connection is replaced,
// or is lost and comes back. What is to be told meanwhile, up to MaxNotifications, goes
// out on the next one. cfg.OnNotification is not used. It is called before a.Answer, and
// the owner is closed when a.Run has returned. See section 7.2.1.
func (m *MediaServer) Control(a *Acceptor, cfg Config) *Owner {
	c := &control{}
	o := m.Owner(c.notify)
	a.Serve = func(nc net.Conn) *Server {
		ready := make(chan struct{}) // what waited goes out before anything new is taken
		cfg.OnNotification = func(e Element) {
			<-ready
			o.Notified(e)
		}
		s := NewServer(nc, func(ctx context.Context, req Element) (Element, error) {
			<-ready
			return o.Handle(ctx, req)
		}, cfg)
		s.work.Go(func() {
			defer close(ready)
			c.use(s)
		})
		return s
	}
	return o
}

// A control sends notifications on the connections of one control dialog, in their
// order.
type control struct {
	mu      sync.Mutex // held while one is sent
	server  *Server    // of the newest connection; nil without one
	waiting []Element  // for the next
}

func (c *control) notify(e Element) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.send(e) && len(c.waiting) < MaxNotifications {
		c.waiting = append(c.waiting, e)
	}
}

// send reports whether e needs no other connection.
func (c *control) send(e Element) bool {
	if c.server == nil {
		return false
	}
	err := c.server.Notify(context.Background(), e)
	if errors.Is(err, ErrChannelClosed) {
		c.server = nil
		return false
	}
	if err != nil { // it breaks a rule
		c.server.log.Error("MSCP notification not sent", "err", err)
	}
	return true
}

// use sends what waits, and what comes, on a new connection.
func (c *control) use(s *Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server = s
	for len(c.waiting) > 0 && c.send(c.waiting[0]) {
		c.waiting = c.waiting[1:]
	}
}
