package ms

import (
	"context"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/store"
)

// ending are the store sessions of a pair whose calls have ended. They may still store
// messages that had arrived.
func (ds *deliveries) ending(p store.Pair) (list []*connection) {
	for _, c := range ds.connections.all() {
		if of, ok := c.restoredPair(); ok && of == p && c.ending() && c.isA(storeDialog) {
			list = append(list, c)
		}
	}
	return list
}

// awaitOver waits until none of the sessions stores any more. It reports whether there
// were some.
func awaitOver(ctx context.Context, list []*connection) bool {
	for _, c := range list {
		select {
		case <-c.over:
		case <-ctx.Done():
			return false
		}
	}
	return len(list) > 0
}

// delivering is called when the delivery of a pair's messages begins, which takes
// those that come meanwhile; end is to be called when it is over, with the ctx of
// the request, and tells the AS of those that have come too late for it. It does not
// tell of those that the user agent has not taken: for them the AS would call at once
// again, and again.
func (ds *deliveries) delivering(p store.Pair) (end func(ctx context.Context)) {
	ds.notices.arrivals.Note(p)
	return func(ctx context.Context) {
		came := ds.notices.arrivals.Forget(p)
		mscp.AfterResponse(ctx, func() {
			if !came || ds.notices.kept(p) == 0 {
				return
			}
			for _, c := range ds.connections.all() {
				if of, ok := c.restoredPair(); ok && of == p && c.toStore() {
					ds.notices.arrived(p, c.id)
					return
				}
			}
		})
	}
}
