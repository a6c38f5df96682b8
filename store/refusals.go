package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Refusal is that a device did not take a message, which waits for another one.
type Refusal struct {
	Reason string    // of the first
	First  time.Time // when that was
}

// NoteRefusal notes that messages were not taken, with the reason, and returns when
// that is on disk. They stay where they are. Only the first refusal of a message is
// noted; a message that is set aside, or is not there, is passed over. Restore takes
// the note away.
func (s *Store) NoteRefusal(ctx context.Context, reason string, ids ...ID) error {
	mark, err := newMark(reason)
	if err != nil {
		return err
	}
	mark.Waits = true
	ids = slices.DeleteFunc(slices.Clone(ids), func(id ID) bool {
		_, noted := s.Refusal(id)
		return noted
	})
	return s.setMark(ctx, mark, ids)
}

// Refusal returns what NoteRefusal has noted of a message; ok is false if it has
// not, or if the message is set aside.
func (s *Store) Refusal(id ID) (r Refusal, ok bool) {
	_ = s.db.View(func(tx *bolt.Tx) error {
		var mark asideMark
		if v := tx.Bucket(asideBucket).Get(messageKey(id)); v != nil && json.Unmarshal(v, &mark) == nil && mark.Waits {
			r, ok = Refusal{mark.Reason, mark.Since}, true
		}
		return nil
	})
	return r, ok
}
