// Command mscp-interop shows, uses and tests the offline-message cluster.
//
//	mscp-interop demo      leave messages for an absent user, and deliver them
//	mscp-interop send      leave messages for a user
//	mscp-interop receive   register and receive messages
//	mscp-interop ladder    draw the trace files of servers as a ladder
//	mscp-interop pcap      convert trace files to a capture for Wireshark
//	mscp-interop conform   test a peer, with one case for each requirement
//	mscp-interop bench     measure the servers, with their default settings
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/gomscp/gomscp/internal/daemon"
)

const usage = `usage: mscp-interop <command> [flags]

  demo      run a cluster on this machine: messages are left for an absent user,
            and delivered when the user registers
  send      call a user and send messages over MSRP
  receive   register and receive messages
  ladder    draw the trace files of servers as a ladder, in text or SVG
  pcap      convert trace files to a capture for Wireshark
  conform   test a media server, an application server or an MSRP endpoint,
            with one case for each requirement of the specification
  bench     measure the servers: messages and calls per second, processor time
  version   print the version, commit and Go version of this binary

mscp-interop <command> -h lists a command's flags.
`

const name = "mscp-interop"

func main() {
	ctx, stop := signalContext()
	defer stop()
	err := run(ctx, os.Args[1:])
	if errors.Is(err, errUsage) {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if status := daemon.ExitStatus(os.Stderr, name, err); status != 0 {
		os.Exit(status)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		_, err := fmt.Print(usage)
		return err
	case "version", "-version", "--version":
		if len(args) > 1 {
			return wrong("version", "unexpected argument %q", args[1])
		}
		_, err := fmt.Println(name, daemon.ReadVersion())
		return err
	case "demo":
		return runDemo(ctx, args[1:])
	case cleanCommand:
		return runClean(args[1:])
	case "send":
		return runSend(ctx, args[1:])
	case "receive":
		return runReceive(ctx, args[1:])
	case "ladder":
		return runLadder(ctx, args[1:])
	case "pcap":
		return runPcap(ctx, args[1:])
	case "bench":
		return runBench(ctx, args[1:])
	case "conform":
		return runConform(ctx, args[1:])
	}
	return &daemon.UsageError{Err: fmt.Errorf("unknown command %q", args[0]), Help: name + " -h"}
}

// wrong returns the error for a wrong command line.
func wrong(command, format string, args ...any) error {
	return &daemon.UsageError{Err: fmt.Errorf(format, args...), Help: name + " " + command + " -h"}
}

// newFlags are the flags of a command.
func newFlags(command, usage string) *flag.FlagSet {
	fs := flag.NewFlagSet(name+" "+command, flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), usage)
		fs.PrintDefaults()
	}
	return fs
}

// noArguments refuses arguments after the flags.
func noArguments(command string, fs *flag.FlagSet) error {
	if fs.NArg() > 0 {
		return wrong(command, "unexpected argument %q", fs.Arg(0))
	}
	return nil
}
