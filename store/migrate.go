package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// oldBucket has the records of the first layout by ID; its bodies are in
// "bodies", as those of long messages still are.
var oldBucket = []byte("messages")

// migrate brings the records of a file of the first layout into spans, a span in
// each transaction; the bodies stay where they are. Records that cannot be
// decoded stay too.
func (s *Store) migrate() error {
	for from := uint64(0); ; {
		next, err := s.migrateSpan(from)
		if err != nil || next == 0 {
			return err
		}
		from = next
	}
}

// migrateSpan moves the records of the first span that is not below from and
// returns the number after it; 0: there is none.
func (s *Store) migrateSpan(from uint64) (next uint64, err error) {
	_, err = s.update(func(tx *bolt.Tx) error {
		old := tx.Bucket(oldBucket)
		if old == nil {
			return nil
		}
		sealed := tx.Bucket(sealedBucket)
		var records sealer
		var done [][]byte
		c := old.Cursor()
		for k, v := c.Seek(spanKey(from * spanLength)); k != nil; k, v = c.Next() {
			n, _ := spanOf(ID(binary.BigEndian.Uint64(append(k[:len(k):len(k)], make([]byte, 8)...))))
			if next != 0 && n != next-1 {
				break
			}
			next = n + 1
			var record []byte
			m, err := MessageInfo{}, errRecord
			if len(k) == 8 {
				m, err = decodeMessage(ID(binary.BigEndian.Uint64(k)), v)
			}
			if err == nil {
				record, err = encodeRecord(&m)
			}
			if err != nil {
				s.quarantine(err)
				continue
			}
			records.add(m.ID, record)
			done = append(done, append([]byte(nil), k...))
		}
		for _, k := range done {
			if err := old.Delete(k); err != nil {
				return err
			}
		}
		if err := sealed.SetSequence(max(sealed.Sequence(), old.Sequence())); err != nil {
			return err
		}
		if k, _ := old.Cursor().First(); k == nil {
			if err := tx.DeleteBucket(oldBucket); err != nil {
				return err
			}
		}
		if len(done) == 0 {
			return nil
		}
		return sealed.Put(spanKey(next-1), records.bytes(0))
	})
	return next, err
}
