package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/printable"
	"github.com/gomscp/gomscp/interop/conform"
)

const conformUsage = `usage: mscp-interop conform mscp --target HOST:PORT [flags]
       mscp-interop conform mscp-as --target HOST:PORT --ms HOST:PORT --proxy HOST:PORT [flags]
       mscp-interop conform msrp --target HOST:PORT [flags]
       mscp-interop conform msrp --uri MSRP-URI --our-uri MSRP-URI [flags]
       mscp-interop conform msrp --role sender --listen HOST:PORT --send COMMAND [flags]

Tests a peer, with one case for each requirement: a media server (mscp) or an application
server (mscp-as) for draft-mcglashan-mscp-02, or an MSRP endpoint (msrp) for RFC 4975.
The exit status is 1 if a strict case (one for a MUST) fails, and 2 if the peer cannot be
reached. --list shows the cases.

mscp-as: configure the application server with the addresses of the runner. Its media
server is sip:ms@HOST:PORT;transport=tcp, of weight 1, with the HOST:PORT of --ms. A second
one, of weight 3, has the HOST:PORT of --ms2. Its outbound proxy and presence server are at
--proxy.

msrp --role sender: sh runs COMMAND for each case. COMMAND must call the SIP URI in the
variable TO, and send its standard input as one message. With --role relay-client, it must
use the relay whose MSRP URI is in the variable RELAY. There it must authenticate with the
name and password that --username and --password give to the runner.
`

// conformFlags are what is to be tested, and how.
type conformFlags struct {
	conform.MSRPTarget
	o                 conform.Options
	as                conform.ASTarget
	ms                conform.MSCPTarget
	serves, restart   string
	role, listen      string
	send, username    string
	stop, start       string
	only, format, out string
	list, byHand      bool
}

