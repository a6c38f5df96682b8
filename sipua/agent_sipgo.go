package sipua

import (
	"log/slog"
	"maps"
	"math"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// compact are the short names of headers that sipgo's parser does not know, or
// knows by their long name only. See RFC 3261, section 20, RFC 3515, RFC 3841,
// RFC 3892, RFC 4028, RFC 4474 and RFC 6665.
var compact = map[string]string{
	"a": "Accept-Contact", "b": "Referred-By", "d": "Request-Disposition", "e": "Content-Encoding",
	"j": "Reject-Contact", "k": "Supported", "n": "Identity-Info", "o": "Event", "r": "Refer-To", "s": "Subject",
	"u": "Allow-Events", "x": "Session-Expires", "y": "Identity",
}

// newParser is sipgo's parser, with the short names of headers.
func newParser() *sip.Parser {
	parsers := maps.Clone(sip.DefaultHeadersParser())
	for short, long := range compact {
		parsers[short] = func(_ []byte, value string) (sip.Header, error) { return sip.NewHeader(long, value), nil }
	}
	p := sip.NewParser(sip.WithHeadersParsers(parsers))
	p.MaxMessageLength = MaxMessage
	return p
}

// maxDatagram is the largest UDP payload over IPv4, in bytes.
const maxDatagram = 65_507

// setUpSipgo sets sipgo's settings that are one for the whole process. Goroutines of every
// user agent read them, so that they are set once, before the first user agent runs.
//
// sipgo refuses datagrams larger than one Ethernet frame and does not turn to TCP by itself,
// so that a request or response with a long SDP could not be sent at all: IP fragments do
// better. It reads no more than 32,768 bytes of a datagram, but RFC 3261, section 18.1.1,
// requires 65,535; each connection has such a buffer, too. Parts of it log to its default
// logger whatever logger they are given: a warning for each connection that a peer closes,
// and whole messages that cannot be parsed. A program that wants these lines calls
// sip.SetDefaultLogger before the first New.
var setUpSipgo = sync.OnceFunc(func() {
	sip.TransportBufferReadSize = math.MaxUint16
	sip.UDPMTUSize = maxDatagram + 200
	if sip.DefaultLogger() == slog.Default() {
		sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	}
})
