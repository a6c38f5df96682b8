package sipua

import (
	"bytes"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
)

// TraceEvent is one SIP message on the wire.
type TraceEvent struct {
	Time      time.Time
	Sent      bool   // by us; otherwise received
	Transport string // UDP, TCP or TLS
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

// screenPackets lets the trace see what passes through c, and sipgo only what it
// can read.
func (ua *UA) screenPackets(c net.PacketConn) net.PacketConn {
	return &screenedPackets{PacketConn: c, ua: ua}
}

type screenedPackets struct {
	net.PacketConn
	ua *UA
}

// ReadFrom returns the next datagram, in the form that screen gives it.
func (c *screenedPackets) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, addr, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, addr, err
		}
		c.ua.emit(false, "UDP", c.LocalAddr(), addr, b[:n])
		clean, m, f := screen(b[:n], true)
		if f == nil {
			c.ua.noteEarly(m, clean)
			return copy(b, clean), addr, nil
		}
		c.ua.note(slog.LevelDebug, "SIP message refused", "peer", addr, "reason", f.reason)
		if answer := f.answer(m, c.ua.allow()); answer != nil {
			_, _ = c.WriteTo(answer, viaAddr(m.topVia(), addr)) // there is nobody to tell
		}
	}
}

func (c *screenedPackets) WriteTo(b []byte, addr net.Addr) (int, error) {
	c.ua.emit(true, "UDP", c.LocalAddr(), addr, b)
	return c.PacketConn.WriteTo(b, addr)
}

// viaAddr is where the answer to a datagram goes: to where it came from and, but
// for rport, to the port in its Via. See RFC 3261, section 18.2.2, and RFC 3581.
func viaAddr(via string, source net.Addr) net.Addr {
	from, ok := source.(*net.UDPAddr)
	if !ok || strings.Contains(via, ";rport") {
		return source
	}
	_, sentBy, _ := strings.Cut(via, " ")
	sentBy, _, _ = strings.Cut(sentBy, ";")
	port := 5060
	if i := strings.LastIndexByte(sentBy, ':'); i > strings.LastIndexByte(sentBy, ']') {
		n, err := strconv.ParseUint(sentBy[i+1:], 10, 16)
		if err != nil || n == 0 {
			return source
		}
		port = int(n)
	}
	return &net.UDPAddr{IP: from.IP, Port: port, Zone: from.Zone}
}
