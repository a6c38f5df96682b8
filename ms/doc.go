// Package ms is the media server (MS) of the offline-message cluster: it takes
// messages over MSRP for absent users, keeps them on disk by the recipient's
// URI, and delivers them over MSRP when its application server (AS) asks for it.
//
// The server has no users of its own. All its SIP and MSCP comes from the AS.
// User agents reach it over MSRP only. See the paper, sections 2.3 and 3.
//
// An INVITE that offers MSCP starts a control channel. One that offers MSRP starts a store
// session: RestoreMsg names its sender and recipient, and the last chunk of a message gets 200
// only when the message is on disk, fsynced. An INVITE without an offer is answered with an
// offer of MSRP, and the next request of the AS decides what the session is: with RestoreMsg a
// store session, with SendMsg a push session. SendMsg starts a delivery; a message is removed
// only when the user agent has confirmed it.
//
// docs/architecture.md lists the parts of the package, from the top down.
//
// docs/manual.md describes operation and metrics, docs/design.md the extensions to MSCP, and
// DefaultYAML each setting. Package store keeps the messages in one file. Package operator has
// the operator's commands.
//
// # Concurrency
//
// A [Server] is safe for concurrent use. One goroutine owns each SIP dialog with
// its MSRP session or control channel.
package ms
