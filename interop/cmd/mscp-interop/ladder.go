package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/printable"
	"github.com/gomscp/gomscp/interop/ladder"
)

// minWidth is room for a few lanes, in characters; fileWidth is what a line has
// where no terminal says how wide it is.
const minWidth, fileWidth = 60, 160

// defaultWidth is the width of the terminal.
func defaultWidth() int {
	if w := terminalWidth(int(os.Stdout.Fd())); w > 0 {
		return max(minWidth, w)
	}
	return fileWidth
}

// runLadder draws trace files.
func runLadder(ctx context.Context, args []string) error {
	o := ladder.Options{Names: map[string]string{}}
	fs := newFlags("ladder", "usage: mscp-interop ladder [flags] FILE...\n\nFILEs are trace files of application and media servers, see their setting trace.")
	svg := fs.String("svg", "", "write an SVG to this `file` instead of text; \"-\" means standard output")
	fs.StringVar(&o.Call, "call", "", "only the call with this Call-ID or connection-`id`, on both sides of the application server")
	list := fs.Bool("list", false, "list the calls, with their Call-IDs, and draw nothing")
	fs.StringVar(&o.User, "user", "", "only calls from or to this `user`: bob, bob@example.com or sip:bob@example.com")
	fs.IntVar(&o.Width, "width", defaultWidth(), "the most `characters` in a line of text; 0 means no limit. Nodes without room share a lane")
	fs.Func("protocol", "only these `protocols`, separated by commas: SIP, MSCP, MSRP", func(s string) error {
		return protocols(&o, s)
	})
	fs.Func("from", "only messages from this `time` on: a time as in RFC 3339, or a duration such as 12.5s after the first record", func(s string) (err error) {
		o.From, err = ladder.ParseWhen(s)
		return err
	})
	fs.Func("until", "only messages until this `time`", func(s string) (err error) {
		o.Until, err = ladder.ParseWhen(s)
		return err
	})
	fs.Func("name", "`ADDRESS=NAME` names a node without a trace; ADDRESS is host:port or host. May be repeated", func(s string) error {
		addr, name, ok := strings.Cut(s, "=")
		if !ok || addr == "" || name == "" {
			return errors.New("not ADDRESS=NAME")
		}
		o.Names[addr] = name
		return nil
	})
	fs.Func("lanes", "the `names` of the first lanes, separated by commas", func(s string) error {
		o.Lanes = strings.Split(s, ",")
		return nil
	})
	fs.BoolVar(&o.Bodies, "bodies", false, "show the texts of users, if the trace has them")
	fs.BoolVar(&o.Chunks, "chunks", false, "draw every chunk of long MSRP messages")
	fs.BoolVar(&o.Repeats, "repeats", false, "draw each repetition of rows")
	fs.BoolVar(&o.Explain, "explain", false, "explain the messages")
	fs.BoolVar(&o.Skip, "skip", false, "skip lines that are not trace records")
	fs.IntVar(&o.Limit, "limit", ladder.MaxMessages, "the most `messages` to draw")
	files, err := parseMixed(fs, args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return wrong("ladder", "a trace file is needed")
	}
	if o.Width != 0 && o.Width < minWidth {
		return wrong("ladder", "--width: %d is less than %d", o.Width, minWidth)
	}
	o.Progress = traceProgress()
	if *list {
		notes, err := ladder.List(ctx, os.Stdout, files, o)
		for _, note := range notes {
			fmt.Fprintln(os.Stderr, "note:", printable.String(note))
		}
		return err
	}
	if *svg != "" {
		o.Width = 0
	}
	d, err := ladder.Read(ctx, files, o)
	if err != nil {
		return err
	}
	for _, note := range d.Notes {
		fmt.Fprintln(os.Stderr, "note:", printable.String(note))
	}
	if *svg == "" {
		return d.WriteText(os.Stdout)
	}
	return writeFile(*svg, d.WriteSVG)
}

func protocols(o *ladder.Options, s string) error {
	for p := range strings.SplitSeq(strings.ToUpper(s), ",") {
		switch p {
		case "SIP", "MSCP", "MSRP":
			o.Protocols = append(o.Protocols, p)
		default:
			return fmt.Errorf("%q is none of SIP, MSCP and MSRP", p)
		}
	}
	return nil
}

// traceProgress tells on standard error how far the reading is, if it takes
// long.
func traceProgress() func(done, total int64) {
	next := time.Now().Add(progressAfter)
	return func(done, total int64) {
		if now := time.Now(); now.After(next) && total > 0 {
			fmt.Fprintf(os.Stderr, "  %3d %% of %d MB\n", min(100, 100*done/total), total>>20)
			next = now.Add(progressAfter)
		}
	}
}

// writeFile writes a file that is complete when it has its name; "-" is
// standard output.
func writeFile(path string, write func(io.Writer) error) error {
	if path == "-" {
		return write(os.Stdout)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		os.Remove(f.Name())
		return err
	}
	return os.Rename(f.Name(), path)
}
