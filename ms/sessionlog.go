package ms

import (
	"context"
	"log/slog"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/store"
)

// appendCount adds a count to a line, unless it is 0.
func appendCount(attrs []slog.Attr, key string, n int64) []slog.Attr {
	if n > 0 {
		attrs = append(attrs, slog.Int64(key, n))
	}
	return attrs
}

// logEnd writes the line about a session that has ended, after err if that is not nil, with
// its pair if that is known, and its counts.
func logEnd(d *dialog, msg string, p store.Pair, known bool, began time.Time, err error, counts ...slog.Attr) {
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

// logPushEnd writes the line about a dialog that had no offer, with its pair, if known.
func logPushEnd(d *dialog, p store.Pair, known bool, began time.Time, err error) {
	t := &d.tally
	attrs := []slog.Attr{slog.Int64("messages", t.delivered.Load()), slog.Int64("bytes", t.deliveredBytes.Load())}
	attrs = appendCount(attrs, "set_aside", t.aside.Load())
	attrs = appendCount(attrs, "replies", t.stored.Load())
	logEnd(d, "push session ended", p, known, began, err, attrs...)
}
