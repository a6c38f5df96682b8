package ms

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// A connection is a SIP dialog with the AS and its MSRP session, named by
// Call-ID;from-tag;to-tag. See the draft, section 2.3.1. Its two halves come
// in either order: the session from SIP and MSRP, the pair of URIs from MSCP.
type connection struct {
	id  string
	log *slog.Logger

	busy     chan struct{} // of capacity 1: sending has changed
	restored chan struct{} // closed when pair is set
	ready    chan struct{} // closed when session or failure is set
	over     chan struct{} // closed when nothing is stored any more, and the AS was told

	mu      sync.Mutex
	kind    dialogKind
	sending int            // SendMsg under way
	held    chan struct{}  // closed when messages may be sent again; nil if they may
	pair    store.Pair     // whose messages arrive here; in a push session, those that are replies
	name    string         // display name of the pair's sender
	also    []string       // canonical URIs of the same user
	memory  *msrp.Budget   // what a store session holds; nil: no limit, or it is a push session
	left    func()         // gives the session's part of what its sender may hold back
	file    *store.File    // that the caller of a store session transfers; nil: messages
	session *msrp.Session  // for a push session
	failure error          // why there will be no session
	call    *sipua.Call    // nil before it is answered
	takes   content.Accept // what the user agent takes

	replies replies // of the user agent of a push session
	tally   tally
}

// maxIdentities bounds the further URIs of a sender.
const maxIdentities = 16

func newConnection(id string, kind dialogKind, log *slog.Logger) *connection {
	return &connection{id: id, kind: kind, log: log, busy: make(chan struct{}, 1), restored: make(chan struct{}), ready: make(chan struct{}), over: make(chan struct{})}
}

var (
	errOtherPair   = errors.New("connection belongs to another pair of URIs")
	errNotRestored = errors.New("no RestoreMsg came for this connection")
)

// restore binds the connection to its pair, unless charge, which may be nil, has an
// error. Saying the same again is fine; a second, different pair is not.
func (c *connection) restore(p store.Pair, charge func() (release func(), err error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.restored:
		if c.pair != p {
			return errOtherPair
		}
		return nil
	default:
	}
	if charge != nil {
		release, err := charge()
		if err != nil {
			return err
		}
		c.left = release
	}
	c.pair = p
	close(c.restored)
	return nil
}

// leaveSender follows the end of a session that was restored.
func (c *connection) leaveSender() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left != nil {
		c.left()
		c.left = nil
	}
}

// setName notes the display name of the sender.
func (c *connection) setName(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.name = name
}

func (c *connection) senderName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.name
}

// setIdentities notes further URIs of the sender; those that are none are left out.
func (c *connection) setIdentities(uris []string) {
	var also []string
	for _, uri := range uris[:min(len(uris), maxIdentities)] {
		if canonical, err := sipua.CanonicalURI(uri); err == nil {
			also = append(also, canonical)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.also = also
}

// speaker is the user that speaks in the session, whose messages are of the pair p.
func (c *connection) speaker(p store.Pair) content.Speaker {
	c.mu.Lock()
	defer c.mu.Unlock()
	return content.Speaker{URI: p.Sender, Also: c.also}
}

// transferred is the file that the session is for; nil if it is for messages.
func (c *connection) transferred() *store.File {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.file
}

// waitPair waits until restore was called.
func (c *connection) waitPair(ctx context.Context) (store.Pair, error) {
	select {
	case <-c.restored:
		p, _ := c.restoredPair()
		return p, nil
	case <-ctx.Done():
		return store.Pair{}, errNotRestored
	}
}

// restoredPair is what restore was called with, if it was.
func (c *connection) restoredPair() (store.Pair, bool) {
	select {
	case <-c.restored:
	default:
		return store.Pair{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair, true
}

// began notes the call, when it has been answered.
func (c *connection) began(call *sipua.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.call = call
}

// ending tells whether the call has ended, though messages may still be stored.
func (c *connection) ending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.call != nil && c.call.Ended()
}

// isA tells whether the connection is of that kind.
func (c *connection) isA(kind dialogKind) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kind == kind
}

// toStore makes a store session of a connection whose offer was ours, as it is for
// a caller that has left the offer to us, unless it is used for a push already.
func (c *connection) toStore() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.restored:
	default:
		if c.kind == pushDialog {
			c.kind = storeDialog
		}
	}
	return c.kind == storeDialog
}

// send counts a SendMsg that begins, or with -1 one that has ended.
func (c *connection) send(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sending += n
	select {
	case c.busy <- struct{}{}:
	default:
	}
}

// idle tells whether the connection is one of a push that nobody uses: its AS may
// have gone.
func (c *connection) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kind == pushDialog && c.sending == 0
}

// setFlow says whether the user agent takes messages now.
func (c *connection) setFlow(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case on && c.held != nil:
		close(c.held)
		c.held = nil
	case !on && c.held == nil:
		c.held = make(chan struct{})
	}
}

// awaitFlow waits until the user agent takes messages.
func (c *connection) awaitFlow(ctx context.Context) error {
	for {
		c.mu.Lock()
		held := c.held
		c.mu.Unlock()
		if held == nil {
			return nil
		}
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settle gives the connection its session, or the reason why it will have
// none. Only the first call counts.
func (c *connection) settle(s *msrp.Session, failure error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ready:
	default:
		c.session, c.failure = s, failure
		close(c.ready)
	}
}

// hear notes what the user agent says that it takes, and whether it takes anything
// now. It holds until the next offer or answer. See RFC 4975, sections 8.6 and 8.9.
func (c *connection) hear(theirs *msrp.Media) {
	c.mu.Lock()
	c.takes = content.AcceptOf(theirs)
	c.file = content.KeptFile(theirs.File)
	c.mu.Unlock()
	c.setFlow(takesMessages(theirs.Direction))
}

// takesReceipts reports whether the user agent takes notifications in CPIM now.
func (c *connection) takesReceipts() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held == nil && c.takes.Receipts()
}

func (c *connection) accept() content.Accept {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takes
}

// waitSession waits until settle was called.
func (c *connection) waitSession(ctx context.Context) (*msrp.Session, error) {
	select {
	case <-c.ready:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.session, c.failure
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// connections are the live connections by their id.
type connections struct {
	mu   sync.Mutex
	byID map[string]*connection
}

func newConnections() *connections { return &connections{byID: map[string]*connection{}} }

func (cs *connections) add(c *connection) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.byID[c.id] = c
}

func (cs *connections) remove(c *connection) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.byID, c.id)
}

func (cs *connections) get(id string) *connection {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.byID[id]
}

// count is the number of live connections of that kind.
func (cs *connections) count(kind dialogKind) int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	n := 0
	for _, c := range cs.byID {
		if c.isA(kind) {
			n++
		}
	}
	return n
}
