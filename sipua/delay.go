package sipua

import (
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// retryAfter is how long the peer asks us to wait, MaxRetryAfter at the most; 0 if
// it does not ask, or not in a form that can be read.
func retryAfter(m interface{ GetHeaders(string) []sip.Header }) time.Duration {
	var longest time.Duration
	for _, h := range m.GetHeaders("Retry-After") {
		if d, ok := grammar.RetryAfter(h.Value()); ok {
			longest = max(longest, d)
		}
	}
	return min(longest, MaxRetryAfter)
}

// minExpires is the shortest interval that a 423 asks for; 0 if there is none that
// is longer than what was asked for and that we are ready to wait. See RFC 3261,
// sections 10.2.8 and 20.23.
func minExpires(m interface{ GetHeaders(string) []sip.Header }, asked time.Duration) time.Duration {
	for _, h := range m.GetHeaders("Min-Expires") {
		if d, ok := grammar.DeltaSeconds(strings.TrimSpace(h.Value())); ok && d > asked && d <= MaxMinExpires {
			return d
		}
	}
	return 0
}
