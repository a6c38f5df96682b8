package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

var errNotAStore = errors.New("not a store")

// load builds the index and removes the bodies of unfinished messages. It reads no body.
func (s *Store) load() error {
	if s.readOnly {
		return s.view(s.loadIndex)
	}
	if _, err := s.update(createBuckets); err != nil {
		return err
	}
	if err := s.view(s.loadIndex); err != nil {
		return err
	}
	for n := range s.index.extents {
		s.wasteExtent(n)
	}
	slices.Sort(s.wasted)
	return s.dropUnfinished()
}

func createBuckets(tx *bolt.Tx) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// A loader reads the records. It knows the deleted ones from the log.
type loader struct {
	s    *Store
	dead map[uint64]*[extentLength / 64]uint64 // bits by extent
}

func (s *Store) loadIndex(tx *bolt.Tx) error {
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return errNotAStore
		}
	}
	l := &loader{s, map[uint64]*[extentLength / 64]uint64{}}
	l.readLog(tx.Bucket(deadBucket))
	sealed := tx.Bucket(sealedBucket)
	given := lastID(tx)
	last, _ := extentOf(given)
	forEach(sealed, 0, last, l.extent, func(n uint64, err error) {
		s.index.extent(n).pinned = true
		s.quarantine(fmt.Errorf("store: extent %d: %w", n, err))
	})
	s.seq = max(s.seq, uint64(given)) // IDs of deleted messages are not given again
	l.freshRecords(tx.Bucket(freshBucket), s.seq)
	for _, name := range [][]byte{bodiesBucket, openBucket} { // also of records that cannot be decoded
		err := each(func() error {
			if k, _ := tx.Bucket(name).Cursor().Last(); len(k) >= 8 {
				s.nextBody.Store(max(s.nextBody.Load(), binary.BigEndian.Uint64(k)))
			}
			return nil
		})
		if err != nil {
			s.note(fmt.Errorf("store: bucket %s: %w", name, err))
		}
	}
	if err := each(func() error { return s.loadAside(tx.Bucket(asideBucket)) }); err != nil {
		s.note(fmt.Errorf("store: marks of messages that are set aside: %w", err))
	}
	if len(s.unread) > 0 {
		s.log.Error("store: parts of the file cannot be read; they stay in the file", "messages", s.counts.Unreadable, "first", s.unread[0])
	}
	return nil
}

func (l *loader) readLog(log *bolt.Bucket) {
	forEach(log, 0, log.Sequence(), func(_, v []byte) {
		for ; len(v) >= 8; v = v[8:] {
			n, i := extentOf(ID(binary.BigEndian.Uint64(v)))
			if l.dead[n] == nil {
				l.dead[n] = &[extentLength / 64]uint64{}
			}
			l.dead[n][i/64] |= 1 << (i % 64)
			l.s.logged++
		}
	}, func(n uint64, err error) { l.s.note(fmt.Errorf("store: part %d of the log of deletions: %w", n, err)) })
}

func (l *loader) isDead(id ID) bool {
	n, i := extentOf(id)
	bits := l.dead[n]
	return bits != nil && bits[i/64]&(1<<(i%64)) != 0
}

// extent loads a sealed extent.
func (l *loader) extent(k, v []byte) {
	if len(k) != 8 {
		l.s.quarantine(fmt.Errorf("store: damaged extent %x: not a number", k))
		return
	}
	n := binary.BigEndian.Uint64(k)
	x := l.s.index.extent(n)
	l.s.seq = max(l.s.seq, n*extentLength+extentLength-1)
	sealed, err := openSealed(v)
	if err != nil {
		x.pinned = true
		l.s.quarantine(fmt.Errorf("store: extent %d: %w", n, err))
		return
	}
	if n := sealed.len(); n > 0 {
		x.owners = make([]owner, 0, min(extentLength, sealed.place(n-1)+1))
	}
	last := -1
	for i := range sealed.len() {
		place := sealed.place(i)
		if place <= last || place >= extentLength {
			x.pinned = true
			l.s.quarantine(fmt.Errorf("store: extent %d: record %d is in place %d: %w", n, i, place, errSealed))
			continue
		}
		last = place
		l.record(ID(n*extentLength)+ID(place), sealed.record(i))
	}
	x.size = max(x.size, sealed.weight)
}

