// Package msrp is the Message Session Relay Protocol of RFC 4975: URIs and
// paths, the framing of chunks, sessions and their messages, success reports,
// and the session descriptions that set sessions up. It knows no SIP: it
// gives and takes SDP bodies.
//
// # Usage
//
// A [Listener] serves any number of sessions on one port; [Listener.Accept]
// registers one that its peer will connect to. [Dial] makes the connection
// itself. Either way a [Session] comes out, which sends messages with
// [Session.Send] and hands those that arrive to a [Handler].
//
// # Concurrency
//
// One goroutine reads each connection, one writes it. Each incoming message
// has its handler in a goroutine of its own, joined to the reader by a pipe
// of bounded size: a handler that reads slowly makes the reader wait, and
// TCP the sender. All methods may be called from any goroutine. Messages sent
// at the same time take turns chunk by chunk.
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
// missing Byte-Range; a range end of "*" in a short chunk; a last Byte-Range
// that counts the CRLF before the end-line, as the RFC's own examples do; a
// status without comment; empty SENDs at any time; an end-line right behind
// the blank line; a Content-Type without a body; second responses, and
// responses to REPORTs (both ignored); transaction ids of less than 4 and
// Message-IDs of more than 32 characters.
package msrp
