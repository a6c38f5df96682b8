package daemon

import (
	"log/slog"
	"sync"
	"time"
)

// quietFor is how long after a line of a kind the next ones of it are only
// counted.
const quietFor = time.Minute

// A Quiet logs what strangers can make happen as often as they like: the first
// of each kind, then one a minute at the most, with how many were left out. The
// kinds must be few and not of the strangers' choice. The zero value is ready.
type Quiet struct {
	mu    sync.Mutex
	kinds map[string]*quietKind
}

type quietKind struct {
	next    time.Time
	skipped int
}

// Warn logs msg with its kind as "reason", unless it is too soon.
func (q *Quiet) Warn(log *slog.Logger, msg, kind string, args ...any) {
	if skipped, ok := q.due(kind, time.Now()); ok {
		if skipped > 0 {
			args = append(args, "more_since_last_line", skipped)
		}
		log.Warn(msg, append([]any{"reason", kind}, args...)...)
	}
}

func (q *Quiet) due(kind string, now time.Time) (skipped int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.kinds[kind]
	if k == nil {
		if q.kinds == nil {
			q.kinds = map[string]*quietKind{}
		}
		k = &quietKind{}
		q.kinds[kind] = k
	}
	if now.Before(k.next) {
		k.skipped++
		return 0, false
	}
	skipped = k.skipped
	k.next, k.skipped = now.Add(quietFor), 0
	return skipped, true
}
