package ms

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/store"
)

// A tally counts what one session has done, for the line that the log has about it.
type tally struct {
	stored, storedBytes       atomic.Int64
	delivered, deliveredBytes atomic.Int64
	refused, aside            atomic.Int64

	mu  sync.Mutex
	err error
}

// fail notes why something of the session has failed. The first reason is kept.
func (t *tally) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

func (t *tally) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// appendCount adds a count to a line, unless it is 0.
func appendCount(attrs []slog.Attr, key string, n int64) []slog.Attr {
	if n > 0 {
		attrs = append(attrs, slog.Int64(key, n))
	}
	return attrs
}

// logEnd writes the line about a session that has ended, after err if that is not nil, with
// its pair if that is known, and its counts.
func (d *dialog) logEnd(msg string, p store.Pair, known bool, began time.Time, err error, counts ...slog.Attr) {
	var attrs []slog.Attr
	if known {
		attrs = append(attrs, slog.String("from", p.Sender), slog.String("to", p.Recipient))
	}
	attrs = append(attrs, counts...)
	attrs = appendCount(attrs, "refused", d.tally.refused.Load())
	attrs = append(attrs, slog.Float64("seconds", daemon.Seconds(time.Since(began))))
	if err == nil {
		err = d.tally.failure()
	}
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	d.log.LogAttrs(context.Background(), slog.LevelInfo, msg, attrs...)
}
