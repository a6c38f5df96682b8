package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/boltfile"
	"github.com/gomscp/gomscp/internal/printable"
)

// A damaged page makes some messages unreadable. Records and bodies can be read
// by number, one by one, so that damage hides only what it covers.

// damagedWait bounds the wait for a place in the committer's queue to set a damaged
// message aside. After it, the next reader of the message tries again.
const damagedWait = 5 * time.Second

// setDamagedAside sets a message that cannot be read aside, so that the others can be
// delivered, and logs that once. It does not wait for the disk.
func (s *Store) setDamagedAside(cause error, id ID) {
	s.mu.Lock()
	_, known := s.damaged[id]
	if !known && len(s.damaged) < maxDamaged {
		s.damaged[id] = struct{}{}
	}
	s.mu.Unlock()
	if known {
		return
	}
	s.log.Error("store: message cannot be read, and is set aside", "id", id, "err", cause)
	if s.readOnly {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), damagedWait)
		defer cancel()
		if err := s.SetAside(ctx, "cannot be read: "+printable.Short(cause.Error(), maxReason), id); err != nil {
			s.log.Error("store: damaged message not set aside", "id", id, "err", err)
			s.mu.Lock()
			delete(s.damaged, id)
			s.mu.Unlock()
		}
	}()
}

// missing returns the error for a message that is not found in the file: ErrNotFound if
// it was deleted or is being deleted, and ErrDamaged if it is kept. In the second case, a
// damaged page hides it and bbolt does not notice.
func (s *Store) missing(id ID) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.index.holds(id) {
		return ErrNotFound
	}
	for _, j := range s.underWay {
		if r, ok := j.(*removeJob); ok && slices.Contains(r.ids, id) {
			return ErrNotFound
		}
	}
	return fmt.Errorf("%w: message %d is not where it was written", ErrDamaged, id)
}

// maxReason is the longest error, in characters, that is kept with a damaged message.
const maxReason = 200

// maxDamaged bounds the number of damaged messages that are remembered, so that each is
// logged once.
const maxDamaged = 100_000

// readable returns ErrDamaged if read meets damage. Call it before a change of the same
// part, in the same transaction, because bbolt cannot continue a change that has met
// damage.
func readable(read func()) error { return each(func() error { read(); return nil }) }

// checkPages walks all pages of a transaction's tree. Only if all are sound does it call
// bbolt's own check, because that ends the process on a damaged page.
func (s *Store) checkPages(tx *bolt.Tx, faults []error) []error {
	f, err := os.Open(s.path)
	if err != nil {
		return append(faults, err)
	}
	defer f.Close()
	m, err := boltfile.ReadMeta(f)
	if err != nil {
		return append(faults, damaged(err))
	}
	m.Root = uint64(tx.Cursor().Bucket().RootPage())
	m.HighWater = max(m.HighWater, uint64(tx.Size()/m.PageSize))
	found := boltfile.Walk(f, m, maxFaults)
	for _, err := range found {
		faults = append(faults, damaged(err))
	}
	if len(found) > 0 {
		return faults
	}
	for err := range tx.Check() { // must be read to its end
		if len(faults) < maxFaults {
			faults = append(faults, err)
		}
	}
	return faults
}

// errDisorder means that the keys of a bucket are out of order.
var errDisorder = fmt.Errorf("%w: keys out of order", ErrDamaged)

// forEach calls do for every pair of a bucket whose keys are numbers from first to last.
// After a damaged page it continues key by key, so that only the keys of that page are
// missing. It calls damage for each number that cannot be read.
func forEach(b *bolt.Bucket, first, last uint64, do func(k, v []byte), damage func(n uint64, err error)) {
	next := first
	err := each(func() error {
		return b.ForEach(func(k, v []byte) error {
			if len(k) == 8 {
				n := binary.BigEndian.Uint64(k)
				if n < next || n > last { // a page that bbolt takes for sound
					return errDisorder
				}
				next = n + 1
			}
			do(k, v)
			return nil
		})
	})
	if err == nil {
		return
	}
	for ; next <= last; next++ {
		key := messageKey(ID(next))
		var v []byte
		if err := each(func() error { v = b.Get(key); return nil }); err != nil {
			damage(next, err)
		} else if v != nil {
			do(key, v)
		}
	}
}
