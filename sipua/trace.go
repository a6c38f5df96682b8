package sipua

import (
	"bytes"
	"net"

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