func (f *conformFlags) define(fs *flag.FlagSet) {
	fs.StringVar(&f.SIP, "target", "", "the SIP address of the peer, `host:port` or host:port;transport=tcp")
	fs.StringVar(&f.From, "from", "", "the SIP `URI` of the runner; the default has its address")
	fs.StringVar(&f.To, "to", "", "the SIP `URI` to call; the default has the target's address")
	fs.StringVar(&f.Password, "password", "", "msrp: the runner's password, if the peer's proxy asks for one")
	fs.StringVar(&f.ms.Transport, "transport", "tcp", "mscp: the transport of the control channel: tcp, tls or info")
	fs.StringVar(&f.ms.Media, "media", "message", "mscp: the media of the runner's connections: message (MSRP) or audio")
	fs.StringVar(&f.serves, "serves", "", "mscp: what the media server must serve, separated by commas: conferences, dialogs, messages, tls, info. If the media server refuses one of these, the case fails. If it refuses something else, the case is skipped")
	fs.StringVar(&f.ms.DialogExit, "dialog-exit", "", "mscp: the `URI` of a dialog document that ends at once; the default is a text in a data: URI")
	fs.StringVar(&f.ms.DialogWait, "dialog-wait", "", "mscp: the `URI` of a dialog document that runs until it is terminated")
	fs.StringVar(&f.ms.DialogFail, "dialog-fail", "", "mscp: the `URI` of a dialog document that starts and then fails")
	fs.StringVar(&f.ms.DialogDisconnect, "dialog-disconnect", "", "mscp: the `URI` of a dialog document that requests a disconnect")
	fs.StringVar(&f.ms.DialogTransfer, "dialog-transfer", "", "mscp: the `URI` of a dialog document that requests a transfer")
	fs.StringVar(&f.restart, "restart", "", "mscp: a `command` for sh that restarts the media server; without it, cases about restarts are skipped")
	fs.StringVar(&f.stop, "stop", "", "mscp-as: a `command` for sh that stops the application server; without --stop and --start, a case is skipped")
	fs.StringVar(&f.start, "start", "", "mscp-as: a `command` for sh that starts the application server again and then returns")
	fs.BoolVar(&f.Offline, "offline", false, "msrp: the target is a media server of an offline-message cluster; the runner sends it RestoreMsg")
	fs.StringVar(&f.role, "role", "recipient", "msrp: the role of the peer: recipient, sender, or relay-client (a sender that uses a relay)")
	fs.StringVar(&f.username, "username", "conform", "msrp, relay-client: the peer's name at the relay, with --password")
	fs.StringVar(&f.listen, "listen", "127.0.0.1:0", "msrp, sender: the SIP address of the runner, `host:port`")
	fs.StringVar(&f.send, "send", "", "msrp, sender: the `command` for sh that makes the peer call TO and send standard input")
	fs.StringVar(&f.URI, "uri", "", "msrp: the `MSRP-URI` of an existing session, which each case uses again")
	fs.StringVar(&f.OurURI, "our-uri", "", "msrp: the runner's `MSRP-URI` in the existing session of --uri")
	fs.StringVar(&f.as.MS, "ms", "", "mscp-as: the `host:port` of the runner's first media server")
	fs.StringVar(&f.as.MS2, "ms2", "", "mscp-as: the `host:port` of the runner's second media server; without it, a case is skipped")
	fs.StringVar(&f.as.Proxy, "proxy", "", "mscp-as: the `host:port` of the runner's proxy and presence server")
	fs.StringVar(&f.as.Dialog, "dialog", "", "mscp-as: the SIP `URI` at which the application server starts an MSCP dialog for the caller; without this flag, cases are skipped")
	fs.StringVar(&f.as.Conference, "conference", "", "mscp-as: the SIP `URI` at which callers meet in a conference; without it, cases are skipped")
	fs.BoolVar(&f.byHand, "by-hand", false, "mscp-as: ask on standard error for actions that no SIP message causes, such as muting a participant, and wait a minute for each; without this flag, their cases are skipped")
	fs.StringVar(&f.as.Domain, "domain", "example.com", "mscp-as: the `domain` of callers and recipients")
	fs.DurationVar(&f.as.RestoreWait, "restore-wait", 500*time.Millisecond, "mscp-as: how long the application server's answer to a caller waits for MsgRestored")
	fs.DurationVar(&f.as.Retry, "retry", 30*time.Second, "mscp-as: the longest pause before the application server repeats a failed attempt")
	fs.DurationVar(&f.as.Idle, "idle", time.Minute, "mscp-as: how long a channel without traffic must stay up")
	fs.DurationVar(&f.o.Timeout, "timeout", conform.DefaultTimeout, "the longest wait for the peer in a case")
	fs.BoolVar(&f.o.Strict, "strict", false, "the exit status is also 1 if a case that is not strict fails, such as one for a SHOULD")
	fs.StringVar(&f.only, "only", "", "only these `cases`, separated by commas: an ID such as mscp/7.2.3/1, a section such as mscp/7.2.3, or a pattern")
	fs.StringVar(&f.format, "format", "text", "the format of the report: text, json, junit or html")
	fs.StringVar(&f.out, "o", "", "write the report to this `file`; the default is standard output")
	fs.BoolVar(&f.list, "list", false, "list the cases and run none")
}

// runConform tests a peer case by case.
func runConform(ctx context.Context, args []string) error {
	var f conformFlags
	fs := newFlags("conform", conformUsage)
	f.define(fs)
	words, err := parseMixed(fs, args)
	if err != nil {
		return err
	}
	protocol := strings.Join(words, " ")
	cases, end, err := f.cases(protocol)
	if err != nil {
		return err
	}
	defer end()
	if f.only != "" {
		if cases, err = conform.Select(cases, strings.Split(f.only, ",")...); err != nil {
			return wrong("conform", "--only: %w", err)
		}
	}
	if f.list {
		return listCases(cases)
	}
	if !f.named(protocol) {
		return wrong("conform", "--target is required, or for msrp --uri and --our-uri")
	}
	return conformWith(ctx, cases, f.o, f.format, f.out)
}

// named reports whether the flags say where the peer is. One that sends comes by itself.
func (f *conformFlags) named(protocol string) bool {
	if protocol != "msrp" {
		return f.SIP != ""
	}
	return f.SIP != "" || f.role != "recipient" || f.URI != "" && f.OurURI != ""
}

// cases returns the cases of a protocol, and what ends their servers.
func (f *conformFlags) cases(protocol string) (cases []conform.Case, end func(), err error) {
	switch protocol {
	case "mscp":
		if err := f.mediaServer(); err != nil {
			return nil, nil, err
		}
		return conform.MSCP(f.ms), func() {}, nil
	case "mscp-as":
		return f.applicationServer()
	case "msrp":
		return f.messages()
	}
	return nil, nil, wrong("conform", "the argument is mscp, mscp-as or msrp, not %q", protocol)
}

