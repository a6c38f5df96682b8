package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A Refusal is the note that a device refused a message. The message waits for another
// device.
type Refusal struct {
	Reason string    // of the first refusal
	First  time.Time // when the message was first refused
}

// NoteRefusal notes that messages were refused, with the reason, and returns when the
// note is on disk. The messages stay in their places. Only the first refusal of a message
// is noted. Messages that are set aside or do not exist are ignored. [Store.Restore]
// removes the note.
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

// Refusal returns the note of NoteRefusal for a message. ok is false if there is none, or
// if the message is set aside.
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