func (l *loader) freshRecords(fresh *bolt.Bucket, last uint64) {
	n, _ := extentOf(ID(last))
	forEach(fresh, n*extentLength, last, func(k, v []byte) {
		if len(k) != 8 {
			l.s.quarantine(fmt.Errorf("store: damaged message %x: not a number", k))
			return
		}
		id := ID(binary.BigEndian.Uint64(k))
		l.s.seq = max(l.s.seq, uint64(id))
		l.s.fresh += int64(len(v)) + l.record(id, v)
	}, func(id uint64, err error) {
		if l.isDead(ID(id)) {
			return
		}
		l.s.index.extent(n).pinned = true
		l.s.quarantine(fmt.Errorf("store: message %d: %w", id, err))
	})
}

// record loads a message, and returns the bytes of its body that are in the extent.
func (l *loader) record(id ID, v []byte) int64 {
	x := &l.s.index
	if l.isDead(id) {
		x.addDead(id)
		return 0
	}
	r, err := decodeRaw(v)
	if err != nil {
		n, _ := extentOf(id)
		x.extent(n).pinned = true
		l.s.quarantine(fmt.Errorf("store: damaged message %d: %w", id, err))
		return 0
	}
	l.s.nextBody.Store(max(l.s.nextBody.Load(), r.body))
	e := entry{
		id: id, size: r.size, received: nanos(r.times[0].time()), expires: nanos(r.times[1].time()),
		tag: tagOf(x.seed, r.messageID, r.sum), body: r.body,
	}
	x.place(x.rawThread(&r), e)
	return e.inline()
}

// rawThread is openThread for a record. It makes no string if the thread exists.
func (x *index) rawThread(r *rawRecord) *thread {
	b := x.inboxes[string(r.recipient)]
	if b == nil {
		b = x.newInbox(string(r.recipient))
	} else if p := b.thread(string(r.sender)); p != nil {
		return p
	}
	return x.newThread(b, string(r.sender))
}

// quarantine notes a message that cannot be decoded.
func (s *Store) quarantine(err error) {
	s.counts.Unreadable++
	s.note(err)
}

// note keeps a fault of the file for Check.
func (s *Store) note(err error) {
	if len(s.unread) < maxFaults {
		s.unread = append(s.unread, err)
	}
}

func (s *Store) loadAside(aside *bolt.Bucket) error {
	return aside.ForEach(func(k, v []byte) error {
		var mark asideMark
		if len(k) != 8 {
			return nil
		}
		if err := json.Unmarshal(v, &mark); err != nil {
			mark.Reason = "(the reason cannot be read)" // the message stays aside
		}
		s.index.setAside(ID(binary.BigEndian.Uint64(k)), &mark)
		return nil
	})
}

// dropUnfinished removes the bodies that the bucket "open" lists, in several
// transactions.
func (s *Store) dropUnfinished() error {
	total := 0
	var from []byte
	for more := true; more; {
		n := 0
		_, err := s.update(func(tx *bolt.Tx) error {
			c := tx.Bucket(openBucket).Cursor()
			for k, _ := c.Seek(from); k != nil && n < maxDrop; k, _ = c.Seek(from) {
				from = append(slices.Clone(k), 0) // a body that is damaged stays
				segments, err := deleteBody(tx.Bucket(bodiesBucket), binary.BigEndian.Uint64(k))
				if err == nil {
					err = tx.Bucket(openBucket).Delete(k)
				}
				if err != nil && !errors.Is(err, ErrDamaged) {
					return err
				}
				n += 1 + segments
				total++
			}
			more = n >= maxDrop
			return nil
		})
		if errors.Is(err, ErrDamaged) {
			s.note(fmt.Errorf("store: unfinished messages: %w", err))
			break
		}
		if err != nil {
			return err
		}
	}
	if total > 0 {
		s.log.Info("removed the bodies of unfinished messages", "messages", total)
	}
	return nil
}

const maxDrop = 4096 // segments that one transaction of dropUnfinished removes
