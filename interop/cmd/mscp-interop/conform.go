package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gomscp/gomscp/interop/conform"
)

// runConform tests a peer case by case.
func runConform(ctx context.Context, args []string) error {
	var target conform.MSCPTarget
	var o conform.Options
	fs := flag.NewFlagSet("conform", flag.ContinueOnError)
	fs.StringVar(&target.SIP, "target", "", "where the peer takes SIP, `host:port` or host:port;transport=tcp")
	fs.StringVar(&target.From, "from", "", "our SIP `URI`; the default names the address we are at")
	fs.StringVar(&target.To, "to", "", "the SIP `URI` that is called; the default names the target")
	fs.StringVar(&target.DialogSource, "dialog", "", "the `URI` of a VoiceXML document that the media server can fetch")
	fs.DurationVar(&o.Timeout, "timeout", conform.DefaultTimeout, "how long each wait for the peer may take")
	fs.BoolVar(&o.Strict, "strict", false, "let the cases count that are no demand of the specification")
	only := fs.String("only", "", "only these `cases`, with commas: an ID such as mscp/7.2.3/1, a section such as mscp/7.2, or a pattern")
	format := fs.String("format", "text", "text, json or junit")
	out := fs.String("o", "", "write the report to this `file`; the default is standard output")
	list := fs.Bool("list", false, "list the cases, and run none")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: mscp-interop conform mscp --target HOST:PORT [flags]\n\n"+
			"Calls a media server and tests its end of MSCP over TCP, a case for each demand of\ndraft-mcglashan-mscp-02. The exit status is 1 if a demand is not kept to.\n\n")
		fs.PrintDefaults()
	}
	words, err := parseMixed(fs, args)
	if err != nil {
		return err
	}
	if len(words) != 1 || words[0] != "mscp" {
		fs.Usage()
		return errors.New("what is to be tested is mscp")
	}
	cases := conform.MSCP(target)
	if *only != "" {
		if cases, err = conform.Select(cases, strings.Split(*only, ",")...); err != nil {
			return err
		}
	}
	if *list {
		return listCases(cases)
	}
	if target.SIP == "" {
		fs.Usage()
		return errors.New("--target is needed")
	}
	return conformWith(ctx, cases, o, *format, *out)
}

func listCases(cases []conform.Case) error {
	for _, c := range cases {
		kind := "strict"
		if !c.Strict {
			kind = "      "
		}
		fmt.Printf("%-17s %s  %s\n", c.ID, kind, c.Demand)
	}
	return nil
}

// conformWith runs the cases and reports.
func conformWith(ctx context.Context, cases []conform.Case, o conform.Options, format, out string) error {
	var write func(io.Writer, []conform.Result) error
	switch format {
	case "text":
		write = func(w io.Writer, results []conform.Result) error { return conform.WriteText(w, results, o) }
	case "json":
		write = conform.WriteJSON
	case "junit":
		write = func(w io.Writer, results []conform.Result) error { return conform.WriteJUnit(w, results, o) }
	default:
		return fmt.Errorf("--format: %q is none of text, json and junit", format)
	}
	shown := out == "" && format == "text" // as they end
	if shown {
		o.OnResult = func(r conform.Result) { _ = conform.WriteResult(os.Stdout, r) }
	}
	results, err := conform.Run(ctx, cases, o)
	if err != nil {
		return err
	}
	summary := conform.Summarize(results, o)
	if shown {
		fmt.Printf("\n%v\n", summary)
	} else {
		if out == "" {
			out = "-"
		}
		if err := writeFile(out, func(w io.Writer) error { return write(w, results) }); err != nil {
			return err
		}
	}
	if summary.Counting > 0 {
		return fmt.Errorf("the peer does not conform: %v", summary)
	}
	return nil
}
