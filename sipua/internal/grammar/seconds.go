package grammar

import (
	"strconv"
	"strings"
	"time"
)

// DeltaSeconds reads a number of seconds. Values above 2^32-1, the maximum of RFC 3261,
// count as that. See RFC 3261, section 25.1.
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

// RetryAfter reads the value of a Retry-After header: seconds, with an optional comment
// and parameters, which are ignored. See RFC 3261, section 20.33.
func RetryAfter(value string) (d time.Duration, ok bool) {
	value = strings.TrimSpace(value)
	digits := len(value) - len(strings.TrimLeft(value, "0123456789"))
	rest := strings.TrimLeft(value[digits:], " \t")
	if rest != "" && rest[0] != '(' && rest[0] != ';' {
		return 0, false
	}
	return DeltaSeconds(value[:digits])
}
