package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// A Filter selects messages. Its zero value selects all; each field narrows.
type Filter struct {
	Recipient string    // "": any
	Sender    string    // "": any
	Before    time.Time // received before; zero: at any time
	Aside     bool      // only what is set aside
}

// Progress is how far a long job has come.
type Progress struct {
	Messages int   // done
	Bytes    int64 // of their bodies
	Total    int   // messages that the job has to do; 0: not known
}

// A Purged counts what was deleted.
type Purged struct {
	Messages int
	Bytes    int64 // of bodies
}

// Purge deletes what the filter selects, and returns what that was; what
// it has deleted when it fails is counted too. It works in transactions of at
// most MaxBatch messages, so that storing goes on beside it, and calls progress,
// if it is not nil, after each. A body that is being read meanwhile ends with
// ErrNotFound.
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

// choose lists what a filter selects, in the order of IDs. Without a recipient it
// goes extent by extent, so that nobody waits for all of it.
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

// selects looks at all but recipient and sender.
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
