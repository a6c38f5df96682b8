package control

import (
	"testing"

	"github.com/gomscp/gomscp/mscp"
)

// TestRefusedInventoryLeavesTheOneBefore is asked while a media server is telling.
func TestRefusedInventoryLeavesTheOneBefore(t *testing.T) {
	ms := &MediaServer{}
	first, _ := ms.ExpectInventory("1")
	second, before := ms.ExpectInventory("2")
	ms.resumeInventory(second, before)
	if ms.TakeInventory(&mscp.Inventory{InventoryID: "1", Batch: 1}) != first {
		t.Error("the inventory under way is ignored")
	}
}
