package ms

import (
	"hash/maphash"
	"log/slog"
	"sync"

	"github.com/gomscp/gomscp/ms/internal/arrivals"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/store"
)

// notices notify the application servers of what is kept, on all control channels. MsgKept
// is an extension of ours that other application servers ignore.
type notices struct {
	life     *lifecycle
	log      *slog.Logger
	store    *store.Store
	channels channels
	arrivals arrivals.Arrivals
	telling  *tellLocks
}

func newNotices(life *lifecycle, log *slog.Logger, st *store.Store) *notices {
	return &notices{life: life, log: log, store: st, telling: newTellLocks()}
}

// arrived notifies the AS, once, that a message has come in a session that goes on: its
// recipient may be reachable again.
func (n *notices) arrived(p store.Pair, connection string) {
	if !n.arrivals.Note(p) {
		return
	}
	n.life.tasks.Go(func() { n.tellArrived(p, connection) })
}

func (n *notices) tellArrived(p store.Pair, connection string) {
	defer n.telling.lock(p)()
	n.channels.notify(n.life.ctx, &mscp.MsgKept{
		FromURI: p.Sender, ToURI: p.Recipient, ConnectionID: connection,
		Messages: n.kept(p), Session: mscp.SessionOpen,
	})
}

// tellKept notifies the AS how many messages are kept for a pair, and how many bytes the
// session on the named connection has stored.
func (n *notices) tellKept(p store.Pair, connection, session string, bytes int64) {
	defer n.telling.lock(p)()
	n.channels.notify(n.life.ctx, &mscp.MsgKept{
		FromURI: p.Sender, ToURI: p.Recipient, ConnectionID: connection, FromName: n.nameOf(p),
		Messages: n.kept(p), Session: session, Bytes: bytes,
	})
}

// nameOf is the display name of the sender of the first message that is kept for a
// pair.
func (n *notices) nameOf(p store.Pair) string {
	if first := n.store.Page(p.Recipient, p.Sender, 0, 1); len(first) > 0 {
		return first[0].SenderName
	}
	return ""
}

// kept is the number of messages that wait to be delivered for the pair.
func (n *notices) kept(p store.Pair) int {
	for _, sender := range n.store.Senders(p.Recipient) {
		if sender.Sender == p.Sender {
			return sender.Count
		}
	}
	return 0
}

// broughtBy is the connection on which the first message that is kept for a pair arrived; ""
// if nothing is kept. With several application servers it shows whose message it is.
func (n *notices) broughtBy(p store.Pair) string {
	if first := n.store.Page(p.Recipient, p.Sender, 0, 1); len(first) > 0 {
		return first[0].ConnectionID
	}
	return ""
}

// tellLocks order the notifications about one pair: they go out in the order in which its
// messages were counted, as the last notification counts.
type tellLocks struct {
	seed maphash.Seed
	all  [64]sync.Mutex
}

func newTellLocks() *tellLocks { return &tellLocks{seed: maphash.MakeSeed()} }

// lock returns the function that unlocks.
func (t *tellLocks) lock(p store.Pair) (unlock func()) {
	m := &t.all[maphash.Comparable(t.seed, p)%uint64(len(t.all))]
	m.Lock()
	return m.Unlock
}
