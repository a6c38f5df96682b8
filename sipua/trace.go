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
