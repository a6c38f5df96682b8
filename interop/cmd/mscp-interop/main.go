// Command mscp-interop shows, uses and tests the offline-message cluster.
//
//	mscp-interop demo      a message left for an absent user is delivered
//	mscp-interop send      leave messages for somebody
//	mscp-interop receive   register, and take the messages that come
//	mscp-interop ladder    draw the trace files of servers as a ladder
//	mscp-interop pcap      make a capture file for Wireshark of trace files
//	mscp-interop conform   test a peer, a case for each demand
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/demo"
)

const usage = `usage: mscp-interop <command> [flags]

  demo      run a whole cluster here and watch a message left for an absent
            user being delivered when that user registers
  send      call somebody and send messages over MSRP
  receive   register and take the messages that come
  ladder    draw the trace files of servers as a ladder, in text or SVG
  pcap      make a capture file for Wireshark of trace files
  conform   test a media server, or who takes MSRP messages, a case for each
            demand of the specification
  version   print the version, commit and Go version of this binary

mscp-interop <command> -h lists a command's flags.
`

func main() {
	ctx, stop := daemon.SignalContext()
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "mscp-interop:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "version", "-version", "--version":
		_, err := fmt.Println("mscp-interop", daemon.ReadVersion())
		return err
	case "demo":
		return runDemo(ctx, args[1:])
	case "send":
		return runSend(ctx, args[1:])
	case "receive":
		return runReceive(ctx, args[1:])
	case "ladder":
		return runLadder(ctx, args[1:])
	case "pcap":
		return runPcap(ctx, args[1:])
	case "conform":
		return runConform(ctx, args[1:])
	}
	return errUsage
}

func runDemo(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	keep := fs.Bool("keep", false, "leave the cluster running and print how to use it by hand")
	if err := fs.Parse(args); err != nil {
		return err
	}
	return demo.Run(ctx, demo.Options{Out: os.Stdout, Keep: *keep})
}
