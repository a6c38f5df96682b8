package sipua

import "github.com/emiago/sipgo/sip"

// An Offer is a re-INVITE or an UPDATE of the peer that may change the session. An INVITE
// without a body requests an offer of ours.
type Offer struct {
	Method      string // INVITE or UPDATE
	Body        []byte // the session description, nil without one
	ContentType string

	req      *sip.Request
	answered *func(body []byte, contentType string)
}

// OnAnswer sets what gets the peer's answer to an offer of ours: the body of the ACK to
// an INVITE without a body. f is called once, with nil if no ACK comes. Only the function
// of OnOffer may call OnAnswer.
func (o Offer) OnAnswer(f func(body []byte, contentType string)) { *o.answered = f }

// Header returns the value of the request's first header of that name.
func (o Offer) Header(name string) string { return headerValue(o.req, name) }
