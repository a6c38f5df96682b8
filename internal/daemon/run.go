package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Logger returns a logger that writes text lines of at least this level (debug, info,
// warn or error) to w, each with the node's name.
func Logger(w io.Writer, level, node string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l, ReplaceAttr: withoutNil})).With("node", node), nil
}

// withoutNil leaves an attribute out whose value is nil: the "err" of what has ended
// well is nothing to read.
func withoutNil(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindAny && a.Value.Any() == nil {
		return slog.Attr{}
	}
	return a
}

// Seconds returns d in seconds, rounded to milliseconds, for the log.
func Seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

// SignalContext returns a context that the first SIGINT or SIGTERM cancels; the process
// should then drain. A second signal ends the process at once.
func SignalContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-ch:
			signal.Stop(ch) // the next one has its default effect
			cancel()
		case <-ctx.Done():
			signal.Stop(ch)
		}
	}()
	return ctx, cancel
}
