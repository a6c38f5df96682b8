package sipua

import (
	"log/slog"

	"github.com/emiago/sipgo/sip"
)

// maxDatagram is the largest UDP payload over IPv4, in bytes.
const maxDatagram = 65_507

// sipgo has two settings for the whole process, both read by goroutines of
// every user agent in it, hence set before any can run.
//
// It refuses datagrams larger than one Ethernet frame, and does not turn to TCP
// by itself, so that a request or response with a long SDP could not be sent at
// all: IP fragments do better. And its default logger, which parts of it use
// whatever logger they are given, warns of every connection that a peer closes
// and prints messages that cannot be parsed, bodies and all. A program that
// wants to see that sets a logger of its own with sip.SetDefaultLogger.
func init() {
	sip.UDPMTUSize = maxDatagram + 200
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
}
