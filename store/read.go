package store

import (
	"errors"
	"io"

	bolt "go.etcd.io/bbolt"
)

// OpenBody opens the body of a message. The error is [ErrNotFound] or [ErrClosed].
// Reading fails with ErrNotFound if the message is deleted, and with an error that wraps
// [ErrDamaged] if the body cannot be read; then the message is also set aside.
func (s *Store) OpenBody(id ID) (io.ReadCloser, error) {
	s.mu.RLock()
	_, e := s.index.find(id)
	var b *body
	if e != nil {
		b = &body{s: s, id: id, number: e.body, left: e.size}
	}
	s.mu.RUnlock()
	if b == nil {
		return nil, ErrNotFound
	}
	select {
	case <-s.stop:
		return nil, ErrClosed
	default:
	}
	return b, nil
}

// A body reads a message's segments one by one.
type body struct {
	s       *Store
	id      ID
	number  uint64 // 0: the body is in its extent
	segment uint32
	left    int64
	buf     []byte
}

// Read reads the next bytes. It returns io.EOF only after the whole body.
func (b *body) Read(p []byte) (int, error) {
	if len(b.buf) == 0 {
		if b.left == 0 {
			return 0, io.EOF
		}
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.buf)
	b.buf = b.buf[n:]
	b.left -= int64(n)
	return n, nil
}

func (b *body) next() error {
	err := b.s.view(func(tx *bolt.Tx) error {
		v := readSegment(tx, b.id, b.number, b.segment)
		if v == nil {
			return ErrNotFound
		}
		b.buf = append(b.buf[:0], v...) // v is not valid beyond the transaction
		return nil
	})
	b.segment++
	if errors.Is(err, ErrNotFound) {
		err = b.s.missing(b.id)
	}
	if errors.Is(err, ErrDamaged) {
		b.s.setDamagedAside(err, b.id)
	}
	return closedError(err)
}

// Close implements io.Closer; there is nothing to release.
func (b *body) Close() error { return nil }
