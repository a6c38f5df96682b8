package ms

import (
	"errors"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/sipua"
)

// sdpType is the Content-Type of offers and answers.
const sdpType = "application/sdp"

// Reasons why an offer is refused.
var (
	errNoMedia        = errors.New("the offer has neither an MSRP nor an MSCP m-line that can be taken")
	errTransport      = errors.New("the transport is not one that this server takes")
	errNoSecureMSRP   = errors.New("the offer is for MSRP over TLS, and msrp.tls_listen is off")
	errOtherTransport = errors.New("one of offer and answer is for TLS, and the other is not")
)

// notAcceptable refuses an offer with a Warning that says why; agent is this server's name.
// See RFC 3261, section 21.4.26.
func notAcceptable(in *sipua.IncomingCall, agent string, why error) error {
	return errors.Join(why, in.Reject(488, "Not Acceptable Here", warning(agent, why)))
}

// changeRefused is notAcceptable for the offer of a re-INVITE or an UPDATE.
func changeRefused(agent string, why error) error {
	return &sipua.StatusError{Code: 488, Headers: []sipua.Header{warning(agent, why)}}
}

// warning says why an offer is refused. See RFC 3261, section 20.43.
func warning(agent string, why error) sipua.Header {
	code := sipua.WarnSyntax
	switch {
	case errors.Is(why, content.ErrFilePull):
		code = sipua.WarnAttribute
	case errors.Is(why, errNoMedia):
		code = sipua.WarnMediaType
	case errors.Is(why, errNoSecureMSRP), errors.Is(why, errOtherTransport), errors.Is(why, errTransport):
		code = sipua.WarnTransportProtocol
	}
	return sipua.WarningHeader(code, agent, why.Error())
}
