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

// Logger writes text lines of at least the named level (debug, info, warn or
// error) to w, each marked with the node's name.
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

// Seconds is d in seconds, to the millisecond, as the log has it.
func Seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

// SignalContext is cancelled by the first SIGINT or SIGTERM, which asks the
// process to drain. A second signal ends the process at once.
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
