package sipua

import (
	"bytes"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emiago/sipgo"

	"github.com/gomscp/gomscp/sipua/internal/screen"
)

// servePackets lets sipgo serve the UDP socket. sipgo remembers the source address of
// each datagram as long as it reads from one net.PacketConn. Therefore it gets a new one
// after every maxSources addresses.
func (ua *agent) servePackets(srv *sipgo.Server) {
	var serve func(c *screenedPackets)
	serve = func(c *screenedPackets) {
		c.next = serve
		ua.serving.Go(func() { _ = srv.ServeUDP(c) })
	}
	serve(newPackets(ua))
}

// screenedPackets is the UDP socket as sipgo sees it. It passes each message to the
// trace, and to sipgo only those that sipgo can read and that are admitted.
type screenedPackets struct {
	net.PacketConn
	ua      *agent
	next    func(c *screenedPackets) // serves the next one
	sources map[string]bool

	begun     sync.Once
	reading   chan struct{} // closed when sipgo has begun to read
	first     []byte        // read by the one before
	firstFrom net.Addr
}

func newPackets(ua *agent) *screenedPackets {
	return &screenedPackets{PacketConn: ua.packets, ua: ua, sources: map[string]bool{}, reading: make(chan struct{})}
}

// ReadFrom returns the next datagram, in the form that screen gives it.
func (c *screenedPackets) ReadFrom(b []byte) (int, net.Addr, error) {
	c.begun.Do(func() { close(c.reading) })
	if from := c.firstFrom; from != nil {
		n := copy(b, c.first)
		c.first, c.firstFrom = nil, nil
		c.sources[from.String()] = true
		return n, from, nil
	}
	for {
		n, addr, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, addr, err
		}
		clean := c.screen(b[:n], addr)
		if clean == nil {
			continue
		}
		n = copy(b, clean)
		if from := addr.String(); !c.sources[from] {
			if len(c.sources) >= c.ua.cfg.sources {
				return 0, nil, c.handOver(b[:n], addr)
			}
			c.sources[from] = true
		}
		return n, addr, nil
	}
}

// handOver leaves this datagram and all later ones to the next reader. It returns when
// the datagrams before are with their transactions, because sipgo then forgets their
// addresses.
func (c *screenedPackets) handOver(b []byte, from net.Addr) error {
	next := newPackets(c.ua)
	next.first, next.firstFrom = bytes.Clone(b), from
	c.next(next)
	select {
	case <-next.reading:
	case <-c.ua.ctx.Done():
	}
	timer := time.NewTimer(handOverWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ua.ctx.Done():
	}
	return net.ErrClosed
}

// screen returns a datagram in the form for sipgo, nil if sipgo must not get it.
func (c *screenedPackets) screen(b []byte, addr net.Addr) []byte {
	ua := c.ua
	from := peerAt("UDP", addr)
	stranger := !ua.isPeer(from.Addr.Addr(), nil)
	if stranger && !ua.mayTry(from.Addr.Addr()) {
		ua.warn(true, "rate", "SIP datagrams of a source dropped: too many", "peer", addr)
		return nil
	}
	ua.emit(false, "UDP", c.LocalAddr(), addr, b)
	clean, m, f := screen.Check(b, true)
	if f != nil {
		ua.note(slog.LevelDebug, "SIP message refused", "peer", addr, "reason", f.Reason)
		if answer := f.Answer(m, ua.allowed); answer != nil {
			_, _ = c.WriteTo(answer, screen.AnswerAddr(m.TopVia(), addr)) // a lost answer is like a lost request
		}
		return nil
	}
	if stranger {
		if m == nil {
			return nil
		}
		if res, pass := ua.judge(m, clean, from); !pass {
			if res != nil {
				_, _ = c.WriteTo([]byte(res.String()), screen.AnswerAddr(m.TopVia(), addr)) // [RFC3261-26.3.2.4] once
			}
			return nil
		}
	}
	ua.hooks.screened(m, clean)
	return clean
}

func (c *screenedPackets) WriteTo(b []byte, addr net.Addr) (int, error) {
	c.ua.emit(true, "UDP", c.LocalAddr(), addr, b)
	return c.PacketConn.WriteTo(b, addr)
}
