package mscp

import (
	"bytes"
	"fmt"
	"net"
	"time"

	"github.com/pion/sdp/v3"
)

// InfoSDP is a session description without media: of the SIP dialog of a channel
// over SIP INFO, as an offer and as the answer. host is the writer's own. See the
// draft, section 7.1. [MSCP-7.1-2]
func InfoSDP(host string) ([]byte, error) {
	if !isToken(host) {
		return nil, fmt.Errorf("mscp: host %q is no address", shorten(host))
	}
	family := "IP4"
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		family = "IP6"
	}
	id := uint64(time.Now().UnixNano())
	d := sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-", SessionID: id, SessionVersion: 1,
			NetworkType: "IN", AddressType: family, UnicastAddress: host,
		},
		SessionName:           "MSCP",
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: family, Address: &sdp.Address{Address: host}},
		TimeDescriptions:      []sdp.TimeDescription{{}},
	}
	return d.Marshal()
}

// IsInfoSDP tells whether a session description is one without media.
func IsInfoSDP(body []byte) bool {
	var d sdp.SessionDescription
	return bytes.HasPrefix(body, []byte("v=")) && d.Unmarshal(body) == nil && d.Origin.NetworkType != "" && len(d.MediaDescriptions) == 0
}
