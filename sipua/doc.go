// Package sipua does a SIP user agent's work over sipgo's transactions and
// transports: calls in both roles, third-party call control, subscriptions and
// registrations, over UDP, TCP and TLS. See RFC 3261, 3264, 3311, 3725, 4028, 5922,
// 6086, 6665, 7616 and 8760.
//
// # Usage
//
// [New] binds UDP and TCP at one port and serves. [UA.Invite] makes a call and
// returns when the other side has answered; the ACK is a step of its own, so
// that an answer can travel in it. Incoming calls come to the Invite handler,
// which answers or rejects them and may stay for as long as the call lasts.
//
// With a [TLSConfig], TLS is served at a port of its own; a sips URI, or one with
// transport=tls, leads there. [UA.Peer] and [IncomingCall] tell who a request is
// from: its address, and the names that its certificate has proved.
//
// Within a call, [Call.Reinvite] and [Call.Update] change the session, and
// [Call.OnOffer] answers the peer's changes. Changes that cross are refused and
// tried again as RFC 3261, section 14, has it. Config.SessionExpires has calls end
// that nobody keeps alive; the peer's wish for that is heeded in any case. Where one
// offer is to pass through two calls, [Call.Relay] carries it, and [Call.AskOffer] and
// [Offer.OnAnswer] leave the answer to be sent, and to come, in the ACK.
//
// [Call.Info] sends a body within a call, and [Call.OnInfo] takes the peer's.
//
// An [Authenticator] asks for digest credentials and checks them; see
// [UA.Authenticate] and [IncomingCall.Authenticate]. Challenges to our own requests
// are answered with the request's credentials, or those of Config.Credentials.
//
// A [Subscription] and a [Registration] last until they are closed. What the peer says
// of reasons and times (Subscription-State, Retry-After, Min-Expires) decides when they
// are asked for again; MaxRetryAfter bounds it. Subscriptions at one notifier know of
// each other: when one is found to be lost, all are refreshed, at the pace of
// SubscribeRequest.Pace.
//
// The bodies of all messages are looked at by type, encoding and disposition, and in the
// parts of a multipart; see [FindBody]. What is not understood gets 415 with what is. A
// refused change of the session has a Warning, if its handler has given no other reason
// by a [StatusError].
//
// # Concurrency
//
// Everything is safe for concurrent use. Each incoming call has a goroutine of
// its own, each subscription and registration has one that owns it, and
// notifications of one subscription are handed on one at a time.
//
// # What sipgo leaves to this package
//
// sipgo runs every received message in a goroutine of its own, so order is
// restored here: a BYE ends the wait for an ACK that it has overtaken, a NOTIFY
// may come before its SUBSCRIBE's 200, and one with a lower CSeq than the last
// is refused. The repetition of a 2xx until its ACK, and of an ACK for each
// repeated 2xx, is done here, as is the BYE for a 2xx that has crossed a CANCEL.
// TCP and TLS connections are dialled here, and handed to sipgo.
//
// sipgo's parser drops some malformed messages without an answer, and takes others
// as what they are not, so that every message is looked at before: a request that
// is refused gets its 400 without a transaction, and the others come to sipgo in a
// form that it can read. What becomes of the messages of RFC 4475 is told in
// testdata/rfc4475/EXPECTED.
//
// # Limits
//
// See the constants. PRACK is not supported, nor is UPDATE before the answer. A
// connection over TLS that is gone before the response to a request on it is not
// made anew for the response. A message larger than the UDP limit of sipgo is sent
// over UDP all the same, in fragments.
package sipua
