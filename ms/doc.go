// Package ms is the media server of the offline-message cluster: it takes
// messages over MSRP for users who are absent, keeps them on disk by the
// recipient's URI, and delivers them over MSRP when its application server
// (AS) tells it to.
//
// It has no users of its own. All its SIP and MSCP comes from the AS; only
// MSRP connections reach it from, or lead to, user agents. See the paper,
// sections 2.3 and 3, figure 6.
//
// # What an INVITE is for
//
// An offer with an m-line of TCP/MS sets up an MSCP control channel, one without
// any m-line a channel over SIP INFO on its own dialog; an offer
// with an m-line of MSRP begins a store session; an INVITE without an offer
// begins a push session, whose offer the 200 carries and whose answer the ACK
// carries (RFC 3725, flow I).
//
// # Store sessions
//
// A connection's messages belong to the pair of URIs that the AS names in
// RestoreMsg. Until it has, what arrives on the connection is held: the
// session's bytes wait in the TCP connection, nothing is answered, and after a
// bounded time the messages are refused. A message's last chunk is answered 200
// only when all of the message is on disk, fsynced.
//
// When a store session has ended, the AS gets a notification of ours, MsgKept
// in the extension namespace, with the number of messages that are kept for the
// pair (from-uri, to-uri, connection-id, messages): it need not call anybody
// for none. Who does not know it ignores it; see the draft, section 3.3.
//
// # Push sessions
//
// SendMsg starts the delivery of what is kept for the pair, oldest first. A
// message leaves the store after the user agent's 200 to its last chunk, and
// its success report where the sender had asked for one. MsgSended says that
// nothing is left; MsgNotSended says why something is.
//
// # Re-offers
//
// A re-INVITE or UPDATE of the AS leaves the session and its path as they are, takes
// the peer's new path and direction, and is answered with our next o= version. A
// session that is gone, or whose peer has another address or asks for
// connection:new, gets a new path of ours; what is sent on the old connection until
// the new one is there counts. A push whose session is replaced while it sends ends
// as one that was cut. Nothing is sent to a user agent whose direction is sendonly or
// inactive.
//
// # Concurrency
//
// A [Server] is safe for concurrent use. One goroutine owns each SIP dialog
// with its MSRP session or control channel.
package ms
