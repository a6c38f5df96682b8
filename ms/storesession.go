package ms

import (
	"context"
	"log/slog"
	"time"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// A storeSession keeps the messages that a caller leaves, for the pair that RestoreMsg
// names. It answers no message before.
type storeSession struct {
	intake
	ownership ownership
}

func newStoreSession(sh *shared, d *dialog) *storeSession {
	return &storeSession{intake: newIntake(sh, d), ownership: ownership{known: make(chan struct{})}}
}

// restore binds the session to its owner, and charges what it holds to the sender.
func (ss *storeSession) restore(o *owner) error {
	return ss.ownership.set(o, func() (func(), error) { return ss.memory.Assign(ss.budget, o.Sender) })
}

// pair is whose messages arrive in the session; it reports false before RestoreMsg.
func (ss *storeSession) pair() (store.Pair, bool) {
	if o := ss.ownership.owner.Load(); o != nil {
		return o.Pair, true
	}
	return store.Pair{}, false
}

// receive keeps one message. It returns, and so the last chunk gets its 200, when the
// message is on disk.
func (ss *storeSession) receive(ctx context.Context, m *msrp.Incoming) error {
	if !ss.cfg.KeepNotifications && content.IsNotification(m.ContentType) {
		return ss.drop(m)
	}
	o := ss.ownership.owner.Load()
	if o == nil {
		if err := ss.hold(ctx, ss.ownership.known); err != nil {
			return err
		}
		o = ss.ownership.owner.Load()
	}
	_, kept, err := ss.keep(ctx, m, o, ss.forgets)
	if kept {
		ss.notices.arrived(o.Pair, ss.dialog.id)
	}
	return err
}

// idle reports false: the caller uses the session.
func (ss *storeSession) idle() bool { return false }

// finish notifies the AS how many messages are kept for the pair, in MsgKept: it need not
// call anybody for none.
func (ss *storeSession) finish() {
	if p, ok := ss.pair(); ok { // without RestoreMsg it belongs to nobody
		ss.notices.arrivals.Forget(p)
		ss.notices.tellKept(p, ss.dialog.id, "store", ss.dialog.tally.storedBytes.Load())
	}
}

func (ss *storeSession) logEnd(began time.Time, err error) {
	t := &ss.dialog.tally
	p, ok := ss.pair()
	logEnd(ss.dialog, "store session ended", p, ok, began, err,
		slog.Int64("messages", t.stored.Load()), slog.Int64("bytes", t.storedBytes.Load()))
}

// counts are the numbers of live store sessions, and of dialogs that are for a push or
// undecided.
func (ds *dialogs) counts() (store, push int) {
	for _, d := range ds.all() {
		if _, ok := d.current().(*storeSession); ok {
			store++
		} else {
			push++
		}
	}
	return store, push
}

// storing are the pairs of the store sessions on which messages may arrive.
func (ds *dialogs) storing() map[store.Pair]bool {
	pairs := map[store.Pair]bool{}
	for _, d := range ds.all() {
		if ss, ok := d.current().(*storeSession); ok {
			if p, ok := ss.pair(); ok {
				pairs[p] = true
			}
		}
	}
	return pairs
}
