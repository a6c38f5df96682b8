// Package msrp implements the Message Session Relay Protocol. SDP sets up a session, which
// carries messages of any size in both directions. A message is sent in chunks, and by
// default each chunk is answered. A sender may request a report about a message. The package
// takes and returns SDP bodies; it has no SIP.
//
// It covers RFC 4975, except S/MIME. It also covers clients of relays (RFC 4976),
// connection setup (RFC 4145, 6135), TLS with fingerprints (RFC 8122), CEMA (RFC 6714), and
// the participant's side of nicknames and chat rooms (RFC 7701). Package cpim has CPIM and
// IMDN. MUSTS.md maps each MUST to its code and tests; docs/msrp.md lists what is accepted
// beyond the RFCs.
//
// Each side makes a URI for the session and names it in SDP ([Media]). The side that
// connects calls [Dial]. The other side has a [Listener] for any number of sessions:
// [Listener.NewURI] makes the URI, [Listener.Accept] registers the session.
//
// [Session.Send] sends a message from an [io.Reader], waits for its answers, and returns
// a [Receipt] for the success report. A received message goes to the [Handler] as an
// [io.Reader]. It is answered with 200 when the handler has returned nil, and the sender
// is slowed down while the handler is busy. A [*StatusError] is an answer other than 200:
// a handler returns one for the sender, and Send returns one that the peer has sent.
//
// # Order
//
// Consecutive calls of Send arrive in order. Concurrent calls share the connection, chunk
// by chunk. [Message].Queued keeps several messages in flight in a known order.
// Handlers of a session run concurrently. [Incoming.InOrder] waits until the handlers of all
// messages that arrived before have had their turn.
//
// # Limits and concurrency
//
// Every buffer, queue and wait is bounded, by the constants in limits.go and the fields of
// [Config]. All methods are safe for concurrent use, except that an [Incoming] belongs to
// its handler.
package msrp
