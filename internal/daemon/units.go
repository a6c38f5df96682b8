package daemon

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// ParseDuration reads a duration of a configuration: the form of time.ParseDuration, and
// in addition d for days of 24 hours and w for weeks, such as 30d or 1w12h.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration such as 500ms, 30s, 1h or 2d", s)
	rest, negative := strings.CutPrefix(s, "-")
	if rest == "0" {
		return 0, nil
	}
	if rest == "" || strings.ContainsAny(rest, "+-") {
		return 0, bad
	}
	if _, err := strconv.ParseFloat(rest, 64); err == nil {
		return 0, fmt.Errorf("%q has no unit; write a duration such as 500ms, 30s, 1h or 2d", s)
	}
	var total time.Duration
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if n <= 0 {
			return 0, bad
		}
		end := len(rest)
		if next := strings.IndexFunc(rest[n:], func(r rune) bool { return r == '.' || '0' <= r && r <= '9' }); next >= 0 {
			end = n + next
		}
		d, ok := component(rest[:n], rest[n:end])
		if !ok || total > math.MaxInt64-d {
			return 0, bad
		}
		total, rest = total+d, rest[end:]
	}
	if negative {
		total = -total
	}
	return total, nil
}

// component is one number and its unit.
func component(number, unit string) (time.Duration, bool) {
	of := map[string]time.Duration{"d": day, "w": week}[unit]
	if of == 0 {
		d, err := time.ParseDuration(number + unit)
		return d, err == nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f*float64(of) >= math.MaxInt64 {
		return 0, false
	}
	return time.Duration(math.Round(f * float64(of))), true
}

// FormatDuration returns d in the form that ParseDuration reads, without parts that are
// 0: 30d, 1h30m, 500ms.
func FormatDuration(d time.Duration) string {
	if d < 0 && d != math.MinInt64 {
		return "-" + FormatDuration(-d)
	}
	text := ""
	if d >= day {
		text, d = strconv.FormatInt(int64(d/day), 10)+"d", d%day
	}
	if d == 0 && text != "" {
		return text
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return text + s
}

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

// ParseSize reads a number of bytes of a configuration: 1048576, 100MB (units of 1000),
// 64KiB (units of 1024), 1.5GB. Letter case is ignored.
func ParseSize(s string) (int64, error) {
	bad := fmt.Errorf("%q is not a size such as 1048576, 64KiB, 100MB or 1GB", s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	for _, u := range sizeUnits {
		number, ok := cutSuffixFold(s, u.name)
		if !ok {
			continue
		}
		number = strings.TrimRight(number, " ")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			if n > math.MaxInt64/u.bytes || n < math.MinInt64/u.bytes {
				return 0, fmt.Errorf("%q is too large", s)
			}
			return n * u.bytes, nil
		}
		f, err := strconv.ParseFloat(number, 64)
		if err != nil || strings.Trim(number, "0123456789.-") != "" || math.Abs(f)*float64(u.bytes) >= math.MaxInt64 {
			return 0, bad
		}
		return int64(math.Round(f * float64(u.bytes))), nil
	}
	return 0, bad
}

func cutSuffixFold(s, suffix string) (string, bool) {
	n := len(s) - len(suffix)
	if n <= 0 || !strings.EqualFold(s[n:], suffix) {
		return s, false
	}
	return s[:n], true
}

// FormatSize returns a number of bytes with three digits: 64KiB, 1.5GB. It uses binary
// units if the number is a multiple of one.
func FormatSize(n int64) string {
	if n < 0 && n != math.MinInt64 {
		return "-" + FormatSize(-n)
	}
	for _, u := range sizeUnits[:4] {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	for _, u := range sizeUnits[4:8] {
		if n >= u.bytes {
			return strconv.FormatFloat(float64(n)/float64(u.bytes), 'g', 3, 64) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// Count returns a number with a noun, in the singular or plural: "1 message", "2
// messages".
func Count[N ~int | ~int64 | ~uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
