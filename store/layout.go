package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// The buckets of the file.
var (
	freshBucket  = []byte("fresh")  // records of the last extent by ID
	sealedBucket = []byte("sealed") // records of the others by number of extent, see sealed.go
	dataBucket   = []byte("data")   // a bucket for each extent: bodies of one segment by ID
	bodiesBucket = []byte("bodies") // longer ones, by number of body and of segment
	openBucket   = []byte("open")   // numbers of bodies whose message is not there yet
	asideBucket  = []byte("aside")  // why messages are set aside, by ID
	deadBucket   = []byte("dead")   // log of deleted messages: IDs, by a number that grows
	lostBucket   = []byte("lost")   // pages with damage, by number of extent; not there without

	buckets = [][]byte{freshBucket, sealedBucket, dataBucket, bodiesBucket, openBucket, asideBucket, deadBucket}
)

const (
	// An extent whose bodies that are kept take less than this part of all that are
	// in it is written anew without the others.
	reclaimPart = 4
	// Of the log of deleted messages at most trimIDs are looked at in one
	// transaction, and logSlack may be in it without need.
	trimIDs  = 4096
	logSlack = 16 << 10
)

func messageKey(id ID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func extentKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func bodyKey(body uint64, segment uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, body), segment)
}

// readRecord fetches a message's record, which is valid within the transaction;
// nil if it is not there.
func readRecord(tx *bolt.Tx, id ID) ([]byte, error) {
	if v := tx.Bucket(freshBucket).Get(messageKey(id)); v != nil {
		return v, nil
	}
	n, place := extentOf(id)
	v := tx.Bucket(sealedBucket).Get(extentKey(n))
	if v == nil {
		return nil, nil
	}
	sealed, err := openSealed(v)
	if err != nil {
		return nil, fmt.Errorf("%w: extent %d: %w", ErrDamaged, n, err)
	}
	return sealed.find(place), nil
}

// readMessage fetches a message's metadata.
func readMessage(tx *bolt.Tx, id ID) (MessageInfo, error) {
	v, err := readRecord(tx, id)
	if err != nil {
		return MessageInfo{}, err
	}
	if v == nil {
		return MessageInfo{}, ErrNotFound
	}
	return decodeMessage(id, v)
}

// readSegment fetches a part of a body, which is valid within the transaction;
// nil if it is not there. A body without number is in the extent.
func readSegment(tx *bolt.Tx, id ID, body uint64, segment uint32) []byte {
	if body != 0 {
		return tx.Bucket(bodiesBucket).Get(bodyKey(body, segment))
	}
	n, _ := extentOf(id)
	data := tx.Bucket(dataBucket).Bucket(extentKey(n))
	if data == nil || segment != 0 {
		return nil
	}
	return data.Get(messageKey(id))
}

