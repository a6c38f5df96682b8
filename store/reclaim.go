package store

import (
	"encoding/binary"
	"slices"

	bolt "go.etcd.io/bbolt"
)

const (
	// An extent is written again if the kept messages take less than one part in
	// reclaimPart of its bytes.
	reclaimPart = 4
	// One transaction removes at most trimIDs IDs from the log of deleted messages. The
	// log may have logSlack IDs that are not needed any more.
	trimIDs  = 4096
	logSlack = 16 << 10
)

// finish ends the batch: it does a part of the cleaning after deletions, and writes the
// log.
func (w *layoutTx) finish() error {
	if len(w.s.wasted) > 0 {
		if err := w.reclaim(w.s.wasted[0]); err != nil {
			return err
		}
	}
	if w.s.logged > 2*w.s.index.deadRecords+logSlack {
		if err := w.trimLog(); err != nil {
			return err
		}
	}
	if len(w.log) > 0 {
		n, err := w.dead.NextSequence()
		if err != nil {
			return err
		}
		if err := w.dead.Put(messageKey(ID(n)), w.log); err != nil {
			return err
		}
	}
	if w.seq == w.s.seq {
		return nil
	}
	return setLastID(w.tx, ID(w.seq))
}

// trimLog removes the oldest IDs from the log, and appends those that are still needed at
// its end.
func (w *layoutTx) trimLog() error {
	c := w.dead.Cursor()
	looked := 0
	err := readable(func() {
		for k, v := c.First(); k != nil && looked < trimIDs; k, v = c.Next() {
			looked += len(v) / 8
		}
	})
	if err != nil {
		return nil // it stays long: nothing else must suffer from it
	}
	for k, v := c.First(); k != nil && w.unlogged < trimIDs; k, v = c.First() {
		for ; len(v) >= 8; v = v[8:] {
			id := ID(binary.BigEndian.Uint64(v))
			if w.s.index.hasDeadRecord(id) {
				w.log = append(w.log, v[:8]...)
			}
			w.unlogged++
		}
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// reclaim writes an extent again without deleted messages, or removes it if it has no
// others.
func (w *layoutTx) reclaim(n uint64) error {
	w.reclaimed = append(w.reclaimed, n)
	if w.s.index.extents[n].pinned {
		return nil
	}
	var records sealer
	var ids []ID
	var bodies [][]byte
	size := int64(0)
	var sealed sealedExtent
	err := each(func() (err error) { sealed, err = openSealed(w.sealed.Get(extentKey(n))); return err })
	if err != nil {
		w.pinned = true
		return nil // nothing else must suffer from it; Check tells of it
	}
	data, err := w.extentData(n)
	if err != nil {
		w.pinned = true
		return nil
	}
	for i := range sealed.len() {
		id := ID(n*extentLength) + ID(sealed.place(i))
		if !w.s.index.holds(id) || w.gone[id] {
			continue
		}
		records.add(id, sealed.record(i))
		if data == nil {
			continue
		}
		if v := data.Get(messageKey(id)); v != nil {
			ids, bodies = append(ids, id), append(bodies, slices.Clone(v))
			size += int64(len(v))
		}
	}
	if data != nil {
		if err := w.data.DeleteBucket(extentKey(n)); err != nil {
			return err
		}
	}
	if len(records.table) == 0 {
		return w.sealed.Delete(extentKey(n))
	}
	if err := w.sealed.Put(extentKey(n), records.bytes(size)); err != nil {
		return err
	}
	return w.putBodies(n, ids, bodies)
}

// extentData opens the bodies of an extent, after a check that every page can be read. It
// is nil if there are none.
func (w *layoutTx) extentData(n uint64) (data *bolt.Bucket, err error) {
	err = readable(func() {
		if data = w.data.Bucket(extentKey(n)); data != nil {
			_ = data.ForEach(func(_, _ []byte) error { return nil })
		}
	})
	return data, err
}

func (w *layoutTx) putBodies(n uint64, ids []ID, bodies [][]byte) error {
	if len(ids) == 0 {
		return nil
	}
	data, err := w.data.CreateBucket(extentKey(n))
	if err != nil {
		return err
	}
	data.FillPercent = 1
	for i, id := range ids {
		if err := data.Put(messageKey(id), bodies[i]); err != nil {
			return err
		}
	}
	return nil
}

// publish updates the state of the store after the commit, and after the batch's jobs.
func (w *layoutTx) publish() {
	s := w.s
	s.seq, s.fresh = w.seq, w.bytes
	s.logged += len(w.log)/8 - w.unlogged
	for _, n := range w.sealedNow {
		s.index.clearDead(n)
		s.wasteExtent(n)
	}
	for _, n := range w.reclaimed {
		s.wasted = s.wasted[1:]
		x := s.index.extents[n]
		x.wasted, x.pinned = false, x.pinned || w.pinned
		if x.pinned {
			continue
		}
		s.index.clearDead(n)
		x.size = x.used
		if x.live == 0 {
			delete(s.index.extents, n)
		}
	}
}

// waste checks whether the extent of a deleted message is to be reclaimed.
func (s *Store) waste(id ID) {
	n, _ := extentOf(id)
	s.wasteExtent(n)
}

func (s *Store) wasteExtent(n uint64) {
	x := s.index.extents[n]
	last, _ := extentOf(ID(s.seq))
	if x == nil || n >= last || x.wasted || x.pinned || x.live > 0 && reclaimPart*(x.used+recordCost*int64(x.live)) >= x.size+recordCost*int64(x.live+x.dead) {
		return
	}
	x.wasted = true
	s.wasted = append(s.wasted, n)
}

// recordCost is the approximate size of a record in bytes.
const recordCost = 128
