package sipua

import "github.com/emiago/sipgo/sip"

// Handlers are what a user agent calls for incoming requests.
type Handlers struct {
	// Invite gets each incoming call. It runs in its own goroutine and may run as long
	// as the call lasts. If it returns without an answer or a rejection, the call is
	// rejected with 500. nil rejects every call with 480.
	Invite func(*IncomingCall)
	// Intercept gets each well-formed request except CANCEL before the package does,
	// and reports whether it has handled it. A registrar or a proxy can be built with
	// it. The transaction is nil for an ACK and ends when Intercept returns.
	Intercept func(req *sip.Request, tx sip.ServerTransaction) bool
	// Admit decides on each well-formed request of a stranger (see Config.IsPeer) outside
	// dialogs, before any state is kept for it. If Admit returns nil, the request is
	// admitted. Otherwise the response is sent once, without retransmissions. See RFC
	// 3261, section 26.3.2.4. Admit does not get the repetition of an admitted request,
	// its ACK or its CANCEL. The goroutines that read from the sockets call it, so it
	// must be quick. A nil Admit admits everything.
	Admit func(req *sip.Request, from Peer) *sip.Response
	// Other gets the requests outside dialogs with methods that the package does not
	// handle. nil answers 405.
	Other func(req *sip.Request, tx sip.ServerTransaction)
	// Methods are those that Other handles, for Allow headers. Other methods get 405, or
	// 501 if no RFC defines them. nil leaves all methods to Other.
	Methods []string
}
