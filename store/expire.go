package store

import (
	"container/heap"
	"context"
	"slices"
	"time"
)

// A due is when a message's time is over.
type due struct {
	at int64 // nanoseconds of Unix time
	id ID
}

// A dueHeap is a heap.Interface with the message that is due first in front. A
// message that is deleted before its time stays in it until trimDue.
type dueHeap []due

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(d any)        { *h = append(*h, d.(due)) }

func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	*h = (*h)[:last]
	return d
}

// trimDue rebuilds the heap when most of it is deleted already.
func (x *index) trimDue() {
	if len(x.due) < 1024 || len(x.due) < 2*x.kept.count {
		return
	}
	x.due = slices.Clip(slices.DeleteFunc(x.due, func(d due) bool { _, e := x.find(d.id); return e == nil }))
	heap.Init(&x.due)
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
				heap.Push(&s.index.due, d)
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
		if d := heap.Pop(&s.index.due).(due); s.index.holds(d.id) {
			taken = append(taken, d)
		}
	}
	return taken
}

// holds reports whether a message is kept.
func (x *index) holds(id ID) bool {
	_, e := x.find(id)
	return e != nil
}

// countHeld returns how many of the messages are kept.
func (x *index) countHeld(ids []ID) (n int) {
	for _, id := range ids {
		if x.holds(id) {
			n++
		}
	}
	return n
}
