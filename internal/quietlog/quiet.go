// Package quietlog limits the number of log lines about events that strangers can cause.
package quietlog

import (
	"log/slog"
	"sync"
	"time"
)

// window is how long the lines of a kind count against its burst.
const window = time.Minute

// A Log logs the first lines of each kind in a minute, and counts the others. The number
// of kinds must be small, and strangers must not choose them. The zero value is valid.
type Log struct {
	// Burst is the largest number of lines of a kind in a minute; 0 means one.
	Burst int

	mu    sync.Mutex
	kinds map[string]*kind
}

type kind struct {
	next    time.Time // when the burst begins anew
	lines   int       // since then
	skipped int
}

// Warn logs msg with its kind as "reason", unless there were too many. The next logged
// line of that kind has the number of lines left out, as "more_since_last_line".
func (q *Log) Warn(log *slog.Logger, msg, kind string, args ...any) {
	if skipped, ok := q.due(kind, time.Now()); ok {
		if skipped > 0 {
			args = append(args, "more_since_last_line", skipped)
		}
		log.Warn(msg, append([]any{"reason", kind}, args...)...)
	}
}

func (q *Log) due(name string, now time.Time) (skipped int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.kinds[name]
	if k == nil {
		if q.kinds == nil {
			q.kinds = map[string]*kind{}
		}
		k = &kind{}
		q.kinds[name] = k
	}
	if !now.Before(k.next) {
		k.next, k.lines = now.Add(window), 0
	}
	if k.lines >= max(1, q.Burst) {
		k.skipped++
		return 0, false
	}
	k.lines++
	skipped, k.skipped = k.skipped, 0
	return skipped, true
}
