package as

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// When the media servers are asked for their inventories: all pairs that they
// keep messages for. It is an extension of ours; a media server that does not
// know it refuses, and the directory is then as good as the file.
const (
	inventoryAlways = "always" // whenever a channel comes up
	inventoryOnce   = "once"   // until the directory has had one of the media server
	inventoryNever  = "never"
)

func checkInventory(when string) error {
	switch when {
	case inventoryAlways, inventoryOnce, inventoryNever:
		return nil
	}
	return fmt.Errorf("inventory: %q is none of always, once, never", when)
}

// minInventoryInterval is the shortest time between two inventories of a channel.
const minInventoryInterval = time.Second

// An inventory is what one media server is telling.
type inventory struct {
	id    string
	asked time.Time
	batch int                   // the last that came
	pairs map[inventoryKey]bool // told so far
}

type inventoryKey struct{ recipient, sender string }

// AskInventories asks every media server whose channel is up for its inventory,
// as when a server takes over from another one. What they tell comes in the
// background.
func (s *Server) AskInventories() {
	for _, ms := range s.servers.all() {
		if c := ms.channel(); c != nil {
			s.tasks.Go(func() { s.askInventory(ms, c) })
		}
	}
}

// channelUp is called when a media server's channel has come up.
func (s *Server) channelUp(ms *mediaServer, c channel) {
	when := s.cfg.Inventory
	if when == inventoryNever || when == inventoryOnce && s.dir.Rebuilt(ms.cfg.Name) {
		return
	}
	s.tasks.Go(func() { s.askInventories(ms, c) })
}

// askInventories asks now and, with inventory always, again and again while the channel
// is up, if the media server knows inventories.
func (s *Server) askInventories(ms *mediaServer, c channel) {
	for s.askInventory(ms, c) && s.cfg.Inventory == inventoryAlways && s.cfg.InventoryInterval > 0 {
		wait := s.cfg.InventoryInterval*9/10 + rand.N(s.cfg.InventoryInterval/5+1)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.Done():
		case <-s.ctx.Done():
		}
		timer.Stop()
		if s.ctx.Err() != nil || ms.channel() != c {
			return
		}
	}
}

// askInventory asks for one; what is told comes in the background. It reports false if
// the media server knows no inventories.
func (s *Server) askInventory(ms *mediaServer, c channel) (known bool) {
	inv := &inventory{id: cryptorand.Text(), asked: time.Now(), pairs: map[inventoryKey]bool{}}
	before := ms.setInventory(inv)
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Control.Timeout)
	defer cancel()
	_, err := c.Do(ctx, &mscp.SendInventory{InventoryID: inv.id})
	var refused *mscp.Error
	switch {
	case err == nil:
		ms.tells.Store(true) // who knows the one knows the other
	case s.ctx.Err() != nil:
	case errors.As(err, &refused):
		ms.resumeInventory(inv, before)
		s.metrics.inventories.WithLabelValues("refused").Inc()
		known = refused.Code == mscp.StatusInternalError // for now: it is telling one
		ms.log.Info("the media server tells no inventory", "err", err)
	default:
		s.metrics.inventories.WithLabelValues("failed").Inc()
		ms.log.Warn("inventory not asked for", "err", err)
		known = true
	}
	return known || err == nil
}

// inventoryTold takes one batch, in the order in which they come. What it tells
// is on disk when it returns.
func (s *Server) inventoryTold(ms *mediaServer, e *mscp.Inventory) {
	inv := ms.toldInventory(e)
	if inv == nil {
		ms.log.Info("inventory ignored: it was not asked for, or a part is missing", "batch", e.Batch)
		return
	}
	var list []Pair
	for _, told := range e.Pairs {
		p, err := pairOf(told, ms.cfg.Name)
		if err != nil {
			ms.log.Warn("pair of the inventory ignored", "err", err)
			continue
		}
		inv.pairs[inventoryKey{p.Recipient, p.Sender}] = true
		if told.Messages > 0 { // or else only a session is under way, which its end tells about
			list = append(list, p)
		}
	}
	added, err := s.dir.AddAll(list) // at once, instead of one by one below
	for _, p := range list {
		if err == nil {
			err = s.mailboxes.listed(p, false)
		}
	}
	s.metrics.repairs.WithLabelValues("added").Add(float64(added))
	if err != nil {
		ms.log.Error("inventory not written down", "err", err)
		ms.setInventory(nil) // it cannot be complete any more
		return
	}
	if e.Last {
		s.tasks.Go(func() { s.inventoryComplete(ms, inv) })
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
func (s *Server) inventoryComplete(ms *mediaServer, inv *inventory) {
	removed := s.mailboxes.reconcile(ms.cfg.Name, inv)
	s.metrics.repairs.WithLabelValues("removed").Add(float64(removed))
	s.metrics.inventories.WithLabelValues("complete").Inc()
	if err := s.dir.SetRebuilt(ms.cfg.Name); err != nil {
		ms.log.Error("inventory not noted", "err", err)
	}
	ms.log.Info("inventory taken", "pairs", len(inv.pairs), "ended", removed, "seconds", time.Since(inv.asked).Seconds())
}

// setInventory begins a new inventory, and returns the one before; what is told of that
// is ignored.
func (m *mediaServer) setInventory(inv *inventory) (before *inventory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, m.inventory = m.inventory, inv
	return before
}

// resumeInventory goes back to the one before, as the media server will not tell inv.
func (m *mediaServer) resumeInventory(inv, before *inventory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inventory == inv {
		m.inventory = before
	}
}

// toldInventory is the inventory that a batch belongs to; nil if it was not
// asked for, or if it does not follow the batch before.
func (m *mediaServer) toldInventory(e *mscp.Inventory) *inventory {
	m.mu.Lock()
	defer m.mu.Unlock()
	inv := m.inventory
	if inv == nil || inv.id != e.InventoryID || e.Batch != inv.batch+1 {
		return nil
	}
	if inv.batch++; e.Last {
		m.inventory = nil
	}
	return inv
}

// inventoryPage has all media servers asked.
func (s *Server) inventoryPage(w http.ResponseWriter, _ *http.Request) {
	s.AskInventories()
	w.WriteHeader(http.StatusAccepted)
}
