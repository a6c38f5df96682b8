// Package ms is the media server (MS) of the offline-message cluster: it takes
// messages over MSRP for absent users, keeps them on disk by the recipient's
// URI, and delivers them over MSRP when its application server (AS) asks for it.
//
// The server has no users of its own. All its SIP and MSCP comes from the AS.
// User agents reach it over MSRP only. See the paper, sections 2.3 and 3.
//
// An INVITE starts one of three things, depending on its SDP: a control channel
// for MSCP, a store session, or a push session. A store session belongs to the
// pair of sender and recipient that RestoreMsg names; the last chunk of a message
// is answered with 200 only when the message is on disk, fsynced. SendMsg starts
// the delivery in a push session; a message is removed only when the user agent
// has confirmed it.
//
// Operation, metrics and the extensions to MSCP are described in docs/manual.md
// and docs/design.md; DefaultYAML describes each setting. The messages are in one
// file, see package store; package operator has the operator's commands.
//
// # Concurrency
//
// A [Server] is safe for concurrent use. One goroutine owns each SIP dialog with
// its MSRP session or control channel.
package ms
