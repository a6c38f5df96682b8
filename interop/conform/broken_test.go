package conform

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// A flaw is what a broken peer does wrong, and the strict cases that must fail
// for it: these and, if exactly is true, no others.
type flaw struct {
	name    string
	sdp     func(string) string // changes session descriptions
	out     func(string) string // changes what is sent
	exactly bool
	fails   []string
}

func replace(old, by string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, old, by) }
}

func replaceRegexp(old, by string) func(string) string {
	re := regexp.MustCompile(old)
	return func(s string) string { return re.ReplaceAllString(s, by) }
}

// checkFlaw runs cases until enough have failed, and compares.
func checkFlaw(t *testing.T, f flaw, cases []Case) {
	t.Helper()
	if !f.exactly {
		cases = slices.DeleteFunc(cases, func(c Case) bool { return !slices.Contains(f.fails, c.ID) })
	}
	timeout := 5 * time.Second // which passes only if somebody waits in vain
	if !f.exactly {
		timeout = time.Second
	}
	results, err := Run(t.Context(), cases, Options{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, r := range results {
		if r.Counts(Options{}) {
			failed = append(failed, r.ID)
			if !slices.Contains(f.fails, r.ID) {
				t.Errorf("%s fails: %s\n%s", r.ID, r.Detail, r.Wire)
			}
		}
	}
	for _, id := range f.fails {
		if !slices.Contains(failed, id) {
			t.Errorf("%s does not fail", id)
		}
	}
}

// change changes s, if the flaw is of that kind.
func (f flaw) change(with func(string) string, s string) string { return change(with, s) }

// change changes s, if there is something to change it with.
func change(with func(string) string, s string) string {
	if with == nil {
		return s
	}
	return with(s)
}

var msrpFlaws = []flaw{
	{name: "none", exactly: true},
	{name: "paths the other way round", out: replaceRegexp("(To-Path: .*\r\n)(From-Path: .*\r\n)", "$2$1"), exactly: true, fails: []string{"msrp/9/1"}},
	{name: "another method is fine", out: replaceRegexp(" 501.*\r\n", " 200 OK\r\n"), exactly: true, fails: []string{"msrp/12/1"}},
	{name: "a session in use is none", out: replaceRegexp(" 506.*\r\n", " 481 No\r\n"), exactly: true, fails: []string{"msrp/5.4/3"}},
	{name: "every session is fine", out: replaceRegexp(" 481.*\r\n", " 200 OK\r\n"), exactly: true,
		fails: []string{"msrp/5.4/2", "msrp/6.1/2", "msrp/7.1.4/4", "msrp/7.2/3", "msrp/7.3/1", "msrp/7.3/2"}},
	{name: "too long is fine", out: replaceRegexp(" 413.*\r\n", " 200 OK\r\n"), exactly: true, fails: []string{"msrp/10.5/1"}},
	{name: "every type is fine", out: replaceRegexp(" 415.*\r\n", " 200 OK\r\n"), exactly: true, fails: []string{"msrp/7.3.1/1"}},
	{name: "a flag that is not the last", out: replaceRegexp(`(MSRP \w+ 200(?s:.*)-------\w+)\$`, "$1+"), exactly: true, fails: []string{"msrp/7.2/3"}},
	{name: "reports of reports", out: replaceRegexp("Status: ", "Success-Report: yes\r\nStatus: "), exactly: true, fails: []string{"msrp/7.1.2/3"}},
	{name: "no accept-types", sdp: replaceRegexp("a=accept-types:.*\r\n", ""), fails: []string{"msrp/8.6/1"}},
	{name: "the port of another", sdp: replaceRegexp("m=message [0-9]+ ", "m=message 2856 "), exactly: true, fails: []string{"msrp/8.1/3"}},
	{name: "reports of less", out: replaceRegexp("Byte-Range: 1-.*\r\n", "Byte-Range: 1-2/3\r\n"), fails: []string{"msrp/7.1/4", "msrp/7.1.1/1", "msrp/7.1.2/2", "msrp/7.3.1/2"}},
	{name: "two responses", out: replaceRegexp(`(?s)^MSRP \w+ \d\d\d.*$`, "$0$0"), fails: []string{"msrp/7.2/1", "msrp/7.1.3/1"}},
	{name: "nothing is ever said", out: func(string) string { return "" }, fails: []string{"msrp/5.4/1", "msrp/7.1/1"}},
}

// TestMSRPBroken runs all cases against peers with one flaw each, which the cases notice
// by themselves.
func TestMSRPBroken(t *testing.T) {
	for _, f := range msrpFlaws {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			checkFlaw(t, f, MSRP(MSRPTarget{SIP: brokenMSRP(t, f), unjudged: true}))
		})
	}
}

