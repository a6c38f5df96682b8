package as

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/internal/sdp"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// notSended is what a media server's MsgNotSended means.
func notSended(r *mscp.MsgNotSended) error {
	err := fmt.Errorf("MsgNotSended: %s", r.Reason)
	if strings.HasPrefix(r.Reason, mscp.ReasonDevice) {
		return &mailbox.Fault{Err: err, About: mailbox.AboutDevice}
	}
	return &mailbox.Fault{Err: err, About: mailbox.AboutSender}
}

// otherTransport is the transport to ask the media server for after a user agent has
// refused its offer; "" if there is none to try. A user agent may take MSRP over TLS
// alone, or without alone, and nothing but its refusal says so.
func otherTransport(offer []byte, err error) string {
	var status *sipua.StatusError
	if !errors.As(err, &status) || status.Code != 488 && status.Code != 415 && status.Code != 606 {
		return ""
	}
	return transportBut(offer)
}

// transportBut is the transport that an offer of MSRP is not for; "" if it is no such
// offer.
func transportBut(offer []byte) string {
	for m := range sdp.MediaLines(offer) {
		switch {
		case m.Is("message", "TCP/MSRP"):
			return mscp.TransportTLS
		case m.Is("message", "TCP/TLS/MSRP"):
			return mscp.TransportTCP
		}
	}
	return ""
}
