package admit

import (
	"sync"
	"time"
)

// bucketsKept is how many buckets are kept at the least; at most twice as many
// are. One that is forgotten is full when it is needed again.
const bucketsKept = 1 << 16

// Buckets are the token buckets of many keys. The zero value is ready. They are not safe
// for concurrent use.
type Buckets[K comparable] struct{ young, old map[K]*bucket }

type bucket struct {
	tokens float64
	at     time.Time
}

// Take takes a token of a key's bucket, which gets rate tokens a second and holds burst.
// It returns 0 if there was one, else how long it takes until there is one.
func (b *Buckets[K]) Take(key K, rate float64, burst int, now time.Time) (wait time.Duration) {
	t := b.get(key, float64(burst), now)
	t.tokens = min(float64(burst), t.tokens+rate*max(0, now.Sub(t.at).Seconds()))
	t.at = now
	if t.tokens < 1 {
		return max(1, time.Duration(min((1-t.tokens)/rate, 3600)*float64(time.Second)))
	}
	t.tokens--
	return 0
}

func (b *Buckets[K]) get(key K, full float64, now time.Time) *bucket {
	if t := b.young[key]; t != nil {
		return t
	}
	t := b.old[key]
	if t == nil {
		t = &bucket{full, now}
	}
	if b.young == nil || len(b.young) >= bucketsKept {
		b.young, b.old = map[K]*bucket{}, b.young
	}
	b.young[key] = t
	return t
}

// A Rate bounds how often something is done, by source and in all: per second, of which
// twice as many may come at once. It is safe for concurrent use.
type Rate[K comparable] struct {
	Source, All float64
	Now         func() time.Time // nil is time.Now

	mu      sync.Mutex
	sources Buckets[K]
	all     Buckets[struct{}]
}

// Take reports whether a source may do it once more. One that is over its own rate takes
// nothing of what is for all.
func (r *Rate[K]) Take(source K) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	at := now()
	return r.sources.Take(source, r.Source, int(2*r.Source), at) == 0 && r.all.Take(struct{}{}, r.All, int(2*r.All), at) == 0
}