// brokenMSRP takes sessions of package msrp behind a relay that spoils what
// they say.
func brokenMSRP(t *testing.T, f flaw) string {
	t.Helper()
	l, err := msrp.Listen("127.0.0.1:0", msrp.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	spoiler := newSpoiler(t, f, l.Addr().String())
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{Invite: func(in *sipua.IncomingCall) {
		theirs, err := msrp.ParseSDP(in.Body)
		if err != nil {
			_ = in.Reject(488, "")
			return
		}
		uri := l.NewURI("127.0.0.1")
		ours := msrp.Media{Host: uri.Host, Port: uri.Port, Path: msrp.Path{uri}, AcceptTypes: []string{"text/plain"}, MaxSize: 200_000, Setup: msrp.SetupPassive}
		answer, err := ours.Answer(in.Body)
		if err != nil {
			_ = in.Reject(488, "")
			return
		}
		session, err := l.Accept(msrp.SessionConfig{Local: uri, Remote: theirs.Path, MaxSize: ours.MaxSize, AcceptTypes: ours.AcceptTypes,
			Handler: func(_ context.Context, m *msrp.Incoming) error { _, err := io.Copy(io.Discard, m); return err }})
		if err != nil {
			_ = in.Reject(500, "")
			return
		}
		defer session.Close()
		sdp := f.change(f.sdp, strings.ReplaceAll(string(answer), spoiler.inner, spoiler.outer))
		if call, _, err := in.Answer(t.Context(), []byte(sdp), sdpType); err == nil {
			<-call.Done()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	return ua.Addr()
}

// A spoiler relays MSRP. Its port is in the URIs that the outside knows.
type spoiler struct {
	f            flaw
	inner, outer string // ports
}

func newSpoiler(t *testing.T, f flaw, inner string) *spoiler {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	s := &spoiler{f: f}
	_, s.inner, _ = net.SplitHostPort(inner)
	_, s.outer, _ = net.SplitHostPort(ln.Addr().String())
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go s.relay(c, inner)
		}
	}()
	return s
}

func (s *spoiler) relay(c net.Conn, inner string) {
	defer c.Close()
	in, err := net.Dial("tcp", inner)
	if err != nil {
		return
	}
	defer in.Close()
	go func() {
		defer in.Close()
		spoil(in, c, func(line string) bool { return true }, replace(":"+s.outer+"/", ":"+s.inner+"/"))
	}()
	// What our end says has no bodies, so that an end-line ends it.
	endLine := func(line string) bool { return strings.HasPrefix(line, "-------") }
	spoil(c, in, endLine, func(frame string) string {
		return strings.ReplaceAll(s.f.change(s.f.out, frame), ":"+s.inner+"/", ":"+s.outer+"/")
	})
}

// spoil copies what comes in changed, piece by piece, each up to a line that
// ends it.
func spoil(to io.Writer, from io.Reader, ends func(line string) bool, change func(string) string) {
	var piece strings.Builder
	for r := bufio.NewReader(from); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		piece.WriteString(line)
		if !ends(line) {
			continue
		}
		if _, err := io.WriteString(to, change(piece.String())); err != nil {
			return
		}
		piece.Reset()
	}
}
