package mailbox

import (
	"context"
	"time"
)

// A Pair is one entry of the directory: messages from Sender to Recipient are kept, or may
// be kept, by the media server named Server.
type Pair struct {
	Recipient string    // canonical SIP URI
	Sender    string    // canonical SIP URI
	Server    string    // name of the media server
	Name      string    // display name of the sender, as it was last; "" if there is none
	Since     time.Time // when the first of them may have arrived
}

// A Directory holds the entries durably. A change is on disk when its method returns.
type Directory interface {
	// Add makes an entry. If there is one, its Since stays, and a Name replaces the old one.
	Add(Pair) error
	Remove(Pair) error
	// EachInPages calls f for every entry, ordered by recipient. Entries that change
	// meanwhile may be there or not.
	EachInPages(f func(Pair) error) error
}

// Presence reports which recipients are reachable. It is level-triggered: the same notice
// may come again and again.
type Presence interface {
	// Watch calls told with each notice about the recipient, one at a time, until stop. News
	// is false for a notice that only repeats the last one. An error is about the request,
	// not about the network.
	Watch(ctx context.Context, recipient string, told func(reachable, news bool)) (stop func(), err error)
}

// A Pusher delivers, and knows what it delivers from.
type Pusher interface {
	// Push delivers all messages of a pair. An error that has a [*Fault] is about the
	// recipient's side; any other is about ours. Before is the text of the error with which
	// the last push has failed, or "".
	Push(ctx context.Context, p Pair, before string) error
	// MediaServer returns the present state of a media server. It must not block.
	MediaServer(name string) MediaServer
}

// MediaServer is the state of a media server. The zero value is that of one that is not
// configured.
type MediaServer struct {
	Configured bool
	Up         bool      // it has a control channel
	Since      time.Time // when the channel came up, if Up
	Tells      bool      // it reports the first message and the end of each session
}
