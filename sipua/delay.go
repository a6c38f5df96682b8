package sipua

import (
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// retryAfter is the pause that the peer requests, at most MaxRetryAfter; 0 without a
// valid Retry-After.
func retryAfter(m interface{ GetHeaders(string) []sip.Header }) time.Duration {
	var longest time.Duration
	for _, h := range m.GetHeaders("Retry-After") {
		if d, ok := grammar.RetryAfter(h.Value()); ok {
			longest = max(longest, d)
		}
	}
	return min(longest, MaxRetryAfter)
}

// minExpires is the shortest interval that a 423 accepts; 0 if it is not longer than the
// requested one or exceeds MaxMinExpires. See RFC 3261, sections 10.2.8 and 20.23.
func minExpires(m interface{ GetHeaders(string) []sip.Header }, asked time.Duration) time.Duration {
	for _, h := range m.GetHeaders("Min-Expires") {
		if d, ok := grammar.DeltaSeconds(strings.TrimSpace(h.Value())); ok && d > asked && d <= MaxMinExpires {
			return d
		}
	}
	return 0
}
