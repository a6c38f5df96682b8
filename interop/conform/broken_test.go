package conform

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// A flaw is what a broken peer does wrong, and the strict cases that must fail
// for it: these and, if exactly is true, no others.
type flaw struct {
	name    string
	sdp     func(string) string // changes session descriptions
	out     func(string) string // changes what is sent
	lasting bool                // the channel outlives its dialog
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

var mscpFlaws = []flaw{
	{name: "none", exactly: true},
	{name: "the wrong role", sdp: replace("setup:passive", "setup:active"), exactly: true, fails: []string{"mscp/7.2.1/2"}},
	{name: "an existing connection", sdp: replace("connection:new", "connection:existing"), exactly: true, fails: []string{"mscp/7.2.1/3"}},
	{name: "no m-line for others", sdp: replaceRegexp("m=audio.*\r\n", ""), exactly: true, fails: []string{"mscp/7.2.1/8"}},
	{name: "another phrase", out: replace(" OK ", " Fine "), fails: []string{"mscp/7.2.2/1", "mscp/7.2.4/2"}},
	{name: "no Content-Type", out: replaceRegexp("Content-Type: application/mscp.*\r\nContent-L", "Content-L"), fails: []string{"mscp/7.2.2/1", "mscp/7.2.2/2"}},
	{name: "no version", out: replace(` version="1.0"`, ""), fails: []string{"mscp/3.2/2"}},
	{name: "no id in the XML", out: replaceRegexp(`<response id="[^"]*"`, "<response"), exactly: true, fails: []string{"mscp/3.2/5"}},
	{name: "an id in the XML", out: replace("<response>", `<response id="a">`), exactly: true, fails: []string{"mscp/3.2/4"}},
	{name: "no dialogid", out: replaceRegexp(`dialogid="[^"]*"`, `dialogue=""`), fails: []string{"mscp/4.1/1", "mscp/4.2/1", "mscp/4.2/2"}},
	{name: "one dialogid for all", out: replaceRegexp(`(errordialognotprepared) dialogid="[^"]*"`, `$1 dialogid="d"`), exactly: true, fails: []string{"mscp/4.1/8"}},
	{name: "no conferenceid", out: replaceRegexp(`(conferenced?[a-z]*) conferenceid="[^"]*"`, `$1`), fails: []string{"mscp/5.1/1", "mscp/5.2/1"}},
	{name: "other ids", out: replaceRegexp(`id1="conform-a"`, `id1="conform-z"`), exactly: true, fails: []string{"mscp/3.3/4", "mscp/5.3/2"}},
	{name: "a channel that outlives its dialog", lasting: true, fails: []string{"mscp/7.2.1/9", "mscp/7.2.1/11"}},
	{name: "no reasons", out: replace(" reason=", " because="), fails: []string{"mscp/2.1/1", "mscp/4.1/1", "mscp/4.2/1", "mscp/5.1/1", "mscp/5.2/1", "mscp/5.3/1", "mscp/5.4/1"}},
	{name: "everything is fine", out: replace(" 400 Bad Request ", " 200 OK "), fails: []string{"mscp/3.2/6", "mscp/3.2/7", "mscp/3.2/8", "mscp/3.3/1", "mscp/7.2.4/3"}},
	{name: "another namespace", out: replace("urn:ietf:mscp", "urn:ietf:params:xml:ns:mscp"), fails: []string{"mscp/3.2/2", "mscp/2.1/1"}},
	{name: "two responses", out: func(s string) string { return s + s }, fails: []string{"mscp/3.1/1", "mscp/7.2.4/1"}},
	{name: "another request-id", out: replaceRegexp(`^(MSCP.*)[0-9]\r\n`, "${1}0\r\n"), fails: []string{"mscp/7.2.3/1", "mscp/3.1/1"}},
	{name: "nothing is ever said", out: func(string) string { return "" }, fails: []string{"mscp/3.1/1", "mscp/7.2.1/5", "mscp/7.2.4/1"}},
}

// TestMSCPBroken runs all cases against media servers with one flaw each.
func TestMSCPBroken(t *testing.T) {
	for _, f := range mscpFlaws {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			checkFlaw(t, f, MSCP(MSCPTarget{SIP: brokenMS(t, f)}))
		})
	}
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
func (f flaw) change(with func(string) string, s string) string {
	if with == nil {
		return s
	}
	return with(s)
}

