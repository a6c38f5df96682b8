package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Check reads the whole file in one read transaction and returns what is wrong
// with it: pages that bbolt finds damaged, messages that cannot be decoded or
// whose bodies are not as long as they should be. At most maxFaults faults are
// told. While it runs the file grows instead of using pages again.
func (s *Store) Check(ctx context.Context) error {
	s.mu.RLock()
	faults := slices.Clone(s.unread)
	s.mu.RUnlock()
	err := s.db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() { // must be read to its end
			if len(faults) < maxFaults {
				faults = append(faults, err)
			}
		}
		bodies := tx.Bucket(bodiesBucket)
		return tx.Bucket(messagesBucket).ForEach(func(k, v []byte) error {
			if len(faults) < maxFaults {
				if err := checkMessage(bodies, k, v); err != nil {
					faults = append(faults, err)
				}
			}
			return ctx.Err()
		})
	})
	return errors.Join(append(faults, closedError(err))...)
}

const maxFaults = 100

func checkMessage(bodies *bolt.Bucket, k, v []byte) error {
	m, err := decodeMessage(k, v)
	if err != nil {
		return nil // told already, as unread
	}
	sum := sha256.New()
	var size int64
	next := uint32(0)
	c := bodies.Cursor()
	for key, data := c.Seek(bodyKey(m.Body, 0)); key != nil && binary.BigEndian.Uint64(key) == m.Body; key, data = c.Next() {
		if n := binary.BigEndian.Uint32(key[8:]); n != next {
			return fmt.Errorf("store: message %x: segment %d is missing", k, next)
		}
		next++
		size += int64(len(data))
		_, _ = sum.Write(data)
	}
	if size != m.Size {
		return fmt.Errorf("store: message %x: %d bytes of body, %d expected", k, size, m.Size)
	}
	if m.Sum != nil && !bytes.Equal(m.Sum, sum.Sum(nil)) {
		return fmt.Errorf("store: message %x: other bytes of body than were stored", k)
	}
	return nil
}

// Backup writes a copy of the file, as it is at this moment, to w; the copy can
// be opened as a store. Storing and deleting go on meanwhile, and the file grows
// instead of using pages again.
func (s *Store) Backup(w io.Writer) (int64, error) {
	var n int64
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		n, err = tx.WriteTo(w)
		return err
	})
	return n, closedError(err)
}

// closedError turns bbolt's word for a closed file into this package's.
func closedError(err error) error {
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
