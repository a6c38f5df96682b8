package as

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// hasMSRP reports whether the SDP offer has an m-line that MSRP could be
// spoken on: media "message", a TCP/MSRP or TCP/TLS/MSRP transport, a port
// other than 0. See RFC 4975, section 8.1. It only looks: the offer itself
// goes to the media server untouched.
func hasMSRP(offer []byte) bool {
	for line := range bytes.Lines(offer) {
		m, ok := bytes.CutPrefix(bytes.TrimRight(line, "\r\n"), []byte("m="))
		if !ok {
			continue
		}
		f := strings.Fields(string(m))
		if len(f) < 3 || !strings.EqualFold(f[0], "message") {
			continue
		}
		if !strings.EqualFold(f[2], "TCP/MSRP") && !strings.EqualFold(f[2], "TCP/TLS/MSRP") {
			continue
		}
		if port, err := strconv.Atoi(f[1]); err == nil && port > 0 {
			return true
		}
	}
	return false
}

// refuseOffer makes the answer that refuses every m-line of the offer with
// port 0: what the media server's leg of a failed push is acknowledged with,
// since its offer must have an answer. See RFC 3264, section 6, and RFC 3725,
// section 4.
func refuseOffer(offer []byte) ([]byte, error) {
	var d sdp.SessionDescription
	if err := d.Unmarshal(offer); err != nil {
		return nil, err
	}
	for _, m := range d.MediaDescriptions {
		m.MediaName.Port = sdp.RangedPort{Value: 0}
		m.Attributes = nil
	}
	d.Origin.Username = "-"
	return d.Marshal()
}
