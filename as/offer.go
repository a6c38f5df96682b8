package as

import (
	"bytes"
	"errors"

	"github.com/gomscp/gomscp/internal/sdp"
)

// hasMSRP reports whether the SDP offer has an m-line that MSRP could be
// spoken on: media "message", a TCP/MSRP or TCP/TLS/MSRP transport, a port
// other than 0. See RFC 4975, section 8.1. It only looks: the offer itself
// goes to the media server untouched.
func hasMSRP(offer []byte) bool {
	for m := range sdp.MediaLines(offer) {
		if !m.Is("message", "TCP/MSRP") && !m.Is("message", "TCP/TLS/MSRP") {
			continue
		}
		if port, ok := m.Number(); ok && port > 0 {
			return true
		}
	}
	return false
}

// refuseOffer makes the answer that refuses every m-line of the offer with
// port 0. The media server's leg of a failed push is acknowledged with it,
// since its offer must have an answer. See RFC 3264, section 6, and RFC 3725,
// section 4.
func refuseOffer(offer []byte) ([]byte, error) {
	var head sdp.Head
	var media bytes.Buffer
	for line := range sdp.Lines(offer) {
		switch line.Kind {
		case 'o':
			head.Origin, _ = sdp.ReadOrigin(line.Value)
		case 't':
			if sdp.IsTiming(line.Value) {
				head.Timing = line.Value
			}
		case 'm':
			if m, ok := sdp.ReadMedia(line.Value); ok {
				m.Refuse(&media)
			}
		}
	}
	if head.Host == "" || media.Len() == 0 {
		return nil, errors.New("the offer has no o= line or no m-line")
	}
	var b bytes.Buffer
	head.Write(&b)
	b.Write(media.Bytes())
	return b.Bytes(), nil
}
