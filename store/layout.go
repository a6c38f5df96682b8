package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

func messageKey(id ID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func bodyKey(body uint64, segment uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, body), segment)
}

// load rebuilds the index and removes what is left of unfinished messages. It
// reads no body.
func (s *Store) load() error {
	if s.readOnly {
		return s.db.View(s.loadIndex)
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{messagesBucket, bodiesBucket, openBucket, asideBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		if err := s.loadIndex(tx); err != nil {
			return err
		}
		return s.dropUnfinished(tx)
	})
}

func (s *Store) loadIndex(tx *bolt.Tx) error {
	messages := tx.Bucket(messagesBucket)
	if messages == nil {
		return errors.New("not a store")
	}
	var last ID
	err := messages.ForEach(func(k, v []byte) error {
		m, err := decodeMessage(k, v)
		last = max(last, m.ID)
		s.nextBody.Store(max(s.nextBody.Load(), m.Body))
		if err != nil {
			s.quarantine(err)
			return nil
		}
		s.index.add(&m, s.index.tag(&m))
		return nil
	})
	if err != nil {
		return err
	}
	s.seq = max(uint64(last), messages.Sequence()) // IDs of deleted messages are not given again
	if err := s.loadBodyNumber(tx); err != nil {
		return err
	}
	if n := s.counts.Unreadable; n > 0 {
		s.log.Error("store: messages cannot be decoded, and stay in the file unseen", "messages", n, "first", s.unread[0])
	}
	return s.loadAside(tx)
}

// loadBodyNumber looks which body number was the last: one whose metadata cannot
// be decoded must not be given again.
func (s *Store) loadBodyNumber(tx *bolt.Tx) error {
	if bodies := tx.Bucket(bodiesBucket); bodies != nil {
		if k, _ := bodies.Cursor().Last(); len(k) == 12 {
			s.nextBody.Store(max(s.nextBody.Load(), binary.BigEndian.Uint64(k)))
		}
	}
	return nil
}

// quarantine takes note of a message that cannot be decoded.
func (s *Store) quarantine(err error) {
	s.counts.Unreadable++
	if len(s.unread) < maxFaults {
		s.unread = append(s.unread, err)
	}
}

func (s *Store) loadAside(tx *bolt.Tx) error {
	aside := tx.Bucket(asideBucket)
	if aside == nil {
		return nil
	}
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

// dropUnfinished removes the bodies that the bucket "open" names.
func (s *Store) dropUnfinished(tx *bolt.Tx) error {
	n := 0
	c := tx.Bucket(openBucket).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.First() {
		body := binary.BigEndian.Uint64(k)
		if _, err := deleteBody(tx.Bucket(bodiesBucket), body); err != nil {
			return err
		}
		if err := c.Delete(); err != nil {
			return err
		}
		n++
	}
	if n > 0 {
		s.log.Info("removed what was written of unfinished messages", "messages", n)
	}
	return nil
}

// deleteBody removes all segments of a body and returns their number.
func deleteBody(bodies *bolt.Bucket, body uint64) (int, error) {
	n := 0
	c := bodies.Cursor()
	for k, _ := c.Seek(bodyKey(body, 0)); k != nil && binary.BigEndian.Uint64(k) == body; k, _ = c.Seek(bodyKey(body, 0)) {
		if err := bodies.Delete(k); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// decodeMessage is the metadata under a key. With an error, ID is what is known.
func decodeMessage(k, v []byte) (MessageInfo, error) {
	var m MessageInfo
	if len(k) != 8 {
		return m, fmt.Errorf("store: damaged message %x: not a sequence number", k)
	}
	err := json.Unmarshal(v, &m)
	m.ID = ID(binary.BigEndian.Uint64(k))
	if err != nil {
		return m, fmt.Errorf("store: damaged message %d: %w", m.ID, err)
	}
	return m, nil
}

func encodeMessage(m *MessageInfo) ([]byte, error) { return json.Marshal(m) }

// readMessage fetches a message's metadata.
func readMessage(tx *bolt.Tx, id ID) (MessageInfo, error) {
	k := messageKey(id)
	v := tx.Bucket(messagesBucket).Get(k)
	if v == nil {
		return MessageInfo{}, ErrNotFound
	}
	return decodeMessage(k, v)
}

// A layoutTx writes a batch.
type layoutTx struct {
	messages, bodies, open, aside *bolt.Bucket
	gone                          map[ID]bool // what the batch has removed
}

func newLayoutTx(tx *bolt.Tx) *layoutTx {
	w := &layoutTx{
		messages: tx.Bucket(messagesBucket), bodies: tx.Bucket(bodiesBucket),
		open: tx.Bucket(openBucket), aside: tx.Bucket(asideBucket), gone: map[ID]bool{},
	}
	w.messages.FillPercent, w.bodies.FillPercent = 1, 1 // keys only grow
	return w
}

// begin notes a body whose message is not there yet.
func (w *layoutTx) begin(body uint64) error { return w.open.Put(messageKey(ID(body)), nil) }

func (w *layoutTx) putSegment(g segment) error {
	return w.bodies.Put(bodyKey(g.body, g.number), g.data)
}

func (w *layoutTx) putMessage(m *MessageInfo, meta []byte, ahead bool) error {
	if err := w.messages.Put(messageKey(m.ID), meta); err != nil || !ahead {
		return err
	}
	return w.open.Delete(messageKey(ID(m.Body)))
}

func (w *layoutTx) remove(e *entry) error {
	k := messageKey(e.id)
	w.gone[e.id] = true
	if err := w.messages.Delete(k); err != nil {
		return err
	}
	if err := w.aside.Delete(k); err != nil {
		return err
	}
	_, err := deleteBody(w.bodies, e.body)
	return err
}

func (w *layoutTx) setAside(id ID, mark *asideMark) error {
	if mark == nil {
		return w.aside.Delete(messageKey(id))
	}
	v, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	return w.aside.Put(messageKey(id), v)
}

// discard removes a body that has no message.
func (w *layoutTx) discard(body uint64) error {
	if _, err := deleteBody(w.bodies, body); err != nil {
		return err
	}
	return w.open.Delete(messageKey(ID(body)))
}
