package ms

import (
	"context"
	"sync"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/store"
)

// errInventory refuses a second inventory while the first is being sent.
var errInventory = &mscp.Error{Code: mscp.StatusInternalError, Reason: "an inventory is under way on this channel"}

// An asker is our end of a channel on which an AS sends requests. It serves the requests of
// every channel, and the inventory, whose notifications go to this channel only.
type asker struct {
	all   *answerer
	bound chan struct{} // closed when to is set
	to    notifier
	busy  chan struct{} // of capacity 1: an inventory is being sent
}

func (a *answerer) newAsker() *asker {
	return &asker{all: a, bound: make(chan struct{}), busy: make(chan struct{}, 1)}
}

// bind sets where the asker's notifications go; it is called once.
func (a *asker) bind(to notifier) {
	a.to = to
	close(a.bound)
}

// handle answers one request.
func (a *asker) handle(ctx context.Context, req mscp.Element) (mscp.Element, error) {
	r, ok := req.(*mscp.SendInventory)
	if !ok {
		return a.all.handleRequest(ctx, req)
	}
	select {
	case a.busy <- struct{}{}:
	default:
		return nil, errInventory
	}
	free := sync.OnceFunc(func() { <-a.busy })
	mscp.AfterResponse(ctx, func() {
		if !a.all.life.tasks.Go(func() { defer free(); a.tell(ctx, r.InventoryID, free) }) {
			free()
		}
	})
	return &mscp.InventoryFollows{InventoryID: r.InventoryID}, nil
}

// tell sends all pairs for which messages are kept, and the pairs whose sessions may still
// leave some, in batches. It ends with the channel. last is called before the last batch goes
// out: an AS that has the last batch may ask again.
func (a *asker) tell(ctx context.Context, id string, last func()) {
	select {
	case <-a.bound:
	case <-ctx.Done():
		return
	}
	select {
	case a.all.inventories <- struct{}{}:
		defer func() { <-a.all.inventories }()
	case <-ctx.Done():
		return
	}
	began, total := time.Now(), 0
	batch, size := &mscp.Inventory{InventoryID: id, Batch: 1}, 0
	send := func() bool {
		total += len(batch.Pairs)
		err := a.to.Notify(ctx, batch)
		batch, size = &mscp.Inventory{InventoryID: id, Batch: batch.Batch + 1}, 0
		if err != nil {
			a.all.log.Info("inventory not completed", "pairs", total, "err", err)
		}
		return err == nil
	}
	add := func(p mscp.InventoryPair) bool {
		n := len(p.FromURI) + len(p.ToURI) + len(p.FromName)
		if len(batch.Pairs) > 0 && (len(batch.Pairs) == mscp.MaxInventoryPairs || size+n > maxInventoryBytes) && !send() {
			return false
		}
		batch.Pairs, size = append(batch.Pairs, p), size+n
		return true
	}
	// The sessions first: messages of a session that ends in the meantime are in the store
	// when that is read.
	for p := range a.all.dialogs.storing() {
		if !add(mscp.InventoryPair{FromURI: p.Sender, ToURI: p.Recipient}) {
			return
		}
	}
	for _, r := range a.all.store.Recipients() {
		for _, from := range a.all.store.Senders(r.Recipient) {
			if !add(mscp.InventoryPair{FromURI: from.Sender, ToURI: r.Recipient, FromName: a.all.notices.nameOf(store.Pair{Sender: from.Sender, Recipient: r.Recipient}), Messages: from.Count, Oldest: from.Oldest}) {
				return
			}
		}
	}
	last()
	if batch.Last = true; send() {
		a.all.log.Info("inventory sent", "pairs", total, "seconds", time.Since(began).Seconds())
	}
}
