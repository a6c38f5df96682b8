package sipua

import "github.com/emiago/sipgo/sip"

// maxDatagram is the largest UDP payload over IPv4, in bytes.
const maxDatagram = 65_507

// sipgo refuses larger datagrams than one Ethernet frame holds, and does not
// turn to TCP by itself, so that a request or response with a long SDP could
// not be sent at all. IP fragments do better. The variable is read by every
// goroutine that sends, hence set before any can run.
func init() { sip.UDPMTUSize = maxDatagram + 200 }
