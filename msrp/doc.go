// Package msrp is the Message Session Relay Protocol: sessions, set up by SDP,
// in which messages of any size go both ways in chunks, each answered and, if
// wanted, reported. It knows no SIP: it gives and takes SDP bodies.
//
// Covered are
//
//   - RFC 4975, all of it but for S/MIME: the protocol, its URIs and its SDP
//   - RFC 4976, the client of a relay ([OpenRelay]); being a relay is not
//   - RFC 4145 and 6135, who connects; RFC 8122, TLS with fingerprints;
//     RFC 6714, CEMA
//   - RFC 3862, message/cpim, and RFC 5438, IMDN: package cpim beside this one
//   - isComposing (RFC 3994) is told by its type ([TypeComposing])
//   - RFC 7701, nicknames and the chatroom attribute ([Chatroom]); being the chat
//     room is not
//
// MUSTS.md, beside this file, lists each MUST of RFC 4975, 4976 and 7701 with the file
// that does it, under a tag like RFC4975-7.1.1-3, and its tests; and at its
// end what is not done. Package cpim has a table of its own.
//
// # Usage
//
// Both sides make a URI of their own for each session, and tell the other in
// SDP ([Media]). One of them connects, as the setup attribute says, or else the
// offerer. That one calls [Dial]. The other has a [Listener], which serves any
// number of sessions on one port: [Listener.NewURI] makes the URI, and
// [Listener.Accept] registers the session before the peer is told of it. Where
// the offerer listens, it learns the peer's path from the answer
// ([Session.SetRemote]).
//
// Either way a [Session] comes out. [Session.Send] sends a message from an
// [io.Reader], waits for its answers, and gives a [Receipt] for its success
// report. What arrives goes to the session's [Handler], which reads it as an
// [io.Reader]: the message is answered with 200 when the handler has returned
// nil, and so not before it is safe, and the sender is held back while the
// handler is busy.
//
// A [*StatusError] is the peer's answer other than 200, or, if a handler returns
// it, ours. Send fails with it when the peer refuses the message; 413 may come
// in the middle, and ends it there.
//
// # Order
//
// One Send after the other sends in order, and waits for an answer each time.
// Sends at the same time take turns chunk by chunk. With [Message.Queued]
// several messages can be under way in a known order. A session's handlers run
// at the same time; one that must do something in the order of arrival uses
// [Incoming.InOrder].
//
// # How it ends
//
// [Session.Shutdown] and [Listener.Shutdown] wait for what is under way, Close
// does not. [Session.Done] is closed when a session has ended, and [Session.Err]
// then tells why: [ErrClosed] at this side, [ErrPeerClosed] in good order at the
// other, or [ErrConnectionLost] with the cause behind it. A handler whose
// message does not arrive whole sees [ErrAborted] instead of io.EOF.
//
// A session is not ended for being idle: SIP does that. A peer that has vanished
// is noticed by TCP's keep-alive, as package net sets it. A [Message] with
// neither Body nor ContentType is an empty SEND, which keeps the connection
// open in middleboxes; those of the peer are answered and not handed on.
//
// # Concurrency
//
// One goroutine reads each connection; one writes it while there is something to
// write. Each incoming message has its handler in a goroutine of its own, joined
// to the reader by a pipe of bounded size: a handler that reads slowly makes the
// reader wait, and TCP the sender. All methods may be called from any goroutine,
// but those of an [Incoming] are for its handler.
//
// # Limits
//
// Every buffer, queue and wait is bounded; the bounds are the constants
// beside [MaxHeaderLine] and the fields of [Config]. Bytes that make no sense
// close the connection they came on, with one line in the log. Chunks
// may come in any order; of those ahead of their turn 128 KB are held for each
// message, and more refuses it with 413.
//
// Taken though the RFC has it otherwise, because stacks in use do so: a
// missing Byte-Range; a range end of "*" in a short chunk; a Byte-Range that
// says more or less than the chunk has, also where characters are counted for
// bytes; a status without comment; empty SENDs at any time; an end-line right behind
// the blank line; a Content-Type without a body; second responses, and
// responses to REPORTs (both ignored); transaction ids of less than 4 and
// Message-IDs of more than 32 characters.
//
// Package msrptest is a scripted peer for tests.
package msrp
