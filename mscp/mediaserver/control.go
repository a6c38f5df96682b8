package mediaserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"

	"github.com/gomscp/gomscp/mscp"
)

// Control has the connections of one control dialog serve m, and returns the owner of
// what its AS creates: dialogs and conferences live on when the connection is replaced,
// or is lost and comes back. What is to be told meanwhile, up to MaxNotifications, goes
// out on the next one. cfg.OnNotification is not used. It is called before a.Answer, and
// the owner is closed when a.Run has returned. See section 7.2.1.
func (m *Server) Control(a *mscp.Acceptor, cfg mscp.Config) *Owner {
	c := &control{log: cfg.Logger}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	o := m.Owner(c.notify)
	a.Serve = func(nc net.Conn) *mscp.Server {
		ready := make(chan struct{}) // what waited goes out before anything new is taken
		cfg.OnNotification = func(e mscp.Element) {
			<-ready
			o.Notified(e)
		}
		s := mscp.NewServer(nc, func(ctx context.Context, req mscp.Element) (mscp.Element, error) {
			<-ready
			return o.Handle(ctx, req)
		}, cfg)
		go func() { // its writes fail when s ends
			defer close(ready)
			c.use(s)
		}()
		return s
	}
	return o
}

// A control sends notifications on the connections of one control dialog, in their
// order.
type control struct {
	log *slog.Logger

	mu      sync.Mutex     // held while one is sent
	server  *mscp.Server   // of the newest connection; nil without one
	waiting []mscp.Element // for the next
}

func (c *control) notify(e mscp.Element) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.send(e) && len(c.waiting) < mscp.MaxNotifications {
		c.waiting = append(c.waiting, e)
	}
}

// send reports whether e needs no other connection.
func (c *control) send(e mscp.Element) bool {
	if c.server == nil {
		return false
	}
	err := c.server.Notify(context.Background(), e)
	if errors.Is(err, mscp.ErrChannelClosed) {
		c.server = nil
		return false
	}
	if err != nil { // it breaks a rule
		c.log.Error("MSCP notification not sent", "err", err)
	}
	return true
}

// use sends what waits, and what comes, on a new connection.
func (c *control) use(s *mscp.Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server = s
	for len(c.waiting) > 0 && c.send(c.waiting[0]) {
		c.waiting = c.waiting[1:]
	}
}
