package sipua

import (
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// respond sends a response without a body; reason "" means the usual one.
func (ua *agent) respond(req *sip.Request, tx sip.ServerTransaction, code int, reason string, headers ...Header) {
	ua.send(tx, ua.response(req, code, reason, headers...))
}

// response makes a response without a body.
func (ua *agent) response(req *sip.Request, code int, reason string, headers ...Header) *sip.Response {
	if reason == "" {
		reason = grammar.ReasonPhrase(code)
	}
	res := sip.NewResponseFromRequest(req, code, reason, nil)
	for _, h := range headers {
		res.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	return res
}

func (ua *agent) send(tx sip.ServerTransaction, res *sip.Response) {
	if err := tx.Respond(res); err != nil {
		ua.log.Debug("SIP response not sent", "code", res.StatusCode, "err", err)
	}
}

// retryLater makes the Retry-After of a 500 to a request out of order.
func retryLater() []Header {
	return []Header{{"Retry-After", strconv.Itoa(rand.IntN(11))}}
}

// refuseBody answers a request whose body is not understood. See RFC 3261, section
// 8.2.3.
func (ua *agent) refuseBody(req *sip.Request, tx sip.ServerTransaction, err error) {
	ua.log.Info("SIP request refused", "method", req.Method, "source", req.Source(), "call", req.CallID().Value(), "err", err)
	var status *StatusError
	errors.As(err, &status)
	ua.respond(req, tx, status.Code, status.Reason, status.Headers...)
}

// noChange is the Warning of a 488 that has no other Warning. See RFC 3261, section
// 21.4.26.
func (ua *agent) noChange() Header {
	return WarningHeader(WarnMiscellaneous, ua.addr, "the session cannot be changed so")
}

const (
	// methods are those that the package handles.
	methods = "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, UPDATE, INFO"
	// supported are the extensions that the package knows. See RFC 4028.
	supported = "timer"
)
