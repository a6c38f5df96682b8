package mscp

import (
	"bytes"
	"fmt"
	"time"

	"github.com/gomscp/gomscp/internal/sdp"
)

// InfoSDP is a session description without media: of the SIP dialog of a channel
// over SIP INFO, as an offer and as the answer. host is the writer's own. See the
// draft, section 7.1. [MSCP-7.1-2]
func InfoSDP(host string) ([]byte, error) {
	if !isToken(host) {
		return nil, fmt.Errorf("mscp: host %q is no address", shorten(host))
	}
	var b bytes.Buffer
	(&Media{Host: host}).writeHead(&b, origin{uint64(time.Now().UnixNano()), 1})
	return b.Bytes(), nil
}

// IsInfoSDP reports whether a session description is one without media.
func IsInfoSDP(body []byte) bool {
	described := false
	for line := range sdp.Lines(body) {
		switch _, whole := sdp.ReadOrigin(line.Value); line.Kind {
		case 0, 'm':
			return false
		case 'o':
			described = described || whole
		}
	}
	return described && bytes.HasPrefix(body, []byte("v="))
}
