package store

import (
	"container/heap"
	"context"
	"slices"
	"time"
)

// A due is the time at which a message expires.
type due struct {
	at int64 // nanoseconds of Unix time
	id ID
}

// A dueHeap is a heap.Interface of expiry times, the earliest first. The entry of a
// message that was deleted earlier stays until trimDue.
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

// trimDue removes the entries of deleted messages if they are more than half of the heap.
func (x *index) trimDue() {
	if len(x.due) < 1024 || len(x.due) < 2*x.kept.count {
		return
	}
	x.due = slices.Clip(slices.DeleteFunc(x.due, func(d due) bool { _, e := x.find(d.id); return e == nil }))
	heap.Init(&x.due)
}

// Expire deletes the messages that have expired at the time now, also those that are set
// aside. It returns their number, also after an error: then it is the number deleted
// before the error. If no message has expired, the call is cheap for any number of
// messages. Expire uses transactions of at most MaxBatch messages, so that storing
// continues. A second call waits for the first: when Expire returns, the messages are
// deleted by one of them.
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

// takeDue removes at most MaxBatch expired messages from the heap and returns them.
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
