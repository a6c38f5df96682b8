// Package quietlog logs what strangers can make happen as often as they like, without
// letting them fill the log.
package quietlog

import (
	"log/slog"
	"sync"
	"time"
)

// window is how long the lines of a kind count against its burst.
const window = time.Minute

// A Log logs the first lines of each kind, and then only counts, for a minute. The kinds
// must be few and not of the strangers' choice. The zero value is ready.
type Log struct {
	// Burst is how many lines of a kind there may be in a minute; 0 means one.
	Burst int

	mu    sync.Mutex
	kinds map[string]*kind
}

type kind struct {
	next    time.Time // when the burst begins anew
	lines   int       // since then
	skipped int
}

// Warn logs msg with its kind as "reason", unless there were too many.
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
