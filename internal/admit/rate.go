package admit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// bucketsKept is how many buckets are kept at the least; at most twice as many
// are. One that is forgotten is full when it is needed again.
const bucketsKept = 1 << 16

// longestWait is the longest wait that Take returns.
const longestWait = time.Hour

// Buckets are the token buckets of many keys. The zero value is ready. They are not safe
// for concurrent use.
type Buckets[K comparable] struct{ young, old map[K]*rate.Limiter }

// Take takes a token of a key's bucket, which gets perSecond tokens a second and holds
// burst. It returns 0 if there was one, else how long it takes until there is one.
func (b *Buckets[K]) Take(key K, perSecond float64, burst int, now time.Time) (wait time.Duration) {
	t := b.get(key, rate.Limit(perSecond), burst)
	if t.Limit() != rate.Limit(perSecond) || t.Burst() != burst { // configured anew
		t.SetLimitAt(now, rate.Limit(perSecond))
		t.SetBurstAt(now, burst)
	}
	if t.AllowN(now, 1) {
		return 0
	}
	wait = time.Duration(min((1-t.TokensAt(now))/perSecond, longestWait.Seconds()) * float64(time.Second))
	return max(1, wait)
}

func (b *Buckets[K]) get(key K, limit rate.Limit, burst int) *rate.Limiter {
	if t := b.young[key]; t != nil {
		return t
	}
	t := b.old[key]
	if t == nil {
		t = rate.NewLimiter(limit, burst)
	}
	if b.young == nil || len(b.young) >= bucketsKept {
		b.young, b.old = map[K]*rate.Limiter{}, b.young
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