// deleteBody removes all segments of a body and returns their number. One that
// lies on damaged pages stays as it is, and gives ErrDamaged.
func deleteBody(bodies *bolt.Bucket, body uint64) (int, error) {
	n := 0
	c := bodies.Cursor()
	err := readable(func() {
		for k, _ := c.Seek(bodyKey(body, 0)); k != nil && binary.BigEndian.Uint64(k) == body; k, _ = c.Next() {
		}
	})
	if err != nil {
		return 0, err
	}
	for k, _ := c.Seek(bodyKey(body, 0)); k != nil && binary.BigEndian.Uint64(k) == body; k, _ = c.Seek(bodyKey(body, 0)) {
		if err := bodies.Delete(k); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// A layoutTx writes a batch. The store's state is as it was before; what is to
// change with the commit is noted for publish.
type layoutTx struct {
	s                                              *Store
	tx                                             *bolt.Tx
	fresh, sealed, data, bodies, open, aside, dead *bolt.Bucket

	seq       uint64
	bytes     int64        // of the last extent
	added     int64        // bytes of bodies that the batch adds to the last extent
	extent    *bolt.Bucket // bodies of the last extent; nil: not opened yet
	gone      map[ID]bool
	log       []byte // IDs for the log
	unlogged  int    // IDs taken from it
	sealedNow []uint64
	reclaimed []uint64 // at most one
	pinned    bool     // that one cannot be decoded, and stays
}

func (s *Store) newLayoutTx(tx *bolt.Tx) *layoutTx {
	w := &layoutTx{
		s: s, tx: tx, seq: s.seq, bytes: s.fresh, gone: map[ID]bool{},
		fresh: tx.Bucket(freshBucket), sealed: tx.Bucket(sealedBucket), data: tx.Bucket(dataBucket),
		bodies: tx.Bucket(bodiesBucket), open: tx.Bucket(openBucket), aside: tx.Bucket(asideBucket), dead: tx.Bucket(deadBucket),
	}
	w.fresh.FillPercent, w.bodies.FillPercent = 1, 1 // keys only grow
	w.sealed.FillPercent, w.dead.FillPercent = 1, 1
	return w
}

// begin notes a body whose message is not there yet.
func (w *layoutTx) begin(body uint64) error { return w.open.Put(messageKey(ID(body)), nil) }

func (w *layoutTx) putSegment(g segment) error {
	return w.bodies.Put(bodyKey(g.body, g.number), g.data)
}

// putMessage gives a message its ID and writes its record and, if it is of one
// segment, its body.
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

// next steps to the next ID. Where an extent is full, that is the first of the next.
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

// seal puts the records of the extent that is full into one value; those of deleted
// messages go.
func (w *layoutTx) seal(n uint64) error {
	var sealed sealer
	size, damage := w.added, false
	forEach(w.fresh, n*extentLength, w.seq, func(k, v []byte) {
		if len(k) != 8 {
			return
		}
		id := ID(binary.BigEndian.Uint64(k))
		if !w.s.index.isBuried(id) && !w.gone[id] {
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

// dropFresh removes the records that were sealed. A bucket with damaged pages
// cannot be removed, and is put out of the way.
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

// remove deletes a message: its ID goes to the log, its record and a short body
// with the extent.
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

// unmark removes the reason why a message is set aside, if there is one. Where it
// lies on a damaged page it stays, and means nothing without its message.
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

// discard removes a body that has no message.
func (w *layoutTx) discard(body uint64) error {
	if _, err := deleteBody(w.bodies, body); err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	return w.open.Delete(messageKey(ID(body)))
}

// finish ends the batch with some of the work that deleting left, and the log.
func (w *layoutTx) finish() error {
	if len(w.s.wasted) > 0 {
		if err := w.reclaim(w.s.wasted[0]); err != nil {
			return err
		}
	}
	if w.s.logged > 2*w.s.index.buried+logSlack {
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
	return w.sealed.SetSequence(w.seq)
}

// trimLog takes the oldest IDs out of the log, and puts those at its end that are
// needed still.
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
			if w.s.index.isBuried(id) {
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

// reclaim writes an extent anew without what is deleted, or removes it if that is
// all.
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

// extentData opens the bodies of an extent, of which every page can be read; nil if it
// has none.
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

// publish brings the store's state up to date with what was committed, after the
// batch's messages.
func (w *layoutTx) publish() {
	s := w.s
	s.seq, s.fresh = w.seq, w.bytes
	s.logged += len(w.log)/8 - w.unlogged
	for _, n := range w.sealedNow {
		s.index.unbury(n)
		s.wasteExtent(n)
	}
	for _, n := range w.reclaimed {
		s.wasted = s.wasted[1:]
		x := s.index.extents[n]
		x.wasted, x.pinned = false, x.pinned || w.pinned
		if x.pinned {
			continue
		}
		s.index.unbury(n)
		x.size = x.used
		if x.live == 0 {
			delete(s.index.extents, n)
		}
	}
}

// waste looks whether the extent of a message that was removed is to be reclaimed.
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

// recordCost is about how many bytes a record takes.
const recordCost = 128
