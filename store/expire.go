package store

import (
	"context"
	"slices"
	"time"
)

// A due is when a message's time is over.
type due struct {
	at int64 // nanoseconds of Unix time
	id ID
}

// A dueHeap has the message that is due first in front. Messages that are
// deleted before their time stay in it until they are the most.
type dueHeap []due

func (h *dueHeap) push(d due) {
	*h = append(*h, d)
	i := len(*h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if (*h)[up].at <= (*h)[i].at {
			return
		}
		(*h)[up], (*h)[i] = (*h)[i], (*h)[up]
		i = up
	}
}

func (h *dueHeap) pop() due {
	top, last := (*h)[0], len(*h)-1
	(*h)[0] = (*h)[last]
	*h = (*h)[:last]
	h.down(0)
	return top
}

func (h dueHeap) down(i int) {
	for {
		next := 2*i + 1
		if next >= len(h) {
			return
		}
		if next+1 < len(h) && h[next+1].at < h[next].at {
			next++
		}
		if h[i].at <= h[next].at {
			return
		}
		h[i], h[next] = h[next], h[i]
		i = next
	}
}

// trimDue rebuilds the heap when most of it is deleted already.
func (x *index) trimDue() {
	if len(x.due) < 1024 || len(x.due) < 2*x.kept.count {
		return
	}
	x.due = slices.Clip(slices.DeleteFunc(x.due, func(d due) bool { _, e := x.find(d.id); return e == nil }))
	for i := len(x.due)/2 - 1; i >= 0; i-- {
		x.due.down(i)
	}
}

// Expire deletes the messages whose time is over at now, also those that are
// set aside, and returns their number; what it has deleted when it fails is
// counted too. When nothing is due it costs next to nothing, whatever is kept.
// It works in transactions of at most MaxBatch messages, so that storing goes on
// beside it. A call waits for one that is under way: what is due is deleted when
// it returns, whoever has deleted it.
func (s *Store) Expire(ctx context.Context, now time.Time) (int, error) {
	select {
	case s.expiring <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-s.expiring }()
	total := 0
	for {
		taken := s.takeDue(nanos(now))
		if len(taken) == 0 {
			return total, nil
		}
		ids := make([]ID, len(taken))
		for i, d := range taken {
			ids[i] = d.id
		}
		n, err := s.remove(ctx, ids, removeExpired)
		total += n
		if err != nil {
			s.mu.Lock()
			for _, d := range taken {
				s.index.due.push(d)
			}
			s.mu.Unlock()
			return total, err
		}
	}
}

// takeDue takes at most MaxBatch messages that are due out of the heap.
func (s *Store) takeDue(now int64) (taken []due) {
	s.mu.RLock()
	idle := len(s.index.due) == 0 || s.index.due[0].at > now
	s.mu.RUnlock()
	if idle || s.readOnly {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(taken) < MaxBatch && len(s.index.due) > 0 && s.index.due[0].at <= now {
		if d := s.index.due.pop(); s.index.holds(d.id) {
			taken = append(taken, d)
		}
	}
	return taken
}

func (x *index) holds(id ID) bool {
	_, e := x.find(id)
	return e != nil
}
