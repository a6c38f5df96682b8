package store

import (
	"errors"
	"io"

	bolt "go.etcd.io/bbolt"
)

// OpenBody opens the body of a message. Reading fails with ErrNotFound if the
// message is deleted meanwhile.
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

// Read reads on; io.EOF comes only after the whole body. A body that cannot be
// read gives ErrDamaged, and its message is set aside.
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
	if errors.Is(err, ErrDamaged) {
		b.s.setDamagedAside(err, b.id)
	}
	return closedError(err)
}

// Close ends the reading; there is nothing to release.
func (b *body) Close() error { return nil }

// A Letter is a message with its body, if that is short.
type Letter struct {
	MessageInfo
	Body []byte // nil: the body is to be read with OpenBody
}

// Letters is [Store.Page] with the bodies of at most SegmentSize bytes, as many
// as fit into bytes together, all read in one transaction: for delivering many
// short messages this is several times as fast as a read for each.
func (s *Store) Letters(recipient, sender string, after ID, limit int, bytes int64) []Letter {
	ids := s.page(recipient, sender, after, limit)
	if len(ids) == 0 {
		return nil
	}
	list := make([]Letter, 0, len(ids))
	s.readEach(ids, func(tx *bolt.Tx, m MessageInfo) {
		l := Letter{MessageInfo: m}
		if bytes -= m.Size; m.Size <= SegmentSize && bytes >= 0 {
			v := readSegment(tx, m.ID, m.Body, 0)
			if int64(len(v)) == m.Size {
				l.Body = append(make([]byte, 0, len(v)), v...)
			}
		}
		list = append(list, l)
	})
	return list
}
