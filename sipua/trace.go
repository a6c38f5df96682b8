package sipua

import (
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
