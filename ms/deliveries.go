package ms

import (
	"context"
	"slices"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/store"
)

// deliveries send what is kept for pairs to user agents.
type deliveries struct {
	*shared
	dialogs *dialogs
}

// storing are the dialogs whose store sessions are of that pair.
func (ds *deliveries) storing(p store.Pair) (list []*dialog) {
	for _, d := range ds.dialogs.all() {
		if ss, ok := d.current().(*storeSession); ok {
			if of, ok := ss.pair(); ok && of == p {
				list = append(list, d)
			}
		}
	}
	return list
}

// ending are the store sessions of a pair whose calls have ended. They may still store
// messages that had arrived.
func (ds *deliveries) ending(p store.Pair) []*dialog {
	return slices.DeleteFunc(ds.storing(p), func(d *dialog) bool { return !d.ending() })
}

// awaitOver waits until none of the sessions stores any more. It reports whether there
// were some.
func awaitOver(ctx context.Context, list []*dialog) bool {
	for _, d := range list {
		select {
		case <-d.over:
		case <-ctx.Done():
			return false
		}
	}
	return len(list) > 0
}

// delivering begins the delivery of a pair's messages, which takes those that arrive
// meanwhile. end ends it, with the ctx of the request: it notifies the AS of messages that
// have come too late for the delivery. It does not notify of those that the user agent has
// not taken: the AS would call at once again, and again.
func (ds *deliveries) delivering(p store.Pair) (end func(ctx context.Context)) {
	ds.notices.arrivals.Note(p)
	return func(ctx context.Context) {
		came := ds.notices.arrivals.Forget(p)
		mscp.AfterResponse(ctx, func() {
			if !came || ds.notices.kept(p) == 0 {
				return
			}
			if list := ds.storing(p); len(list) > 0 {
				ds.notices.arrived(p, list[0].id)
			}
		})
	}
}
