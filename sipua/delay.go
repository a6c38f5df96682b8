package sipua

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// deltaSeconds reads a number of seconds. One beyond 2^32-1, the largest that RFC
// 3261 knows, counts as that. See RFC 3261, section 25.1.
func deltaSeconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		n = 1<<32 - 1
	}
	return time.Duration(n) * time.Second, true
}

// parseRetryAfter reads the value of a Retry-After header: seconds, perhaps a
// comment, perhaps parameters. ok is false if it is none. The duration parameter
// says for how long the peer will be there; nothing here depends on it. See RFC
// 3261, section 20.33.
func parseRetryAfter(value string) (d time.Duration, ok bool) {
	value = strings.TrimSpace(value)
	digits := len(value) - len(strings.TrimLeft(value, "0123456789"))
	rest := strings.TrimLeft(value[digits:], " \t")
	if rest != "" && rest[0] != '(' && rest[0] != ';' {
		return 0, false
	}
	return deltaSeconds(value[:digits])
}

// retryAfter is how long the peer asks us to wait, MaxRetryAfter at the most; 0 if
// it does not ask, or not in a form that can be read.
func retryAfter(m interface{ GetHeaders(string) []sip.Header }) time.Duration {
	var longest time.Duration
	for _, h := range m.GetHeaders("Retry-After") {
		if d, ok := parseRetryAfter(h.Value()); ok {
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
		if d, ok := deltaSeconds(strings.TrimSpace(h.Value())); ok && d > asked && d <= MaxMinExpires {
			return d
		}
	}
	return 0
}
