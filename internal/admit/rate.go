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

// Buckets are token buckets by key. The zero value is valid. They are not safe for
// concurrent use.
type Buckets[K comparable] struct{ young, old map[K]*rate.Limiter }

// Take takes a token from the bucket of a key, which gets perSecond tokens a second and
// has at most burst. It returns 0 if there was a token, and otherwise the time until the
// next one.
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

// A Rate bounds the number of events a second, for each source and for all. A burst may
// have twice as many. It is safe for concurrent use.
type Rate[K comparable] struct {
	Source, All float64
	Now         func() time.Time // nil means time.Now

	mu      sync.Mutex
	sources Buckets[K]
	all     Buckets[struct{}]
}

// Take reports whether the rate allows one more event of a source. A source over its own
// rate uses nothing of the rate for all.
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
