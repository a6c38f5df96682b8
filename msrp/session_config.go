package msrp

import "context"

// SessionConfig has the settings of one session, as negotiated in SDP.
type SessionConfig struct {
	// Local is our own URI, as in the path that the peer has.
	Local URI
	// Remote is the peer's path, which is the To-Path of everything that we send. It may
	// be empty until Session.SetPeer if the session is accepted before the peer's path is
	// known, as after our own offer.
	Remote Path
	// Handler receives the messages; without it, they are refused with 415.
	Handler Handler
	// AcceptTypes are the media types accepted ("text/plain", "text/*", "*"); others are
	// refused with 415. nil accepts all types. The Handler must check the type inside a
	// container: see package cpim and Media.AcceptsWrapped.
	AcceptTypes []string
	// MaxSize is the size of the largest message accepted, in bytes; larger ones are
	// refused with 413. 0 means no limit.
	MaxSize int64
	// PeerAcceptTypes, PeerAcceptWrappedTypes and PeerMaxSize (in bytes) are the limits
	// in the peer's SDP: Send refuses other messages with a *NotAcceptedError. nil and 0
	// accept everything. Exception: without PeerAcceptWrappedTypes, only PeerAcceptTypes
	// may be wrapped. SetPeer sets these fields. See RFC 4975, section 8.6.
	PeerAcceptTypes        []string
	PeerAcceptWrappedTypes []string
	PeerMaxSize            int64
	// Nickname is called for a NICKNAME request, with the nickname that the peer
	// requests; "" gives up the present one. A nil result is answered with 200, a
	// *StatusError with its code (425: in use), any other error with 403. The goroutine
	// that reads the connection calls it, so it must be quick. Without it, NICKNAME gets
	// 501. See RFC 7701, section 7.
	Nickname func(name string) error
	// Fingerprints are those of the peer's SDP. The peer's certificate must match one of
	// those with the best hash function among them; SHA-256 is the best. They are used if
	// there is no relay between. See RFC 8122, section 5.1.
	Fingerprints []string
	// AwaitFingerprints is for a session over TLS that is accepted before the peer's SDP
	// is known, as after our own offer. Requests for the session then wait until
	// Session.SetPeer, and have no effect before. A peer with another certificate gets
	// 403. Config.HandlerTimeout bounds the wait, from the first request on; after it,
	// the requests get 408. Dial ignores this field. See RFC 8122, section 6.2.
	AwaitFingerprints bool
	// Memory is the budget for messages of the session; nil uses Config.Memory.
	Memory *Budget
	// ConnectTo is the "host:port" to which Dial connects, if it is not the first hop of
	// Remote: see Media.Address.
	ConnectTo string
	// Over makes Dial use the connection of this dialled session, which must lead to the
	// same first hop. The connection stays open until the last of its sessions ends. See
	// RFC 4975, section 5.4.
	Over *Session
}

// Handler receives one message, in its own goroutine, which starts when the first bytes
// have arrived.
//
// Chunks are answered with 200 as their bytes are read. The last chunk, and the success
// report if one is requested, are answered only after the Handler has returned nil. A
// *StatusError is sent unchanged, any other error as 403; both refuse the rest of the
// message. If a Handler returns nil, the bytes that it has not read are discarded.
//
// ctx ends when the message is aborted, the session is closed, or the answer has waited
// for Config.HandlerTimeout. In the last case the Handler has a few seconds to return the
// result. If it returns nil after that, the sender may send the message again.
//
// Before a Handler has read its message completely, it must not wait for messages that it
// sends on the same session, because their responses arrive after the rest of its own
// message. It must not call Close or Shutdown of its session.
type Handler func(ctx context.Context, m *Incoming) error
