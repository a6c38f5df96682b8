package msrp

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// capture is what a stack in use put on the wire, and what answered it.
type capture struct {
	name string
	peer []byte // all the peer sent
	ours []byte // all that was sent to it
}

var (
	captureMark = regexp.MustCompile(`(?m)^#{4,5} (?:[\d.]+ )?(PEER SENT|WE SENT|UNPARSED REST|SENT|RECV)(?: [\d.]+)?(?: \((\d+) bytes\))?\n`)
	captureCut  = regexp.MustCompile(`\n\.\.\.\[(\d+) bytes cut\]\.\.\.\n`)
)

// captures reads testdata/captures. Where a body was cut out of a log it is
// filled up to the length noted.
func captures(t testing.TB) []capture {
	t.Helper()
	files, err := filepath.Glob("testdata/captures/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no captures", err)
	}
	var all []capture
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := capture{name: strings.TrimSuffix(filepath.Base(name), ".txt")}
		marks := captureMark.FindAllSubmatchIndex(raw, -1)
		for i, m := range marks {
			end := len(raw)
			if i+1 < len(marks) {
				end = marks[i+1][0]
			}
			part := raw[m[1]:end]
			part = captureCut.ReplaceAllFunc(part, func(b []byte) []byte {
				n, _ := strconv.Atoi(string(captureCut.FindSubmatch(b)[1]))
				return bytes.Repeat([]byte("x"), n)
			})
			if m[4] >= 0 {
				n, _ := strconv.Atoi(string(raw[m[4]:m[5]]))
				part = part[:min(n, len(part))]
			} else {
				part = bytes.TrimSuffix(part, []byte("\n")) // the blank line between two
			}
			switch string(raw[m[2]:m[3]]) {
			case "PEER SENT", "UNPARSED REST", "RECV":
				c.peer = append(c.peer, part...)
			default:
				c.ours = append(c.ours, part...)
			}
		}
		all = append(all, c)
	}
	return all
}

// expected are the answers in a capture that our side gives too, as short
// lines: responses by transaction, reports by message.
func (c capture) expected(t *testing.T) []string {
	t.Helper()
	all, err := readFrames(bytes.NewReader(c.ours))
	if err != io.EOF {
		t.Fatalf("%s: own side: %v", c.name, err)
	}
	return answers(all)
}

func answers(all []parsed) []string {
	var out []string
	for _, p := range all {
		switch {
		case p.f.code != 0:
			out = append(out, fmt.Sprintf("%s %d to %s from %s", p.f.tid, p.f.code, p.f.to, p.f.from))
		case p.f.method == "REPORT":
			out = append(out, fmt.Sprintf("REPORT %s %s %.7s to %s from %s", p.f.messageID, p.f.rng, p.f.status, p.f.to, p.f.from))
		}
	}
	sort.Strings(out)
	return out
}

// replay plays a capture's peer bytes in the given pieces to a listener, and
// returns what it answered and the messages its handler got.
func replay(t *testing.T, c capture, pieces [][]byte, answersWanted, messages int) ([]string, []got) {
	t.Helper()
	l := testListener(t, Config{})
	defer l.Close()
	h, ch := collect(10)
	if !strings.Contains(c.name, "481") {
		frames, _ := readFrames(bytes.NewReader(c.peer))
		var to URI
		var from Path
		for _, p := range frames {
			if p.f.method == "SEND" {
				to, from = p.f.to[0], p.f.from
				break
			}
		}
		if _, err := l.Accept(SessionConfig{Local: to, Remote: from, Handler: h}); err != nil {
			t.Fatal(err)
		}
	}
	near, far := net.Pipe()
	l.serveConn(near)
	defer far.Close()
	go func() {
		for _, p := range pieces {
			far.Write(p)
		}
	}()
	far.SetReadDeadline(time.Now().Add(10 * time.Second))
	fr := newFrameReader(far)
	var all []parsed
	for len(all) < answersWanted {
		f, err := fr.nextFrame()
		if err != nil {
			t.Fatalf("%s: after %d answers: %v", c.name, len(all), err)
		}
		g := *f
		all = append(all, parsed{&g, ""})
	}
	var msgs []got
	for range messages {
		msgs = append(msgs, next(t, ch))
	}
	return answers(all), msgs
}

