package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signalContext is cancelled by the first SIGINT, SIGTERM or SIGHUP, so that a
// command cleans up and says goodbye. The second ends the process at once. A SIGHUP
// that was ignored from the start, as under nohup, stays so.
func signalContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, signals...)
	go func() {
		select {
		case <-ch:
			cancel()
		case <-ctx.Done():
		}
		signal.Stop(ch)
	}()
	return ctx, cancel
}

// untilOutputEnds is cancelled when nobody reads standard output any more. Until
// stop, such a write is an error and no longer the end of the process, so that it
// can clean up.
func untilOutputEnds(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	go watchOutput(ctx, int(os.Stdout.Fd()), cancel)
	return ctx, func() {
		cancel()
		signal.Stop(broken)
	}
}