// brokenMS is a media server with a flaw, which can do nothing but refuse.
func brokenMS(t *testing.T, f flaw) string {
	t.Helper()
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{Invite: func(in *sipua.IncomingCall) {
		accept := func(sdp []byte) ([]byte, net.Listener, error) {
			m, err := mscp.ParseSDP(sdp)
			if err == nil {
				err = m.CheckOffer()
			}
			if err != nil {
				return nil, nil, err
			}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, nil, err
			}
			answer, err := m.Answer("127.0.0.1", ln.Addr().(*net.TCPAddr).Port).MarshalAnswer(sdp)
			return []byte(f.change(f.sdp, string(answer))), ln, err
		}
		answer, ln, err := accept(in.Body)
		if err != nil {
			_ = in.Reject(488, "")
			return
		}
		ended := make(chan struct{})
		in.OnReinvite(func(_ context.Context, offer []byte) ([]byte, error) {
			answer, ln, err := accept(offer)
			if err == nil {
				go serveBroken(t, f, ln, ended)
			}
			return answer, err
		})
		go serveBroken(t, f, ln, ended)
		if call, _, err := in.Answer(t.Context(), answer, sdpType); err == nil {
			<-call.Done()
		}
		if f.lasting {
			<-t.Context().Done()
		}
		close(ended)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	return ua.Addr()
}

func serveBroken(t *testing.T, f flaw, ln net.Listener, ended <-chan struct{}) {
	defer ln.Close()
	stop := context.AfterFunc(t.Context(), func() { ln.Close() })
	defer stop()
	c, err := ln.Accept()
	if err != nil {
		return
	}
	s := mscp.NewServer(&flawed{Conn: c, f: f}, mscp.NewMediaServer(mscp.MediaFunctions{}).Handle, mscp.Config{})
	defer s.Close()
	select {
	case <-ended:
	case <-t.Context().Done():
	case <-s.Done():
	}
}

// flawed is a connection on which something else is sent.
type flawed struct {
	net.Conn
	f    flaw
	mu   sync.Mutex
	rest []byte // the beginning of a PDU
}

func (c *flawed) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = append(c.rest, b...)
	// Bodies change in length, so Content-Length is made anew.
	var out strings.Builder
	for r := mscp.NewReader(bytes.NewReader(c.rest)); ; {
		if _, err := r.Read(); err != nil {
			break
		}
		c.rest = c.rest[len(r.Raw()):]
		s := c.f.change(c.f.out, bareReason.ReplaceAllString(string(r.Raw()), `$1<e:error xmlns:e="urn:conform" reason="$2"/></response>`))
		if head, body, ok := strings.Cut(s, "\r\n\r\n"); ok && strings.Count(s, "MSCP/1.0") == 1 {
			s = contentLength.ReplaceAllString(head, fmt.Sprintf("Content-Length: %d", len(body))) + "\r\n\r\n" + body
		}
		out.WriteString(s)
	}
	if _, err := io.WriteString(c.Conn, out.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// bareReason is the text of a 400 without an element around it.
var bareReason = regexp.MustCompile(`(<response[^<>/]*>)([^<>]+)</response>`)

var contentLength = regexp.MustCompile("Content-Length: [0-9]+")

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

// TestMSRPBroken runs all cases against peers with one flaw each.
func TestMSRPBroken(t *testing.T) {
	for _, f := range msrpFlaws {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			checkFlaw(t, f, MSRP(MSRPTarget{SIP: brokenMSRP(t, f)}))
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
