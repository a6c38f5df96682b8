package grammar

import (
	"strconv"
	"strings"
	"time"
)

// DeltaSeconds reads a number of seconds. One beyond 2^32-1, the largest that RFC
// 3261 knows, counts as that. See RFC 3261, section 25.1.
func DeltaSeconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		n = 1<<32 - 1
	}
	return time.Duration(n) * time.Second, true
}

// RetryAfter reads the value of a Retry-After header: seconds, perhaps a
// comment, perhaps parameters. ok is false if it is none. The duration parameter
// says for how long the peer will be there; nothing here depends on it. See RFC
// 3261, section 20.33.
func RetryAfter(value string) (d time.Duration, ok bool) {
	value = strings.TrimSpace(value)
	digits := len(value) - len(strings.TrimLeft(value, "0123456789"))
	rest := strings.TrimLeft(value[digits:], " \t")
	if rest != "" && rest[0] != '(' && rest[0] != ';' {
		return 0, false
	}
	return DeltaSeconds(value[:digits])
}
