package digestauth

import (
	"container/heap"
	"sync"
	"time"
)

// A nonceTable remembers with which counts nonces were used, the oldest nonces
// first to be forgotten. A nonce that may have been forgotten is taken no more.
type nonceTable struct {
	limit int

	mu     sync.Mutex
	used   map[string]*nonceUse
	oldest nonceHeap
	floor  time.Time // what was issued then, or before, and is not here, is stale
}

// A nonceUse is what one nonce was used with.
type nonceUse struct {
	nonce  string
	issued time.Time
	last   uint32 // the highest count
	window uint64 // bit i: last-i was used; requests may overtake each other
}

// use takes a count for a nonce; false if it was used before, or may have been.
// Nonces issued before expired are forgotten.
func (t *nonceTable) use(nonce string, nc uint32, issued, expired time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.used[nonce]
	if u == nil {
		if !issued.After(t.floor) {
			return false
		}
		t.makeRoom(expired)
		u = &nonceUse{nonce: nonce, issued: issued}
		if t.used == nil {
			t.used = map[string]*nonceUse{}
		}
		t.used[nonce] = u
		heap.Push(&t.oldest, u)
	}
	return u.take(nc)
}

// makeRoom forgets nonces that have expired, and the oldest if there are still
// too many. t.mu is held.
func (t *nonceTable) makeRoom(expired time.Time) {
	for len(t.oldest) > 0 && (t.oldest[0].issued.Before(expired) || len(t.oldest) >= t.limit) {
		u := heap.Pop(&t.oldest).(*nonceUse)
		delete(t.used, u.nonce)
		t.floor = u.issued
	}
}

// take notes a count; false if it was there before, or is too old to know.
func (u *nonceUse) take(nc uint32) bool {
	switch {
	case nc > u.last:
		u.window = u.window<<min(nc-u.last, 64) | 1
		u.last = nc
		return true
	case u.last-nc >= 64 || u.window&(1<<(u.last-nc)) != 0:
		return false
	default:
		u.window |= 1 << (u.last - nc)
		return true
	}
}

// A nonceHeap has the nonce that was issued first on top.
type nonceHeap []*nonceUse

func (h nonceHeap) Len() int           { return len(h) }
func (h nonceHeap) Less(i, j int) bool { return h[i].issued.Before(h[j].issued) }
func (h nonceHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *nonceHeap) Push(x any)        { *h = append(*h, x.(*nonceUse)) }

func (h *nonceHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
