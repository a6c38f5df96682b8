package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/printable"
	"github.com/gomscp/gomscp/interop/ladder"
	"github.com/gomscp/gomscp/interop/wireshark"
)

// runPcap makes a capture file of trace files.
func runPcap(ctx context.Context, args []string) error {
	var o ladder.Options
	fs := newFlags("pcap", "usage: mscp-interop pcap FILE... -o OUT.pcap [flags]\n\nFILEs are trace files of application and media servers, see their setting trace. Wireshark\nreads SIP and MSRP in OUT.pcap, and MSCP with interop/wireshark/mscp.lua.")
	out := fs.String("o", "", "write the capture to this `file`, - for standard output")
	fs.StringVar(&o.Call, "call", "", "only the call with this Call-ID or connection-`id`, on both sides of the application server")
	fs.Func("protocol", "only these `protocols`, separated by commas: SIP, MSCP, MSRP", func(s string) error {
		return protocols(&o, s)
	})
	fs.BoolVar(&o.Skip, "skip", false, "skip lines that are not trace records")
	fs.IntVar(&o.Limit, "limit", ladder.MaxMessages, "the most `messages` to write")
	files, err := parseMixed(fs, args)
	if err != nil {
		return err
	}
	if len(files) == 0 || *out == "" {
		return wrong("pcap", "a trace file and -o are needed")
	}
	o.Progress = traceProgress()
	return writeFile(*out, func(w io.Writer) error {
		n, notes, err := wireshark.WriteTraces(ctx, w, files, o)
		for _, note := range notes {
			fmt.Fprintln(os.Stderr, "note:", printable.String(note))
		}
		if err == nil {
			fmt.Fprintf(os.Stderr, "%d messages\n", n)
		}
		return err
	})
}

// parseMixed parses flags that may stand before, between and after arguments,
// and returns the arguments.
func parseMixed(fs *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := daemon.ParseFlags(fs, args); err != nil {
			return nil, err
		}
		if args = fs.Args(); len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}
