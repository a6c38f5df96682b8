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

// A tally is what one session has done, for the one line that the log has about it.
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

// logEnd writes the line about a store or push session that has ended, after err if
// that is not nil. What is 0 and no rule is left out.
func (c *connection) logEnd(began time.Time, err error) {
	p, bound := c.restoredPair()
	attrs := []slog.Attr{}
	add := func(key string, n int64) {
		if n > 0 {
			attrs = append(attrs, slog.Int64(key, n))
		}
	}
	t := &c.tally
	msg, push := "store session ended", c.isA(pushDialog)
	if push {
		msg = "push session ended"
		p = store.Pair{Sender: p.Recipient, Recipient: p.Sender} // it is bound to the replies
	}
	if bound {
		attrs = append(attrs, slog.String("from", p.Sender), slog.String("to", p.Recipient))
	}
	if push {
		attrs = append(attrs, slog.Int64("messages", t.delivered.Load()), slog.Int64("bytes", t.deliveredBytes.Load()))
		add("set_aside", t.aside.Load())
		add("replies", t.stored.Load())
	} else {
		attrs = append(attrs, slog.Int64("messages", t.stored.Load()), slog.Int64("bytes", t.storedBytes.Load()))
	}
	add("refused", t.refused.Load())
	attrs = append(attrs, slog.Float64("seconds", daemon.Seconds(time.Since(began))))
	if err == nil {
		err = t.failure()
	}
	if err != nil {
		attrs = append(attrs, slog.Any("err", err))
	}
	c.log.LogAttrs(context.Background(), slog.LevelInfo, msg, attrs...)
}
