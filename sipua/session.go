package sipua

import (
	"bytes"
	"context"
	"sync"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/sdp"
)

// A session is the state of the media session, as described by both sides of a dialog.
type session struct {
	body        []byte                   // the peer's description, of its INVITE or of the responses to ours
	unread      error                    // why there is none although there was a body
	early       map[earlyKey]description // of 1xx to our INVITE
	said, heard description              // the latest, of us and of the peer
	exchange    exchange                 // the change that is under way
	updates     bool                     // the peer accepts UPDATE
	onOffer     func(context.Context, Offer) ([]byte, error)
}

// acks are the ACKs of a dialog, of both sides.
type acks struct {
	inviteSeq uint32                  // CSeq of the INVITE that Ack acknowledges
	acked     bool                    // by Ack
	sent      map[uint32]*sip.Request // our latest ACKs, to be repeated for a repeated 2xx
	awaited   map[uint32]*ackWait     // for our 2xx, by the CSeq of their INVITE
}

// infos are the INFOs of a dialog, of both sides.
type infos struct {
	handler func(context.Context, Info) error
	ours    chan struct{} // of capacity 1: an INFO of ours is under way
	order   sync.Mutex    // held while an INFO of the peer is handled
}

// A description is a body that describes the session.
type description struct {
	body        []byte
	contentType string
}

// An exchange is the change of a session that is under way: at most one request of either
// side at a time.
type exchange struct {
	ours, theirs change
	free         chan struct{} // closed when ours or theirs ends; nil while none is open
}

// A change is a request that may change the session.
type change int

const (
	noChange   change = iota
	inviting          // an INVITE, with an offer or asking for one
	offering          // an UPDATE with an offer
	refreshing        // an UPDATE without
)

func changeOf(method sip.RequestMethod, body []byte) change {
	switch {
	case method == sip.INVITE:
		return inviting
	case len(body) > 0:
		return offering
	default:
		return refreshing
	}
}

// release wakes the goroutines that wait for the end of a change. Call.mu is held.
func (x *exchange) release() {
	if x.free != nil {
		close(x.free)
		x.free = nil
	}
	if x.ours != noChange || x.theirs != noChange {
		x.free = make(chan struct{})
	}
}

// sameSession reports whether a description repeats another. It compares the o= lines,
// whose version grows with every change. See RFC 3264, section 8, and RFC 4028, section
// 7.4.
func sameSession(a, b []byte) bool {
	x, y := origin(a), origin(b)
	return x != "" && x == y || bytes.Equal(a, b)
}

// origin is the value of the o= line of a session description, "" without one.
func origin(body []byte) string {
	for line := range sdp.Lines(body) {
		if line.Kind == 'o' {
			return line.Value
		}
	}
	return ""
}

// An earlyKey identifies an early dialog of one of our INVITEs. A forked INVITE has
// several, each with its own To tag.
type earlyKey struct {
	seq   uint32 // of the INVITE
	toTag string
}

// An ackWait waits for the ACK for one 2xx of ours. A dialog can have several, because a
// re-INVITE may overtake the ACK before it.
type ackWait struct {
	done        chan struct{}
	body        []byte // the session description in the ACK; valid after done, as is its type
	contentType string
}
