package msrp

import "context"

// SessionConfig describes one session, as agreed in SDP.
type SessionConfig struct {
	// Local is our own URI, the one in the path we gave the peer.
	Local URI
	// Remote is the peer's path: the To-Path of all we send. A session that
	// is accepted before the peer's path is known, as after an offer of ours,
	// may leave it empty until Session.SetPeer.
	Remote Path
	// Handler gets the messages; with nil they are refused with 415.
	Handler Handler
	// AcceptTypes are the media types accepted ("text/plain", "text/*", "*");
	// others are refused with 415. nil accepts everything. The Handler has to
	// check the type that a container wraps: see package cpim and
	// Media.AcceptsWrapped.
	AcceptTypes []string
	// MaxSize is the size of the largest message accepted, in bytes; larger
	// ones are refused with 413. 0 is no limit.
	MaxSize int64
	// PeerAcceptTypes, PeerAcceptWrappedTypes and PeerMaxSize (in bytes) are
	// what the peer's SDP accepts: Send refuses other messages with a
	// *NotAcceptedError. nil and 0 accept everything, but without
	// PeerAcceptWrappedTypes only PeerAcceptTypes may be wrapped. SetPeer sets
	// them. See RFC 4975, section 8.6.
	PeerAcceptTypes        []string
	PeerAcceptWrappedTypes []string
	PeerMaxSize            int64
	// Nickname is asked by a NICKNAME request, with the name that the peer
	// wants to bear; "" gives up the one it has. nil is answered with 200, a
	// *StatusError as it is (425: in use), any other error with 403. It is
	// called by the goroutine that reads the connection, so it must be quick.
	// Without it NICKNAME gets 501. See RFC 7701, section 7.
	Nickname func(name string) error
	// Fingerprints are those of the peer's SDP: its certificate must have one
	// of those with the best hash function among them, SHA-256 before all. They
	// count where no relay is between. See RFC 8122, section 5.1.
	Fingerprints []string
	// AwaitFingerprints is for a session over TLS that is accepted before the peer's
	// SDP is known, as after an offer of ours: requests that come for it wait until
	// Session.SetPeer, and have no effect before. A peer that has connected with another
	// certificate gets 403 then. The wait is bounded by
	// Config.HandlerTimeout from the first request on, and ends with 408. Dial has no
	// use for it. See RFC 8122, section 6.2.
	AwaitFingerprints bool
	// Memory is the budget for messages of the session; nil uses Config.Memory.
	Memory *Budget
	// ConnectTo is the "host:port" that Dial connects to, if not the first
	// hop of Remote: see Media.Address.
	ConnectTo string
	// Over makes Dial use the connection of that dialled session, which must
	// lead to the same first hop. It stays open until the last of the
	// sessions on it ends. See RFC 4975, section 5.4.
	Over *Session
}

// Handler receives one message, in a goroutine of its own that starts when the
// first bytes have arrived. Chunks are answered with 200 as their bytes are
// read, but the last one, and the success report if one is asked for, only
// after the Handler has returned nil. A
// *StatusError is sent as it is, any other error as 403; both refuse what is
// left of the message. If a Handler returns nil, bytes that it has not read are
// discarded. ctx ends when the message is aborted, the session is closed, or the answer
// has waited for Config.HandlerTimeout: then the Handler has a few seconds to say
// how it ended. If it returns nil after that, its sender may send the message again.
//
// Before a Handler has read its message to the end, it must not wait for messages
// that it sends on the same session: their answers arrive behind the rest of its own
// message. It must not call Close or Shutdown of its session.
type Handler func(ctx context.Context, m *Incoming) error
