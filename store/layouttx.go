package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	bolt "go.etcd.io/bbolt"
)

// txBuckets are the buckets of the file, open in a transaction.
type txBuckets struct{ fresh, sealed, data, bodies, open, aside, dead *bolt.Bucket }

func openBuckets(tx *bolt.Tx) txBuckets {
	b := txBuckets{
		fresh: tx.Bucket(freshBucket), sealed: tx.Bucket(sealedBucket), data: tx.Bucket(dataBucket),
		bodies: tx.Bucket(bodiesBucket), open: tx.Bucket(openBucket), aside: tx.Bucket(asideBucket), dead: tx.Bucket(deadBucket),
	}
	b.fresh.FillPercent, b.bodies.FillPercent = 1, 1 // keys only grow
	b.sealed.FillPercent, b.dead.FillPercent = 1, 1
	return b
}

// A layoutTx writes a batch. It does not change the state of the store; it notes the
// changes for publish.
type layoutTx struct {
	s  *Store
	tx *bolt.Tx
	txBuckets

	seq       uint64
	bytes     int64        // of the last extent
	added     int64        // bytes of bodies that the batch adds to the last extent
	extent    *bolt.Bucket // bodies of the last extent; nil: not opened yet
	gone      map[ID]bool
	log       []byte // IDs to be appended to the log
	unlogged  int    // IDs removed from the log
	sealedNow []uint64
	reclaimed []uint64 // at most one
	pinned    bool     // the reclaimed extent has records that cannot be decoded, and stays
}

func (s *Store) newLayoutTx(tx *bolt.Tx) *layoutTx {
	return &layoutTx{s: s, tx: tx, txBuckets: openBuckets(tx), seq: s.seq, bytes: s.fresh, gone: map[ID]bool{}}
}

// begin notes a body whose message is not committed yet.
func (w *layoutTx) begin(body uint64) error { return w.open.Put(messageKey(ID(body)), nil) }

func (w *layoutTx) putSegment(g segment) error {
	return w.bodies.Put(bodyKey(g.body, g.number), g.data)
}

// putMessage gives a message its ID and writes its record. It also writes the body if
// this has one segment.
func (w *layoutTx) putMessage(j *messageJob) error {
	if err := w.next(j); err != nil {
		return err
	}
	j.id = ID(w.seq)
	j.message.ID = j.id
	if err := w.fresh.Put(messageKey(j.id), j.meta); err != nil {
		return err
	}
	if j.ahead > 0 {
		return w.open.Delete(messageKey(ID(j.message.Body)))
	}
	if j.last == nil {
		return nil
	}
	if w.extent == nil {
		n, _ := extentOf(j.id)
		b, err := w.data.CreateBucketIfNotExists(extentKey(n))
		if err != nil {
			return err
		}
		b.FillPercent = 1
		w.extent = b
	}
	w.added += int64(len(j.last.data))
	return w.extent.Put(messageKey(j.id), j.last.data)
}

// next advances to the next ID. If the extent is full, this is the first ID of the next
// extent.
func (w *layoutTx) next(j *messageJob) error {
	bytes := j.inExtent()
	last, _ := extentOf(ID(w.seq))
	w.seq++
	n, _ := extentOf(ID(w.seq))
	if w.bytes > 0 && w.bytes+bytes > extentBytes && n == last {
		n++
		w.seq = n * extentLength
	}
	had := w.bytes
	w.bytes += bytes
	if n == last {
		return nil
	}
	if had == 0 { // the last extent is sealed, or there is none
		w.added, w.extent = 0, nil
		return nil
	}
	if err := w.seal(last); err != nil {
		return err
	}
	w.bytes, w.added, w.extent = bytes, 0, nil
	return nil
}

// seal puts the records of a full extent into one value, without those of deleted
// messages.
func (w *layoutTx) seal(n uint64) error {
	var sealed sealer
	size, damage := w.added, false
	forEach(w.fresh, n*extentLength, w.seq, func(k, v []byte) {
		if len(k) != 8 {
			return
		}
		id := ID(binary.BigEndian.Uint64(k))
		if !w.s.index.hasDeadRecord(id) && !w.gone[id] {
			sealed.add(id, v)
		}
	}, func(uint64, error) { damage = true })
	if s := w.s.index.extents[n]; s != nil {
		size += s.size
	}
	if err := w.sealed.Put(extentKey(n), sealed.bytes(size)); err != nil {
		return err
	}
	err := w.dropFresh(n, damage)
	if err != nil {
		return err
	}
	if w.fresh, err = w.tx.CreateBucket(freshBucket); err != nil {
		return err
	}
	w.fresh.FillPercent = 1
	w.sealedNow = append(w.sealedNow, n)
	return nil
}

// dropFresh removes the bucket of the records that were sealed. A bucket with damaged
// pages cannot be removed, and is moved to the bucket of lost pages.
func (w *layoutTx) dropFresh(n uint64, damage bool) error {
	if !damage {
		return w.tx.DeleteBucket(freshBucket)
	}
	lost, err := w.tx.CreateBucketIfNotExists(lostBucket)
	if err != nil {
		return err
	}
	if lost, err = lost.CreateBucketIfNotExists(extentKey(n)); err != nil {
		return err
	}
	return w.tx.MoveBucket(freshBucket, nil, lost)
}

// remove deletes a message: it adds the ID to the log. The record and a short body stay
// until the extent is rewritten.
func (w *layoutTx) remove(e *entry) error {
	w.gone[e.id] = true
	w.log = binary.BigEndian.AppendUint64(w.log, uint64(e.id))
	if err := w.unmark(e.id); err != nil {
		return err
	}
	if e.body == 0 {
		return nil
	}
	if _, err := deleteBody(w.bodies, e.body); err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	return nil
}

// unmark removes the mark of a message, if it has one. A mark on a damaged page stays; it
// has no effect without its message.
func (w *layoutTx) unmark(id ID) error {
	if readable(func() { w.aside.Get(messageKey(id)) }) != nil {
		return nil
	}
	return w.aside.Delete(messageKey(id))
}

func (w *layoutTx) setAside(id ID, mark *asideMark) error {
	if mark == nil {
		return w.unmark(id)
	}
	v, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	return w.aside.Put(messageKey(id), v)
}

// discard removes a body without a message.
func (w *layoutTx) discard(body uint64) error {
	if _, err := deleteBody(w.bodies, body); err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	return w.open.Delete(messageKey(ID(body)))
}