// applicationServer returns the cases for an application server.
func (f *conformFlags) applicationServer() (cases []conform.Case, end func(), err error) {
	if !f.list && (f.as.MS == "" || f.as.Proxy == "") {
		return nil, nil, wrong("conform", "--ms and --proxy are required")
	}
	f.as.SIP = f.SIP
	if f.stop != "" && f.start != "" {
		f.as.Stop, f.as.Start = shell(f.stop), shell(f.start)
	}
	if f.byHand {
		f.as.ByHand = func(what string) { fmt.Fprintf(os.Stderr, "By hand, within a minute: %s.\n", what) }
	}
	cases, end = conform.MSCPAS(f.as)
	return cases, end, nil
}

// messages returns the cases for the peer's role.
func (f *conformFlags) messages() (cases []conform.Case, end func(), err error) {
	switch f.role {
	case "recipient":
		return conform.MSRP(f.MSRPTarget), func() {}, nil
	case "sender", "relay-client":
		if f.send == "" && !f.list {
			return nil, nil, wrong("conform", "--send is required for a %s", f.role)
		}
		if f.role == "relay-client" {
			cases, end = conform.MSRPRelayClient(conform.RelayClientTarget{Listen: f.listen, Username: f.username, Password: f.Password,
				Send: func(ctx context.Context, relay, to, text string) error {
					return f.sendBy(ctx, to, text, "RELAY="+relay)
				}})
			return cases, end, nil
		}
		cases, end = conform.MSRPSender(conform.SenderTarget{Listen: f.listen,
			Send: func(ctx context.Context, to, text string) error { return f.sendBy(ctx, to, text) }})
		return cases, end, nil
	}
	return nil, nil, wrong("conform", "--role: %q is none of recipient, sender and relay-client", f.role)
}

// sendBy runs the command that has the peer send.
func (f *conformFlags) sendBy(ctx context.Context, to, text string, env ...string) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", f.send)
	cmd.Env = append(append(os.Environ(), "TO="+to), env...)
	cmd.Stdin = strings.NewReader(text)
	cmd.WaitDelay = time.Second
	return cmd.Run()
}

// mediaServer completes what is known of the media server under test.
func (f *conformFlags) mediaServer() error {
	f.ms.SIP, f.ms.From, f.ms.To = f.SIP, f.From, f.To
	if !slices.Contains([]string{"tcp", "tls", "info"}, f.ms.Transport) {
		return wrong("conform", "--transport: %q is none of tcp, tls and info", f.ms.Transport)
	}
	if f.ms.Media != "message" && f.ms.Media != "audio" {
		return wrong("conform", "--media: %q is neither message nor audio", f.ms.Media)
	}
	for what := range strings.FieldsFuncSeq(f.serves, func(c rune) bool { return c == ',' }) {
		if !slices.Contains([]string{"conferences", "dialogs", "messages", "tls", "info"}, what) {
			return wrong("conform", "--serves: %q is none of conferences, dialogs, messages, tls and info", what)
		}
		f.ms.Serves = append(f.ms.Serves, what)
	}
	if f.restart != "" {
		f.ms.Restart = shell(f.restart)
	}
	return nil
}

// shell makes what runs a command.
func shell(command string) func(context.Context) error {
	return func(ctx context.Context) error {
		if out, err := exec.CommandContext(ctx, "sh", "-c", command).CombinedOutput(); err != nil {
			return fmt.Errorf("%q: %w: %s", command, err, printable.Text(string(out)))
		}
		return nil
	}
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
	case "html":
		write = func(w io.Writer, results []conform.Result) error { return conform.WriteHTML(w, results, o) }
	default:
		return wrong("conform", "--format: %q is none of text, json, junit and html", format)
	}
	shown := out == "" && format == "text" // as they end
	if shown {
		o.OnResult = func(r conform.Result) { _ = conform.WriteResult(os.Stdout, r) }
	}
	results, err := conform.Run(ctx, cases, o)
	if errors.Is(err, conform.ErrUnreachable) {
		return wrong("conform", "%w", err)
	}
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
