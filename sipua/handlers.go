package sipua

import "github.com/emiago/sipgo/sip"

// Handlers are what a user agent calls for requests of the outside.
type Handlers struct {
	// Invite takes a call. It runs in a goroutine of its own and may take as
	// long as the call lasts; a call that it neither answers nor rejects is
	// rejected with 500 when it returns. nil refuses every call with 480.
	Invite func(*IncomingCall)
	// Intercept sees each well-formed request but CANCEL before the package
	// does, and reports whether it has taken it. With it a registrar or a proxy
	// can be built on a UA. The transaction is nil for an ACK and ends when
	// Intercept returns.
	Intercept func(req *sip.Request, tx sip.ServerTransaction) bool
	// Admit judges each well-formed request of a stranger (see Config.IsPeer) that belongs
	// to no dialog, before anything is kept of it: nil lets it in, a response is sent once,
	// over UDP without retransmissions. See RFC 3261, section 26.3.2.4. A request that is
	// sent again after it was let in does not come here again, nor do its ACK and CANCEL.
	// Admit is called by those who read from the sockets: it must be quick. nil lets
	// everything in.
	Admit func(req *sip.Request, from Peer) *sip.Response
	// Other takes requests outside dialogs of methods that the package does
	// not handle itself. nil answers 405.
	Other func(req *sip.Request, tx sip.ServerTransaction)
	// Methods are those that Other takes, for our Allow headers; others get 405,
	// or 501 if they are in no RFC. nil leaves them all to Other.
	Methods []string
}
