package sipua

import "github.com/emiago/sipgo/sip"

// An Offer is a re-INVITE or an UPDATE of the peer's that wants to change the
// session. An INVITE without a body asks for an offer of ours.
type Offer struct {
	Method      string // INVITE or UPDATE
	Body        []byte // the session description, nil without one
	ContentType string

	req      *sip.Request
	answered *func(body []byte, contentType string)
}

// OnAnswer sets what gets the peer's answer, where the offer is ours: the body
// of the ACK to an INVITE that had none. It is called once, when the ACK has come,
// or with nil when none will. It is for OnOffer's function to call.
func (o Offer) OnAnswer(f func(body []byte, contentType string)) { *o.answered = f }

// Header returns the value of the request's first header of that name.
func (o Offer) Header(name string) string { return headerValue(o.req, name) }
