package control

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/gomscp/gomscp/mscp"
)

// AskInventory asks for an inventory over c. The batches come as notifications; see
// [MediaServer.TakeInventory]. If the media server refuses, the inventory that it was
// telling before goes on.
func (m *MediaServer) AskInventory(ctx context.Context, c Channel) error {
	id := rand.Text()
	inv, before := m.ExpectInventory(id)
	_, err := c.Do(ctx, &mscp.SendInventory{InventoryID: id})
	var refused *mscp.Error
	switch {
	case err == nil:
		m.SetTells() // who knows the one knows the other
	case errors.As(err, &refused):
		m.resumeInventory(inv, before)
	}
	return err
}

// ExpectInventory begins a new inventory, and returns the one before, whose other batches
// are ignored.
func (m *MediaServer) ExpectInventory(id string) (inv, before *Inventory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before = m.inventory
	m.inventory = &Inventory{id: id, Asked: time.Now(), pairs: map[pair]bool{}}
	return m.inventory, before
}

// resumeInventory goes back to the one before, as the media server will not tell inv.
func (m *MediaServer) resumeInventory(inv, before *Inventory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inventory == inv {
		m.inventory = before
	}
}

// TakeInventory returns the inventory that a batch belongs to; nil if it was not asked for,
// or if the batch does not follow the one before.
func (m *MediaServer) TakeInventory(e *mscp.Inventory) *Inventory {
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

// DropInventory ignores what is left of the inventory that is under way.
func (m *MediaServer) DropInventory() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inventory = nil
}