func TestCaptures(t *testing.T) {
	bodies := map[string][]string{ // what each peer said
		"node-utf8":       {"h\u00e9llo--\u20acuro"},
		"msrplib-bind481": nil,
	}
	const thirty = "00000000Y`gnu|%,3:AHOV]dkry\")0"
	for _, c := range captures(t) {
		if c.name == "java-20000-10000" {
			continue // has no end, see TestCaptureWithoutEnd
		}
		t.Run(c.name, func(t *testing.T) {
			want, ok := bodies[c.name]
			if !ok {
				want = []string{thirty}
			}
			if c.name == "kamailio-bob" {
				frames, _ := readFrames(bytes.NewReader(c.peer))
				want = []string{frames[2].body, frames[3].body}
			}
			expected := c.expected(t)
			check := func(how string, pieces [][]byte) {
				t.Helper()
				ans, msgs := replay(t, c, pieces, len(expected), len(want))
				if strings.Join(ans, "\n") != strings.Join(expected, "\n") {
					t.Fatalf("%s: answered\n%s\nwant\n%s", how, strings.Join(ans, "\n"), strings.Join(expected, "\n"))
				}
				var bodies []string
				for _, g := range msgs {
					if g.err != nil {
						t.Fatalf("%s: %v", how, g.err)
					}
					bodies = append(bodies, string(g.body))
				}
				sort.Strings(bodies)
				if strings.Join(bodies, "|") != strings.Join(want, "|") {
					t.Fatalf("%s: got %q, want %q", how, bodies, want)
				}
			}
			check("coalesced", [][]byte{c.peer})
			var single [][]byte
			for i := range c.peer {
				single = append(single, c.peer[i:i+1])
			}
			check("one by one", single)
			for i := 1; i < len(c.peer); i++ {
				check(fmt.Sprintf("split at %d", i), [][]byte{c.peer[:i], c.peer[i:]})
			}
		})
	}
}

// The second chunk of this one has no end-line: the message is aborted when
// the connection ends. It is long, so it is split at each byte of its first
// heads, and at every 211th of the rest.
func TestCaptureWithoutEnd(t *testing.T) {
	for _, c := range captures(t) {
		if c.name != "java-20000-10000" {
			continue
		}
		replayWithoutEnd(t, c, 0)
		for i := 1; i < len(c.peer); i++ {
			if i < 800 || i%211 == 0 || i > len(c.peer)-20 {
				replayWithoutEnd(t, c, i)
			}
		}
		return
	}
	t.Fatal("no such capture")
}

func replayWithoutEnd(t *testing.T, c capture, split int) {
	t.Helper()
	l := testListener(t, Config{})
	defer l.Close()
	h, ch := collect(1)
	remote, _ := ParsePath("msrp://127.0.0.1:12989/alicesession1;tcp")
	if _, err := l.Accept(SessionConfig{Local: testURI(t, "msrp://127.0.0.1:12891/bobsession1;tcp"), Remote: remote, Handler: h}); err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	l.serveConn(near)
	defer far.Close()
	sent := make(chan bool)
	go func() {
		far.Write(c.peer[:split])
		far.Write(c.peer[split:])
		close(sent)
	}()
	far.SetReadDeadline(time.Now().Add(10 * time.Second))
	fr := newFrameReader(far)
	for range 2 {
		if f, err := fr.nextFrame(); err != nil || f.code != 200 {
			t.Fatalf("split at %d: %v, %v", split, f, err)
		}
	}
	<-sent
	far.Close()
	if g := next(t, ch); g.err == nil || g.m.Size != 20000 {
		t.Fatalf("split at %d: %d bytes, %v", split, len(g.body), g.err)
	}
}
