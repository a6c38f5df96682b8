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
// carries (RFC 3725, flow I). On the dialogs of sessions, too, MSCP is taken in INFO
// (draft, 7.1): the response to a request goes out on its dialog, whatever connection
// it is about.
//
// Offers and answers name the types of chat, and then "*": user agents look for a
// type that they know by name.
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
// pair, and of the bytes that the session has stored (from-uri, to-uri,
// connection-id, messages, bytes, session="store"): it need not call anybody for
// none. Who does not know it ignores it; see the draft, section
// 3.3. With session="open" it comes at once when the first message of a session
// is on disk, and again for the first one after a push: the recipient may be back
// while the sender is still writing.
//
// What is over a limit is refused, 413 for its size and 403 otherwise; a store
// that is full answers the INVITE with 503. Signs of composing and notifications
// (RFC 3994, RFC 5438) are answered and forgotten, unless keep_notifications is
// set; so are handshakes of Off-the-Record Messaging that clients send by
// themselves, bare or in CPIM, unless keep_automatic is. A message in CPIM that asks for a notification of processing gets it,
// "stored", in the same session, if its sender takes such messages.
//
// # Files
//
// A session that transfers a file (RFC 5547) is taken as any other, and its answer names
// the file. Name, type, size and hash are kept with the message. It is delivered as a
// message with a Content-Disposition that has the name and, where the SEND had no better
// one, the file's type; not as an offer of a file, which would need a session for each.
// An offer that asks us for a file gets 488.
//
// # Names
//
// RestoreMsg may have an attribute of ours, from-name, with the sender's display name.
// It is kept with each message; the CPIM of a push has it, and MsgKept and Inventory tell
// it to the AS, which calls recipients in the sender's name.
//
// A sender's own CPIM must be from that sender: its From is the from-uri of RestoreMsg,
// one of the URIs in from-also, the same user in another scheme, or anonymous. Anything
// else gets 403, in replies as well, since the recipient sees it as we would have written
// it. See speaker.go.
//
// # Inventory
//
// An AS that asks with SendInventory is told, in notifications of ours, of every
// pair that messages are kept for or that a session may still leave some for:
// see [mscp.Inventory].
//
// What an operator or the time changes, and what is set aside, is told to the AS with
// MsgKept, session "store-change": one for each pair, collected and paced.
//
// # Push sessions
//
// SendMsg starts the delivery of what is kept for the pair, oldest first, with a
// window of messages under way at once. A message leaves the store after the user
// agent's 200 to its last chunk, and its success report where the sender had asked
// for one; what was confirmed and not yet deleted when the process dies, up to
// 1024 messages, is sent once more. MsgSended says that nothing is left;
// MsgNotSended says why something is.
//
// A message is sent as its user agent takes it (RFC 4975, section 8.6): as it came, in
// CPIM, or out of the CPIM that it came in. One that the user agent refuses, or whose
// type or size it does not take, does not stop those behind it. It waits for another
// device or another time; the reason in MsgNotSended begins with [mscp.ReasonDevice]
// then, and the recipient need not be called again before a device has registered.
// After push.give_up it is set aside for the operator, and its sender gets a
// notification of failure (RFC 5438), if it has asked for negative-delivery.
//
// What the user agent sends back is kept for the sender of what it got, except for
// what clients send by themselves and what asks for no report; and the AS
// hears of it by MsgKept with session="push" when the session has ended. If a
// sender has asked for a notification of delivery, MsgSended waits for it, for a
// while.
//
// # The store and its operator
//
// Each server has one file, see package store. Its admin address, and mscp-ms
// store, list, show, purge, export and so on; see package operator.
//
// # Metrics
//
// Beside those of Go and the process: mscp_mediaserver_build_info; of sessions
// mscp_mediaserver_store_sessions, mscp_mediaserver_push_sessions and
// mscp_mediaserver_control_channels, which are those there are now; of messages
// mscp_mediaserver_messages_stored_total, mscp_mediaserver_messages_duplicate_total,
// mscp_mediaserver_messages_delivered_total, mscp_mediaserver_messages_undelivered_total,
// mscp_mediaserver_messages_deleted_total, mscp_mediaserver_messages_expired_total,
// mscp_mediaserver_messages_refused_total by reason,
// mscp_mediaserver_messages_unknown_total by outcome (answered with 408 before it was
// known whether they are kept),
// mscp_mediaserver_messages_over_limit_total by limit,
// mscp_mediaserver_messages_withheld_total by reason (type, size, refused),
// mscp_mediaserver_messages_given_up_total,
// mscp_mediaserver_notifications_dropped_total and mscp_mediaserver_receipts_total by
// outcome; of the store mscp_mediaserver_store_messages, mscp_mediaserver_store_bytes,
// mscp_mediaserver_store_aside_messages, mscp_mediaserver_store_open_bytes,
// mscp_mediaserver_store_file_bytes, mscp_mediaserver_store_index_bytes,
// mscp_mediaserver_store_queue_jobs,
// mscp_mediaserver_store_queue_bytes, mscp_mediaserver_store_failed_commits_total,
// mscp_mediaserver_store_oldest_message_timestamp_seconds,
// mscp_mediaserver_store_transaction_duration_seconds,
// mscp_mediaserver_store_transaction_jobs and mscp_mediaserver_commit_duration_seconds;
// and mscp_mediaserver_strangers_rejected_total by protocol. Of what is held for peers
// mscp_mediaserver_held_bytes, mscp_mediaserver_held_limit_bytes and
// mscp_mediaserver_held_refused_total, by what it is for; of places at the ports
// mscp_mediaserver_held and mscp_mediaserver_refused_total by port.
//
// # The log
//
// At the level info, a session is one line: from and to, the messages and bytes that
// it has stored or delivered, those refused (refused) or set aside (set_aside), what
// the recipient of a push sent back (replies), how long it took (seconds), and why it
// failed (err), if it did. A message is a line at debug.
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
// # Who gets in
//
// SIP is taken from access.peers only, the application servers: addresses, ranges of
// them, and names that a TLS client certificate has proved. Others get 403, also
// within a dialog. A control channel's connection must come from one of these
// addresses or from that of its INVITE; others are closed, and do not take the
// channel's one place. mscp_mediaserver_strangers_rejected_total counts both by protocol.
// User agents are known by the session-id in their MSRP URI, of 100 random bits,
// which only the answer to them tells.
//
// # TLS
//
// With a tls.certificate, SIP is taken over TLS at sip.tls_listen, and control
// channels over TLS are taken, each side being known by the fingerprint in its SDP
// (RFC 8122); control.require_tls refuses others, and MSCP over INFO of a dialog that
// is not over TLS, a session's included. An offer of TCP/TLS/MSRP is answered at msrp.tls_listen, which needs
// no tls.certificate: without one, the server makes a certificate for itself, keeps it
// beside its store, and is known by the fingerprint in its SDP. With "off" such an offer
// is refused with 488. Pushes offer plain MSRP, and MSRP over TLS when the AS asks for
// it because the user agent has refused plain MSRP ([mscp.HeaderTransport]). With
// msrp.offer_tls they offer MSRP over TLS alone. An answer with another transport than
// the offer's is a refusal.
// A user agent's certificate must be that of its fingerprint. If its SDP has none,
// ours is for it to check, and its own is checked against tls.ca where we connect.
//
// # Changes of the configuration
//
// [Server.Reload], in mscp-ms on SIGHUP, puts access, limits and the files of the
// certificate in force, and names what waits for a restart. A configuration with
// anything wrong is refused as a whole. Files of a certificate that are replaced are
// used at the next connection without it.
//
// # Concurrency
//
// A [Server] is safe for concurrent use. One goroutine owns each SIP dialog
// with its MSRP session or control channel.
package ms
