package store

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"
)

// MaxReason is the longest reason of [Store.SetAside] that is kept, in bytes. A longer
// reason is cut.
const MaxReason = 1 << 10

// An asideMark is the entry in the file for a message that is set aside, or that was
// refused and is still to be delivered.
type asideMark struct {
	Reason string    `json:"r"`
	Since  time.Time `json:"d"`
	Waits  bool      `json:"w,omitempty"` // the message was refused and is still to be delivered
}

func (m *asideMark) waits() bool { return m != nil && m.Waits }

// newMark returns a mark with the present time. It cuts a reason of more than MaxReason
// bytes.
func newMark(reason string) (*asideMark, error) {
	if !utf8.ValidString(reason) {
		return nil, ErrMetaNotUTF8
	}
	for len(reason) > MaxReason || !utf8.ValidString(reason) {
		reason = reason[:min(len(reason)-1, MaxReason)]
	}
	return &asideMark{Reason: reason, Since: time.Now().UTC()}, nil
}

// Aside is the reason and the time of setting a message aside.
type Aside struct {
	Reason string // at most MaxReason bytes of UTF-8
	Since  time.Time
}

// AsideInfo is a message that is set aside.
type AsideInfo struct {
	MessageInfo
	Aside
}

// SetAside excludes messages that cannot be delivered from Messages, Senders and
// Recipients, with a reason for the operator. It returns when the change is on disk. The
// messages keep their bodies, count to the limits, are listed by [Store.Aside], expire,
// and can be deleted or put back with [Store.Restore]. IDs of messages that do not exist
// are ignored. A message that is set aside already gets the new reason.
func (s *Store) SetAside(ctx context.Context, reason string, ids ...ID) error {
	mark, err := newMark(reason)
	if err != nil {
		return err
	}
	return s.setMark(ctx, mark, ids)
}

// setMark sets the marks of messages; a nil mark removes them.
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

// Restore puts messages that are set aside back to their old places, and removes the
// notes of refused messages. It returns when the change is on disk.
func (s *Store) Restore(ctx context.Context, ids ...ID) error {
	return s.setMark(ctx, nil, ids)
}

// AsideOf returns the reason and time of setting a message aside. ok reports whether the
// message is set aside.
func (s *Store) AsideOf(id ID) (a Aside, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	mark, ok := s.index.aside[id]
	return Aside{mark.Reason, mark.Since}, ok
}

// Aside lists the messages for a recipient that are set aside, oldest first; "" means all
// recipients.
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
