package msrp

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// rfcExamples are the examples of RFC 4975 as it prints them, by section, and
// what comes of each. 5.1 prints no paths; they are those of section 4. The
// RFC counts one or two bytes too many in most of them. 11.6 counts fewer
// bytes than there are, and the payload decides; "counted" has the right number.
var rfcExamples = map[string]struct {
	body    string   // the end of what the handler gets; "" if there is no message
	answers []string // codes, and the range of a success report
}{
	"4-overview":          {"Hey Bob, are you there?", []string{"200"}},
	"5.1-chunks":          {"abcdEFGH", []string{"200", "200"}},
	"11.1-basic":          {"Hi, I'm Alice!", []string{"200"}},
	"11.1-basic-back":     {"Hi, Alice!  I'm Bob!", []string{"200"}},
	"11.2-xhtml":          {"</html>", []string{"200"}},
	"11.4-chunked-cpim":   {"Content-Type: text/plain\r\n\r\nABCD1234567890", []string{"200", "200"}},
	"11.5-system":         {"This conference will end in 5 minutes", nil},
	"11.6-report":         {"</p>\r\n</body></html>", []string{"1-121/121"}},
	"11.6-report-counted": {"</p>\r\n</body></html>", []string{"1-121/121"}},
}

func TestRFCExamples(t *testing.T) {
	files, _ := filepath.Glob("testdata/rfc4975/*.txt")
	if len(files) != len(rfcExamples) {
		t.Fatalf("%d files", len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			wire, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all, err := readFrames(bytes.NewReader(wire))
			if err != io.EOF {
				t.Fatal(err)
			}
			for _, p := range all {
				if p.f.bad != "" || p.f.pathErr != nil {
					t.Fatalf("%v: %v, %v", p, p.f.bad, p.f.pathErr)
				}
				if b := reencode(p); !bytes.Contains(wire, b) && !sameLines(wire, b) {
					t.Errorf("written as\n%s", b)
				}
			}
			want := rfcExamples[name]
			playExample(t, all, want.body, want.answers)
		})
	}
}

// sameLines reports whether each line of b, but for a Failure-Report that says
// what is so anyway, is in wire.
func sameLines(wire, b []byte) bool {
	for _, l := range bytes.Split(b, []byte("\r\n")) {
		if string(l) != "Failure-Report: yes" && !bytes.Contains(wire, l) {
			return false
		}
	}
	return true
}

// playExample sends the SENDs, and a last one to see what came before it.
func playExample(t *testing.T, all []parsed, end string, answers []string) {
	l := testListener(t, Config{})
	h, ch := collect(1)
	to := all[0].f.to[0]
	if _, err := l.Accept(SessionConfig{Local: to, Remote: all[0].f.from, Handler: h}); err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, p := range all {
		if p.f.method == "SEND" {
			nc.Write(reencode(p))
		}
	}
	if end == "" {
		if g := next(t, ch); g.err == nil {
			t.Fatalf("taken: %q", g.body)
		}
	} else if g := next(t, ch); g.err != nil || !strings.HasSuffix(string(g.body), end) {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
	nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	fr := newFrameReader(nc)
	for i := 0; ; i++ {
		if i == len(answers) {
			fmt.Fprintf(nc, "MSRP last1234 SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: last\r\n-------last1234$\r\n", to, all[0].f.from)
		}
		f, err := fr.nextFrame()
		if err != nil {
			t.Fatal(err)
		}
		if f.tid == "last1234" && i == len(answers) {
			return
		}
		got := f.rng.String()
		if f.method == "" {
			got = fmt.Sprint(f.code)
		}
		if i >= len(answers) || got != answers[i] {
			t.Fatalf("got %v, want %v", parsed{f, ""}, answers)
		}
	}
}

// TestRFCDescriptions reads the session descriptions of the RFC. Those of
// sections 4 and 14.4 are printed without their session lines.
func TestRFCDescriptions(t *testing.T) {
	for name, want := range map[string]Media{
		"4-offer":          {Host: "atlanta.example.com", Port: 7654, AcceptTypes: []string{"text/plain"}},
		"4-answer":         {Host: "biloxi.example.com", Port: 12763, AcceptTypes: []string{"text/plain"}},
		"8.2-path":         {Host: "alice.example.com", Port: 7394, AcceptTypes: []string{"text/plain"}},
		"8.7-offer":        {Host: "alice.example.com", Port: 7394, AcceptTypes: []string{"message/cpim", "text/plain", "text/html"}},
		"8.7-answer":       {Host: "bob.example.com", Port: 8493, AcceptTypes: []string{"message/cpim", "text/plain"}},
		"11.1-offer":       {Host: "alicepc.example.com", Port: 7777, AcceptTypes: []string{"text/plain"}},
		"11.1-answer":      {Host: "bob.example.com", Port: 8888, AcceptTypes: []string{"text/plain"}},
		"14.4-fingerprint": {Host: "atlanta.example.com", Port: 7654, AcceptTypes: []string{"text/plain"}, TLS: true},
	} {
		b, err := os.ReadFile("testdata/rfc4975/" + name + ".sdp")
		if err != nil {
			t.Fatal(err)
		}
		m, err := ParseSDP(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Host != want.Host || m.Port != want.Port || m.TLS != want.TLS || len(m.Path) != 1 ||
			m.Path[0].Host != want.Host || m.Path[0].Port != want.Port || m.Path[0].Secure != want.TLS ||
			strings.Join(m.AcceptTypes, " ") != strings.Join(want.AcceptTypes, " ") || m.Setup != SetupNone {
			t.Errorf("%s: %+v", name, m)
		}
		if want.TLS && (len(m.Fingerprints) != 1 || !strings.HasPrefix(m.Fingerprints[0], "SHA-1 4A:AD:")) {
			t.Errorf("%s: %q", name, m.Fingerprints)
		}
		// What we write of it says the same.
		out, err := m.Offer()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseSDP(out); err != nil || back.Path.String() != m.Path.String() || back.Port != m.Port {
			t.Errorf("%s: %+v, %v", name, back, err)
		}
	}
}
