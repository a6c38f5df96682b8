package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// A Filter selects messages. The zero value selects all; each field restricts the
// selection.
type Filter struct {
	Recipient string    // "": any
	Sender    string    // "": any
	Before    time.Time // received before; zero: at any time
	Aside     bool      // only messages that are set aside
}

// Progress is the progress of a long operation.
type Progress struct {
	Messages int   // done
	Bytes    int64 // of their bodies
	Total    int   // messages of the whole operation; 0: not known
}

// Purged has the totals of deleted messages.
type Purged struct {
	Messages int
	Bytes    int64 // of bodies
}

// Purge deletes the messages that the filter selects, and returns their totals, also
// after an error: then the messages deleted before it. It uses transactions of at most
// MaxBatch messages, so that storing continues. It calls progress, if not nil, after each
// transaction. A reader of a deleted body gets [ErrNotFound].
func (s *Store) Purge(ctx context.Context, f Filter, progress func(Progress)) (Purged, error) {
	chosen := s.choose(f)
	var done Purged
	for part := range slices.Chunk(chosen, MaxBatch) {
		ids := make([]ID, len(part))
		var bytes int64
		for i, c := range part {
			ids[i] = c.id
			bytes += c.size
		}
		n, err := s.remove(ctx, ids, removePurged)
		done.Messages += n
		if err != nil {
			return done, err
		}
		done.Bytes += bytes
		if progress != nil {
			progress(Progress{done.Messages, done.Bytes, len(chosen)})
		}
	}
	return done, nil
}

// Select returns the IDs of the messages that the filter selects, in ascending order.
func (s *Store) Select(f Filter) []ID {
	chosen := s.choose(f)
	ids := make([]ID, len(chosen))
	for i, c := range chosen {
		ids[i] = c.id
	}
	return ids
}

type chosen struct {
	id   ID
	size int64
}

// choose lists the messages that a filter selects, in the order of IDs. Without a
// recipient it locks the index for one extent at a time.
func (s *Store) choose(f Filter) (list []chosen) {
	if f.Recipient == "" {
		for _, n := range s.extentNumbers() {
			list = s.chooseIn(n, list, f)
		}
		return list
	}
	s.mu.RLock()
	if b := s.index.inboxes[f.Recipient]; b != nil {
		list = b.choose(list, f)
	}
	s.mu.RUnlock()
	slices.SortFunc(list, func(a, b chosen) int { return cmp.Compare(a.id, b.id) })
	return list
}

func (s *Store) extentNumbers() []uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.index.extents))
}

func (s *Store) chooseIn(n uint64, list []chosen, f Filter) []chosen {
	s.mu.RLock()
	defer s.mu.RUnlock()
	x := s.index.extents[n]
	if x == nil || x.live == 0 {
		return list
	}
	for i, o := range x.owners {
		if o < owners || f.Sender != "" && s.index.threads[o].sender != f.Sender {
			continue
		}
		if _, e := s.index.find(ID(n*extentLength) + ID(i)); f.selects(e) {
			list = append(list, chosen{e.id, e.size})
		}
	}
	return list
}

// selects reports whether the entry matches the fields other than recipient and sender.
func (f *Filter) selects(e *entry) bool {
	return !e.dead && (!f.Aside || e.aside) && (f.Before.IsZero() || e.received < nanos(f.Before))
}

func (b *inbox) choose(list []chosen, f Filter) []chosen {
	threads := b.threads
	if f.Sender != "" {
		threads = nil
		if p := b.thread(f.Sender); p != nil {
			threads = []*thread{p}
		}
	}
	for _, p := range threads {
		for i := range p.list {
			if e := &p.list[i]; f.selects(e) {
				list = append(list, chosen{e.id, e.size})
			}
		}
	}
	return list
}
