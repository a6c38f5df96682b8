package msrp

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRFCExamples plays the exchanges after the examples of RFC 4975: they
// parse, come out of the writer as they went in, and their messages arrive.
func TestRFCExamples(t *testing.T) {
	files, _ := filepath.Glob("testdata/rfc4975/*.txt")
	if len(files) == 0 {
		t.Fatal("no vectors")
	}
	bodies := map[string]string{
		"4-overview":        "Hey Bob, are you there?",
		"5.1-chunks":        "abcdEFGH",
		"11.1-basic":        "Hi, I'm Alice!",
		"11.4-chunked-cpim": "1234567890",
		"11.3-html":         "</p>\r\n</body></html>",
		"11.6-report":       "</p>\r\n</body></html>",
		"7.1-keepalive":     "",
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
				if p.f.bad != nil || p.f.pathErr != nil {
					t.Fatalf("%v: %v, %v", p, p.f.bad, p.f.pathErr)
				}
				if b := reencode(p); !bytes.Contains(wire, b) && !sameLines(wire, b) {
					t.Errorf("written as\n%s", b)
				}
			}
			playExample(t, all, bodies[name])
		})
	}
}

// sameLines tells whether each line of b, but for a Failure-Report that says
// what is so anyway, is in wire.
func sameLines(wire, b []byte) bool {
	for _, l := range bytes.Split(b, []byte("\r\n")) {
		if string(l) != "Failure-Report: yes" && !bytes.Contains(wire, l) {
			return false
		}
	}
	return true
}

// playExample sends the SENDs to the first session named, and looks for the
// message's end and the success report.
func playExample(t *testing.T, all []parsed, end string) {
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
	answers, report := 0, ""
	for _, p := range all {
		if p.f.method == "SEND" && p.f.to[0].Equal(to) {
			nc.Write(reencode(p))
			if p.f.failureReport == FailureYes {
				answers++
			}
			if p.f.successReport {
				report = p.f.rng.String()
				answers++
			}
		}
	}
	nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	fr := newFrameReader(nc)
	for range answers {
		f, err := fr.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.method == "REPORT" && f.rng.String() != report || f.method == "" && f.code != 200 {
			t.Fatalf("got %v", parsed{f, ""})
		}
	}
	if end == "" {
		return
	}
	if g := next(t, ch); g.err != nil || !strings.HasSuffix(string(g.body), end) {
		t.Fatalf("got %q, %v", g.body, g.err)
	}
}
