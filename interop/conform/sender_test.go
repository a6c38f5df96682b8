package conform

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// ownEnds returns a user agent and a listener for MSRP of ours.
func ownEnds(t *testing.T) (*sipua.UA, *msrp.Listener) {
	t.Helper()
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	l, err := msrp.Listen("127.0.0.1:0", msrp.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return ua, l
}

// ownSender sends with packages msrp and sipua, as an application would.
func ownSender(t *testing.T, setup msrp.Setup) SenderTarget {
	t.Helper()
	ua, l := ownEnds(t)
	return SenderTarget{Listen: "127.0.0.1:0", Send: func(ctx context.Context, to, text string) error {
		local := l.NewURI("127.0.0.1")
		ours := msrp.Media{Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: []string{"text/plain"}, Setup: msrp.SetupActive}
		offer, err := ours.Offer()
		if err != nil {
			return err
		}
		offer = bytes.Replace(offer, []byte("a=setup:active"), []byte("a=setup:"+setup), 1)
		call, err := ua.Invite(ctx, sipua.InviteRequest{URI: to, From: ua.Contact(), To: to, Body: offer, ContentType: sdpType})
		if err != nil {
			return err
		}
		defer call.Bye(context.WithoutCancel(ctx))
		theirs, err := msrp.ParseSDP(call.RemoteBody())
		if err != nil {
			return err
		}
		cfg := msrp.SessionConfig{Local: local, Remote: theirs.Path, PeerAcceptTypes: theirs.AcceptTypes, PeerMaxSize: theirs.MaxSize}
		var session *msrp.Session
		if setup == msrp.SetupPassive { // before the runner connects
			if session, err = l.Accept(cfg); err != nil {
				return err
			}
		}
		if err := call.Ack(ctx, nil, ""); err != nil {
			return err
		}
		if session == nil {
			session, err = msrp.Dial(ctx, msrp.Config{Logger: slog.New(slog.DiscardHandler)}, cfg)
		}
		if err != nil {
			return err
		}
		defer session.Close()
		if _, err = session.Send(ctx, msrp.Message{ContentType: "text/plain", Body: strings.NewReader(text), Size: int64(len(text))}); err != nil {
			return err
		}
		select {
		case <-call.Done():
		case <-ctx.Done():
		}
		return nil
	}}
}

// TestMSRPSenderOwn runs all cases against our own sender.
func TestMSRPSenderOwn(t *testing.T) {
	for _, setup := range []msrp.Setup{msrp.SetupActive, msrp.SetupPassive} {
		t.Run(string(setup), func(t *testing.T) {
			cases, end := MSRPSender(ownSender(t, setup))
			defer end()
			results, err := Run(t.Context(), cases, Options{Timeout: 3 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if r.Outcome == Failed || r.Outcome == Skipped && (setup == msrp.SetupActive || r.ID != "msrp-sender/5.4/1") {
					t.Errorf("%s: %s\n%s", r.ID, r.Detail, r.Wire)
				}
			}
		})
	}
}

// senderFaults are what a sender does wrong, and the strict case that notices it first.
var senderFaults = []struct {
	name, fails string
	frame, sdp  func(string) string
	text        func(string) string // changes what is sent
	written     func(string) string // changes what the sender gets
}{
	{name: "the first request is a REPORT", fails: "msrp-sender/5.4/1", frame: func(f string) string {
		if !strings.Contains(f, "Content-Type:") {
			return strings.Replace(f, " SEND\r\n", " REPORT\r\n", 1)
		}
		return f
	}},
	{name: "another From-Path", fails: "msrp-sender/7.1/1", frame: func(f string) string {
		if strings.Contains(f, "Content-Type:") {
			return strings.Replace(f, "From-Path: msrp://127.0.0.1", "From-Path: msrp://127.0.0.2", 1)
		}
		return f
	}},
	{name: "long bodies without Byte-Range", fails: "msrp-sender/7.1/2", frame: func(f string) string {
		if len(f) > 2048 {
			return replaceRegexp("Byte-Range: .*\r\n", "")(f)
		}
		return f
	}},
	{name: "what looks like an end is one", fails: "msrp-sender/7.1/3", text: func(s string) string {
		if strings.HasPrefix(s, "-------") {
			s, _, _ = strings.Cut(s, "$")
		}
		return s
	}},
	{name: "ASCII alone", fails: "msrp-sender/9/1", text: replace("\u00e9", "e")},
	{name: "each chunk is a message", fails: "msrp-sender/7.1.1/1", frame: func(f string) string {
		if m := rangeOf.FindStringSubmatch(f); m != nil && m[1] != "1" {
			return strings.Replace(f, "Message-ID: ", "Message-ID: x", 1)
		}
		return f
	}},
	{name: "chunks that cannot be interrupted", fails: "msrp-sender/7.1.1/2", frame: func(f string) string {
		_, body, _ := strings.Cut(f, "\r\n\r\n")
		body = body[:max(0, strings.LastIndex(body, "\r\n-------"))]
		if m := rangeOf.FindStringSubmatch(f); m != nil && m[2] == "*" {
			start, _ := strconv.Atoi(m[1])
			return strings.Replace(f, m[0], fmt.Sprintf("Byte-Range: %d-%d/", start, start+len(body)-1), 1)
		}
		return f
	}},
	{name: "reports are answered", fails: "msrp-sender/7.1.2/1", frame: func(f string) string {
		if strings.HasPrefix(f, "MSRP conformr 200") {
			return f + strings.ReplaceAll(f, "conformr", "conforms")
		}
		return f
	}},
	{name: "a refusal is not heeded", fails: "msrp-sender/10.5/1", written: replace(" 413 Too Large", " 200 OK")},
	{name: "blanks behind the m-line", fails: "msrp-sender/8.1/1", sdp: replace("TCP/MSRP *", "TCP/MSRP *  ")},
	{name: "the port of another", fails: "msrp-sender/8.1/2", sdp: replaceRegexp("m=message [0-9]+", "m=message 2856")},
	{name: "two paths", fails: "msrp-sender/8.2/1", sdp: replaceRegexp("(a=path:.*\r\n)", "$1$1")},
	{name: "no accept-types", fails: "msrp-sender/8.6/1", sdp: replaceRegexp("a=accept-types:.*\r\n", "")},
}

var rangeOf = regexp.MustCompile(`Byte-Range: ([0-9]+)-([0-9*]+)/`)

// TestMSRPSenderFaults has each fault noticed first by its case.
func TestMSRPSenderFaults(t *testing.T) {
	of := map[string]bool{}
	for _, f := range senderFaults {
		of[f.fails] = true
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			target := ownSender(t, msrp.SetupActive)
			if send := target.Send; f.text != nil {
				target.Send = func(ctx context.Context, to, text string) error { return send(ctx, to, f.text(text)) }
			}
			b := &senderBench{target: target, spoilSDP: f.sdp}
			b.wrap = func(c net.Conn) net.Conn {
				if f.written != nil {
					c = spoiledWrites{c, f.written}
				}
				if f.frame != nil {
					c = spoiledReads(c, f.frame)
				}
				return c
			}
			defer b.close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var found Result
			_, _ = Run(ctx, strict(b.cases()), Options{Timeout: 20 * time.Second, OnResult: func(r Result) {
				if r.Outcome == Failed {
					found = r
					cancel()
				}
			}})
			if found.ID != f.fails {
				t.Errorf("%q is the first to notice it, not %s: %s", found.ID, f.fails, found.Detail)
			}
		})
	}
	cases, end := MSRPSender(SenderTarget{})
	defer end()
	for _, c := range strict(cases) {
		if !of[c.ID] {
			t.Errorf("no fault is for %s", c.ID)
		}
	}
}

// spoiledWrites is a connection on which something else goes.
type spoiledWrites struct {
	net.Conn
	with func(string) string
}

func (s spoiledWrites) Write(b []byte) (int, error) {
	_, err := io.WriteString(s.Conn, s.with(string(b)))
	return len(b), err
}

// spoiledReads is a connection on which something else comes, frame by frame.
func spoiledReads(c net.Conn, with func(string) string) net.Conn {
	r, w := io.Pipe()
	go func() {
		endLine := ""
		spoil(w, c, func(line string) bool {
			if rest, ok := strings.CutPrefix(line, "MSRP "); ok && endLine == "" {
				tid, _, _ := strings.Cut(rest, " ")
				endLine = "-------" + tid
			}
			if endLine == "" || !strings.HasPrefix(line, endLine) {
				return false
			}
			endLine = ""
			return true
		}, with)
		w.Close()
	}()
	return piped{c, r}
}

// piped reads from elsewhere.
type piped struct {
	net.Conn
	r io.Reader
}

func (p piped) Read(b []byte) (int, error) { return p.r.Read(b) }
