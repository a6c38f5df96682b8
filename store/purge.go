package store

import (
	"context"
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

// Purge deletes what was received before the given time and returns the number
// of messages. It may have deleted some when it returns an error.
func (s *Store) Purge(ctx context.Context, before time.Time) (int, error) {
	n, err := s.PurgeFilter(ctx, Filter{Before: before}, nil)
	return n.Messages, err
}

// PurgeFilter deletes what the filter selects, and returns what that was; what
// it has deleted when it fails is counted too. It works in transactions of at
// most MaxBatch messages, so that storing goes on beside it, and calls progress,
// if it is not nil, after each. A body that is being read meanwhile ends with
// ErrNotFound.
func (s *Store) PurgeFilter(ctx context.Context, f Filter, progress func(Progress)) (Purged, error) {
	chosen := s.choose(f)
	var done Purged
	for part := range slices.Chunk(chosen, MaxBatch) {
		ids := make([]ID, len(part))
		var bytes int64
		for i, c := range part {
			ids[i] = c.id
			bytes += c.size
		}
		n, err := s.remove(ctx, ids, false)
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

type chosen struct {
	id   ID
	size int64
}

// choose lists what a filter selects, in the order of IDs.
func (s *Store) choose(f Filter) []chosen {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []chosen
	if f.Recipient != "" {
		if b := s.index.boxes[f.Recipient]; b != nil {
			list = b.choose(list, f)
		}
	} else {
		for _, b := range s.index.boxes {
			list = b.choose(list, f)
		}
	}
	slices.SortFunc(list, func(a, b chosen) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return list
}

func (b *box) choose(list []chosen, f Filter) []chosen {
	piles := b.piles
	if f.Sender != "" {
		piles = nil
		if p := b.pile(f.Sender); p != nil {
			piles = []*pile{p}
		}
	}
	before := nanos(f.Before)
	for _, p := range piles {
		for i := range p.list {
			e := &p.list[i]
			if e.dead || f.Aside && !e.aside || !f.Before.IsZero() && e.received >= before {
				continue
			}
			list = append(list, chosen{e.id, e.size})
		}
	}
	return list
}
