package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Check reads the whole file in one read transaction and returns the faults: damaged
// pages, messages that cannot be decoded or found, and bodies with another length or
// SHA-256. It returns at most maxFaults faults, joined. During Check the file grows,
// because no page is used again.
func (s *Store) Check(ctx context.Context) error {
	s.mu.RLock()
	faults := slices.Clone(s.unread)
	s.mu.RUnlock()
	var missing []ID
	var last ID
	err := s.view(func(tx *bolt.Tx) error {
		faults = s.checkPages(tx, faults)
		for _, c := range s.choose(Filter{}) {
			if len(faults) < maxFaults {
				err := each(func() error { return checkMessage(tx, c.id) })
				if errors.Is(err, ErrDamaged) {
					err = fmt.Errorf("store: message %d: %w", c.id, err)
				}
				if errors.Is(err, ErrNotFound) {
					missing = append(missing, c.id)
				} else if err != nil {
					faults = append(faults, err)
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return each(func() error { last = lastID(tx); return nil })
	})
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range missing { // except those stored or deleted during Check
		if id <= last && s.index.holds(id) {
			faults = append(faults, fmt.Errorf("store: message %d: %w", id, ErrNotFound))
		}
	}
	return errors.Join(append(faults, closedError(err))...)
}

// maxFaults bounds the faults that Check returns.
const maxFaults = 100

// checkMessage reads a message with its body, and compares its length and SHA-256.
func checkMessage(tx *bolt.Tx, id ID) error {
	m, err := readMessage(tx, id)
	if err != nil {
		return err
	}
	sum := sha256.New()
	size := int64(0)
	for n := uint32(0); size < m.Size; n++ {
		data := readSegment(tx, id, m.Body, n)
		if data == nil {
			return fmt.Errorf("store: message %d: segment %d is missing", id, n)
		}
		size += int64(len(data))
		_, _ = sum.Write(data)
	}
	if size != m.Size {
		return fmt.Errorf("store: message %d: %d bytes of body, %d expected", id, size, m.Size)
	}
	if m.Sum != nil && !bytes.Equal(m.Sum, sum.Sum(nil)) {
		return fmt.Errorf("store: message %d: the body does not have its SHA-256", id)
	}
	return nil
}

// Backup writes a copy of the file to w, in its present state, and returns the bytes
// written. The copy can be opened as a store. Storing and deleting continue, and the file
// grows, because no page is used again.
func (s *Store) Backup(w io.Writer) (int64, error) {
	var n int64
	err := s.view(func(tx *bolt.Tx) (err error) {
		n, err = tx.WriteTo(w)
		return err
	})
	return n, closedError(err)
}

// closedError replaces bbolt's error for a closed file by ErrClosed.
func closedError(err error) error {
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
