// Package sipua is a SIP user agent on top of sipgo: calls in both roles, third-party
// call control, subscriptions and registrations, over UDP, TCP and TLS. See RFC 3261,
// 3264, 3311, 3725, 4028, 5922, 6086, 6665, 7616 and 8760.
//
// [New] binds UDP and TCP at one port, and TLS at another with a [TLSConfig].
// [UA.Invite] makes a call and returns when the other side has answered; the ACK is a
// separate step, so it can carry an SDP answer. Incoming calls go to the Invite handler.
//
// Within a call, [Call.Reinvite] and [Call.Update] change the session, and [Call.OnOffer]
// answers the peer's changes. [Call.Relay], [Call.AskOffer] and [Offer.OnAnswer] carry one
// offer through two calls. [Call.Info] and [Call.OnInfo] exchange INFO requests.
//
// [UA.Peer] and [IncomingCall] report the source of a request: its address, and the names
// in its certificate. An [Authenticator] requests and checks digest credentials. A
// [Subscription] and a [Registration] last until they are closed; Retry-After, Min-Expires
// and Subscription-State decide when they are requested again.
//
// [FindBody] finds a body by type, encoding and disposition, also in a multipart. Content
// that is not understood gets 415. docs/sip.md describes what this package does beyond
// sipgo. PRACK is not supported, nor is UPDATE before the answer.
//
// # Concurrency
//
// Everything is safe for concurrent use. Each incoming call has its own goroutine. Each
// subscription and registration has one owner, and notifications of one subscription are
// delivered one at a time.
package sipua
