package as

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/internal/wait"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// askAll asks every media server whose channel is up. What they tell comes in the
// background.
func (r *reports) askAll() {
	for _, ms := range r.cluster.All() {
		if c := ms.Channel(); c != nil {
			r.life.tasks.Go(func() { r.askInventory(ms, c) })
		}
	}
}

// channelUp is called when a media server's channel has come up.
func (r *reports) channelUp(ms *control.MediaServer, c control.Channel) {
	when := r.cfg.Inventory
	if when == inventoryNever || when == inventoryOnce && r.dir.Rebuilt(ms.Name()) {
		return
	}
	r.life.tasks.Go(func() { r.askInventories(ms, c) })
}

// askInventories asks now and, with inventory always, again and again while the channel
// is up, if the media server knows inventories.
func (r *reports) askInventories(ms *control.MediaServer, c control.Channel) {
	for r.askInventory(ms, c) && r.cfg.Inventory == inventoryAlways && r.cfg.InventoryInterval > 0 {
		pause := r.cfg.InventoryInterval*9/10 + rand.N(r.cfg.InventoryInterval/5+1)
		if !wait.ForEither(pause, c.Done(), r.life.ctx.Done()) || ms.Channel() != c {
			return
		}
	}
}

// askInventory asks for one; what is told comes in the background. It reports false if
// the media server knows no inventories.
func (r *reports) askInventory(ms *control.MediaServer, c control.Channel) (known bool) {
	ctx, cancel := context.WithTimeout(r.life.ctx, r.cfg.Control.Timeout)
	defer cancel()
	err := ms.AskInventory(ctx, c)
	log := r.log.With("ms", ms.Name())
	var refused *mscp.Error
	switch {
	case err == nil, r.life.ctx.Err() != nil:
	case errors.As(err, &refused):
		r.metrics.inventories.WithLabelValues("refused").Inc()
		known = refused.Code == mscp.StatusInternalError // for now: it is telling one
		log.Info("the media server tells no inventory", "err", err)
	default:
		r.metrics.inventories.WithLabelValues("failed").Inc()
		log.Warn("inventory not asked for", "err", err)
		known = true
	}
	return known || err == nil
}

// inventoryTold takes one batch, in the order in which they come. What it tells
// is on disk when it returns.
func (r *reports) inventoryTold(ms *control.MediaServer, e *mscp.Inventory) {
	log := r.log.With("ms", ms.Name())
	inv := ms.TakeInventory(e)
	if inv == nil {
		log.Info("inventory ignored: it was not asked for, or a part is missing", "batch", e.Batch)
		return
	}
	var list []Pair
	for _, told := range e.Pairs {
		p, err := pairOf(told, ms.Name())
		if err != nil {
			log.Warn("pair of the inventory ignored", "err", err)
			continue
		}
		inv.Add(p.Recipient, p.Sender)
		if told.Messages > 0 { // or else only a session is under way, which its end tells about
			list = append(list, p)
		}
	}
	added, err := r.dir.AddAll(list) // at once, instead of one by one below
	for _, p := range list {
		if err == nil {
			err = r.mailboxes.Listed(mailbox.Pair(p))
		}
	}
	r.metrics.repairs.WithLabelValues("added").Add(float64(added))
	if err != nil {
		log.Error("inventory not written down", "err", err)
		ms.DropInventory() // it cannot be complete any more
		return
	}
	if e.Last {
		r.life.tasks.Go(func() { r.inventoryComplete(ms, inv) })
	}
}

func pairOf(told mscp.InventoryPair, server string) (Pair, error) {
	p := Pair{Server: server, Name: sipua.CleanName(told.FromName), Since: told.Oldest}
	var err error
	if p.Recipient, err = sipua.CanonicalURI(told.ToURI); err != nil {
		return p, err
	}
	if p.Sender, err = sipua.CanonicalURI(told.FromURI); err != nil {
		return p, err
	}
	if p.Since.IsZero() {
		p.Since = time.Now()
	}
	err = p.Check()
	return p, err
}

// inventoryComplete ends the entries that the media server has nothing for: it
// has told all.
func (r *reports) inventoryComplete(ms *control.MediaServer, inv *control.Inventory) {
	log := r.log.With("ms", ms.Name())
	removed := r.mailboxes.Reconcile(ms.Name(), inv.Asked, inv.Has)
	r.metrics.repairs.WithLabelValues("removed").Add(float64(removed))
	r.metrics.inventories.WithLabelValues("complete").Inc()
	if err := r.dir.SetRebuilt(ms.Name()); err != nil {
		log.Error("inventory not noted", "err", err)
	}
	log.Info("inventory taken", "pairs", inv.Len(), "ended", removed, "seconds", time.Since(inv.Asked).Seconds())
}
