package sipua

import (
	"bytes"
	"net"
	"time"
)

// emit hands one message to the trace. Keep-alives, which are blanks only, are
// no messages.
func (ua *agent) emit(sent bool, transport string, local, remote net.Addr, raw []byte) {
	if ua.cfg.Trace == nil || len(bytes.TrimSpace(raw)) == 0 {
		return
	}
	ua.cfg.Trace(TraceEvent{
		Time: time.Now(), Sent: sent, Transport: transport,
		Local: local.String(), Remote: remote.String(), Raw: bytes.Clone(raw),
	})
}
