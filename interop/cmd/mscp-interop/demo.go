package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/demo"
)

// cleanCommand is what the demo calls itself with, to have its folder removed
// whatever happens.
const cleanCommand = "demo-clean"

func runDemo(ctx context.Context, args []string) error {
	fs := newFlags("demo", "usage: mscp-interop demo [flags]\n\nRuns mscp-as and mscp-ms from the directory of this program. If they are not there,\nit builds them if the working directory is in a clone of the repository. If not, it\nuses those in PATH.")
	keep := fs.Bool("keep", false, "leave the cluster running and print how to use it by hand")
	if err := daemon.ParseFlags(fs, args); err != nil {
		return err
	}
	if err := noArguments("demo", fs); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, stop := untilOutputEnds(ctx)
	defer stop()
	return demo.Run(ctx, demo.Options{Out: os.Stdout, Keep: *keep, Command: command(self), Cleaner: []string{self, cleanCommand}})
}

// command is how this program is called again.
func command(self string) string {
	if strings.Contains(self, "go-build") { // by go run, which removes it
		return "go run ./interop/cmd/mscp-interop"
	}
	return os.Args[0]
}

// runClean waits for the end of the demo and removes its folder. No signal that is
// meant for the demo ends it before that.
func runClean(args []string) error {
	if len(args) != 1 {
		return wrong("demo", "%s is for the demo itself", cleanCommand)
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return demo.Clean(args[0], os.Stdin)
}
