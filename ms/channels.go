package ms

import (
	"context"
	"sync"

	"github.com/gomscp/gomscp/mscp"
)

// A notifier is the end of a channel, over TCP or INFO.
type notifier interface {
	Notify(ctx context.Context, e mscp.Element) error
}

// channels are the control channels that are up.
type channels struct {
	mu  sync.Mutex
	all map[notifier]bool
}

func (cs *channels) add(srv notifier) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.all == nil {
		cs.all = map[notifier]bool{}
	}
	cs.all[srv] = true
}

func (cs *channels) remove(srv notifier) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.all, srv)
}

// notify sends e on every channel; one that fails ends by itself.
func (cs *channels) notify(ctx context.Context, e mscp.Element) {
	cs.mu.Lock()
	all := make([]notifier, 0, len(cs.all))
	for srv := range cs.all {
		all = append(all, srv)
	}
	cs.mu.Unlock()
	for _, srv := range all {
		_ = srv.Notify(ctx, e)
	}
}
