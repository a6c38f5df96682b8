package control

import "time"

// An Inventory is the list of all pairs that a media server keeps messages for, as it comes
// in batches. Asking for one is an extension of ours; a media server that does not know it
// refuses.
type Inventory struct {
	Asked time.Time

	id    string
	batch int // the last that came
	pairs map[pair]bool
}

type pair struct{ recipient, sender string }

// Add notes that the inventory has a pair.
func (i *Inventory) Add(recipient, sender string) { i.pairs[pair{recipient, sender}] = true }

// Has reports whether it has.
func (i *Inventory) Has(recipient, sender string) bool { return i.pairs[pair{recipient, sender}] }

// Len is the number of pairs.
func (i *Inventory) Len() int { return len(i.pairs) }
