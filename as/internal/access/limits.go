package access

import (
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/gomscp/gomscp/internal/admit"
	"github.com/gomscp/gomscp/internal/budget"
)

// Limits bounds what callers can take; 0 means no limit. Rates are in
// calls a second, bursts and the others in calls, Memory is in bytes.
type Limits struct {
	Memory            int64   `yaml:"memory" unit:"bytes"`
	SourceRate        float64 `yaml:"source_rate"`
	SourceBurst       int     `yaml:"source_burst"`
	CallerRate        float64 `yaml:"caller_rate"`
	CallerBurst       int     `yaml:"caller_burst"`
	Calls             int     `yaml:"calls"`
	CallerCalls       int     `yaml:"caller_calls"`
	ReservedCalls     int     `yaml:"reserved_calls"`
	UserCalls         int     `yaml:"user_calls"`
	RecipientCalls    int     `yaml:"recipient_calls"`
	Connections       int     `yaml:"connections"`
	SourceConnections int     `yaml:"source_connections"`
}

// maxRate is the largest rate of a limit, in calls a second.
const maxRate = 1_000_000

// Validate reports what is wrong, with the name of its key.
func (l Limits) Validate(bad func(key, format string, args ...any)) {
	for _, r := range []struct {
		key      string
		rate     float64
		burst    int
		burstKey string
	}{
		{"limits.source_rate", l.SourceRate, l.SourceBurst, "limits.source_burst"},
		{"limits.caller_rate", l.CallerRate, l.CallerBurst, "limits.caller_burst"},
	} {
		if !(r.rate >= 0 && r.rate <= maxRate) { // which no NaN passes
			bad(r.key, "%v is not from 0, which means no limit, to %d", r.rate, maxRate)
		}
		if r.burst < 1 {
			bad(r.burstKey, "%d is less than 1", r.burst)
		}
	}
	if l.Connections < 1 {
		bad("limits.connections", "%d is less than 1", l.Connections)
	}
	if l.SourceConnections < 1 {
		bad("limits.source_connections", "%d is less than 1", l.SourceConnections)
	}
	if l.Memory != 0 && l.Memory < minMemory {
		bad("limits.memory", "%d is less than %d bytes; 0 means no limit", l.Memory, minMemory)
	}
	for _, c := range []struct {
		key string
		n   int
	}{{"limits.calls", l.Calls}, {"limits.caller_calls", l.CallerCalls}, {"limits.recipient_calls", l.RecipientCalls},
		{"limits.reserved_calls", l.ReservedCalls}, {"limits.user_calls", l.UserCalls}} {
		if c.n < 0 {
			bad(c.key, "%d is neither 0, which means no limit, nor more", c.n)
		}
	}
}

// Why a call is over a limit, as metrics and logs have it.
const (
	rejectSourceRate     = "source_rate"
	rejectCallerRate     = "caller_rate"
	rejectCalls          = "calls"
	rejectMemory         = "memory"
	rejectCallerCalls    = "caller_calls"
	rejectReservedCalls  = "reserved_calls"
	rejectUserCalls      = "user_calls"
	rejectRecipientCalls = "recipient_calls"
)

// An OverLimit says which limit a call is over, and when it may do better.
type OverLimit struct {
	Why   string
	After time.Duration
}

// Error implements error.
func (o *OverLimit) Error() string { return "over the limit of " + o.Why }

// Code is the answer: 503 for what is about the server, so that a proxy may turn
// to another; 486 for a recipient who has too many callers; 480 for a caller, who
// alone is to wait. All three may have a Retry-After. See RFC 3261, section 20.33.
func (o *OverLimit) Code() (int, string) {
	switch o.Why {
	case rejectSourceRate, rejectCalls, rejectReservedCalls, rejectMemory:
		return 503, "Service Unavailable"
	case rejectRecipientCalls:
		return 486, "Busy Here"
	}
	return 480, "Temporarily Unavailable"
}

// RetryAfter is the value of that header, in seconds.
func (o *OverLimit) RetryAfter() string {
	return strconv.Itoa(int(math.Ceil(max(1, o.After.Seconds()))))
}

// A limiter counts the calls against the limits, which may change.
type limiter struct {
	now   func() time.Time
	after time.Duration // to wait for the end of other calls
	mem   *budget.Budget

	mu          sync.Mutex
	cfg         Limits
	sources     admit.Buckets[netip.Prefix]
	callers     admit.Buckets[string]
	calls       int
	strangers   int // of them, those of callers who are no peers
	byCaller    map[string]int
	byRecipient map[string]int
}

func newLimiter(cfg Limits, mem *budget.Budget, after time.Duration) *limiter {
	return &limiter{now: time.Now, after: after, mem: mem, cfg: cfg, byCaller: map[string]int{}, byRecipient: map[string]int{}}
}

// set replaces the limits. Calls that are there count on, and stay.
func (l *limiter) set(cfg Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cfg = cfg
	if l.mem != nil && cfg.Memory > 0 {
		l.mem.SetLimit(heldOf(cfg.Memory))
	}
}

// source takes a request from an address; nil if there may be one.
func (l *limiter) source(a netip.Addr) *OverLimit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return take(&l.sources, admit.Source(a), l.cfg.SourceRate, l.cfg.SourceBurst, l.now(), rejectSourceRate)
}

// begin counts a call; end gives its place back, once. A stranger is a user who does not
// call through a peer.
func (l *limiter) begin(caller, recipient string, stranger bool) (end func(), err *OverLimit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch c := l.cfg; {
	case c.Calls > 0 && l.calls >= c.Calls:
		return nil, &OverLimit{rejectCalls, l.after}
	case stranger && c.Calls > 0 && l.strangers >= max(0, c.Calls-c.ReservedCalls):
		return nil, &OverLimit{rejectReservedCalls, l.after}
	case stranger && c.UserCalls > 0 && l.byCaller[caller] >= c.UserCalls:
		return nil, &OverLimit{rejectUserCalls, l.after}
	case c.CallerCalls > 0 && l.byCaller[caller] >= c.CallerCalls:
		return nil, &OverLimit{rejectCallerCalls, l.after}
	case c.RecipientCalls > 0 && l.byRecipient[recipient] >= c.RecipientCalls:
		return nil, &OverLimit{rejectRecipientCalls, l.after}
	}
	if over := take(&l.callers, caller, l.cfg.CallerRate, l.cfg.CallerBurst, l.now(), rejectCallerRate); over != nil {
		return nil, over
	}
	if !l.mem.Take(callCost) {
		return nil, &OverLimit{rejectMemory, l.after}
	}
	l.calls++
	if stranger {
		l.strangers++
	}
	l.byCaller[caller]++
	l.byRecipient[recipient]++
	return sync.OnceFunc(func() { l.end(caller, recipient, stranger) }), nil
}

func (l *limiter) end(caller, recipient string, stranger bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls--
	if stranger {
		l.strangers--
	}
	l.mem.Give(callCost)
	endOne(l.byCaller, caller)
	endOne(l.byRecipient, recipient)
}

func endOne(calls map[string]int, key string) {
	if calls[key]--; calls[key] == 0 {
		delete(calls, key)
	}
}

// take takes a token of a key's bucket; nil if there was one, or the rate is 0.
func take[K comparable](b *admit.Buckets[K], key K, rate float64, burst int, now time.Time, why string) *OverLimit {
	if rate == 0 {
		return nil
	}
	if wait := b.Take(key, rate, burst, now); wait > 0 {
		return &OverLimit{why, wait}
	}
	return nil
}
