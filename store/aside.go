package store

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"
)

// MaxReason bounds the reason of [Store.SetAside], in bytes; what is longer is cut.
const MaxReason = 1 << 10

// asideMark is how a message that is set aside, or was refused and waits, is kept in
// the file.
type asideMark struct {
	Reason string    `json:"r"`
	Since  time.Time `json:"d"`
	Waits  bool      `json:"w,omitempty"` // it is to be delivered all the same
}

func (m *asideMark) waits() bool { return m != nil && m.Waits }

// newMark is a mark of now; a reason that is too long is cut.
func newMark(reason string) (*asideMark, error) {
	if !utf8.ValidString(reason) {
		return nil, ErrMetaNotUTF8
	}
	for len(reason) > MaxReason || !utf8.ValidString(reason) {
		reason = reason[:min(len(reason)-1, MaxReason)]
	}
	return &asideMark{Reason: reason, Since: time.Now().UTC()}, nil
}

// Aside is why a message is set aside, and since when.
type Aside struct {
	Reason string // at most MaxReason bytes of UTF-8
	Since  time.Time
}

// AsideInfo is a message that is set aside.
type AsideInfo struct {
	MessageInfo
	Aside
}

// SetAside takes messages that cannot be delivered out of Messages, Senders and
// Recipients, with a reason for the operator, and returns when that is on disk.
// They keep their bodies, count to the limits as before, are listed by
// [Store.Aside], expire as others do, and can be deleted or put back with
// [Store.Restore]. A message that does not exist is passed over; one that is set
// aside already gets the new reason.
func (s *Store) SetAside(ctx context.Context, reason string, ids ...ID) error {
	mark, err := newMark(reason)
	if err != nil {
		return err
	}
	return s.setMark(ctx, mark, ids)
}

// setMark marks messages; nil takes their marks away.
func (s *Store) setMark(ctx context.Context, mark *asideMark, ids []ID) error {
	for part := range slices.Chunk(ids, MaxBatch) {
		j := &markJob{jobBase: newBase(), ids: part, mark: mark}
		j.outside = !mark.waits()
		if err := s.do(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// Restore puts messages that are set aside back to their old places, and returns
// when that is on disk. Of others it forgets that they were refused.
func (s *Store) Restore(ctx context.Context, ids ...ID) error {
	return s.setMark(ctx, nil, ids)
}

// AsideOf returns why a message is set aside; ok reports whether it is.
func (s *Store) AsideOf(id ID) (a Aside, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	mark, ok := s.index.aside[id]
	return Aside{mark.Reason, mark.Since}, ok
}

// Aside lists the messages for the recipient that are set aside, oldest first;
// "" means for all.
func (s *Store) Aside(recipient string) []AsideInfo {
	s.mu.RLock()
	marks := make(map[ID]asideMark)
	var ids []ID
	for id, mark := range s.index.aside {
		if p, _ := s.index.find(id); recipient == "" || p != nil && p.inbox.recipient == recipient {
			ids = append(ids, id)
			marks[id] = mark
		}
	}
	s.mu.RUnlock()
	slices.Sort(ids)
	messages := s.read(ids)
	list := make([]AsideInfo, len(messages))
	for i, m := range messages {
		list[i] = AsideInfo{m, Aside{marks[m.ID].Reason, marks[m.ID].Since}}
	}
	return list
}
