package ladder

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/gomscp/gomscp/internal/daemon"
)

var update = flag.Bool("update", false, "write the golden files")

// checkPrintable finds what could do something to a terminal.
func checkPrintable(t *testing.T, s string) {
	t.Helper()
	for i, c := range s {
		if c != '\n' && !unicode.IsPrint(c) {
			t.Fatalf("%q at %d of %q", c, i, s)
		}
	}
}

func checkXML(t *testing.T, s string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
	}
}

func traces(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/call/*.trace")
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	return files
}

// The Call-IDs of the two legs of alice's call in testdata/call.
func legs(t *testing.T) (outer, inner string) {
	t.Helper()
	outer = callID(t, "testdata/call/proxy.trace", "From: <sip:alice@example.com>")
	inner = callID(t, "testdata/call/ms2.trace", "m=message")
	if outer == "" || inner == "" || outer == inner {
		t.Fatalf("legs %q and %q", outer, inner)
	}
	return outer, inner
}

func callID(t *testing.T, file, with string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	records, _, _ := readAll(t, string(b))
	for _, r := range records {
		if strings.HasPrefix(r.Raw, "INVITE") && strings.Contains(r.Raw, with) {
			return header(r.Raw, "Call-ID")
		}
	}
	t.Fatalf("no INVITE with %q in %s", with, file)
	return ""
}

// TestGolden draws a message left and pushed, as the application server, the
// media servers and the proxy have traced it; the two phones have not.
func TestGolden(t *testing.T) {
	outer, _ := legs(t)
	for _, tc := range []struct {
		name string
		o    Options
	}{
		{"whole", Options{}},
		{"call", Options{Filter: Filter{Call: outer}, Bodies: true, Lanes: []string{"proxy", "as", "ms2"}}},
		{"mscp", Options{Filter: Filter{Protocols: []string{"MSCP"}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := Read(t.Context(), traces(t), tc.o)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tc.name+".txt", d.WriteText)
			golden(t, tc.name+".svg", d.WriteSVG)
		})
	}
}

func golden(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".svg") {
		checkXML(t, b.String())
	} else {
		checkPrintable(t, b.String())
	}
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("%s differs from what is drawn now; if that is right, run the test with -update:\n%s", path, b.String())
	}
}

// write makes a trace file of one node.
func write(t *testing.T, records ...daemon.TraceRecord) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	for _, r := range records {
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "a.trace")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func rec(ms int, node, protocol, direction, local, peer, raw string) daemon.TraceRecord {
	return daemon.TraceRecord{
		Time: at(ms), Node: node, Protocol: protocol, Direction: direction, Local: local, Peer: peer, Raw: raw, Size: len(raw),
	}
}

const (
	request  = "REQ MSCP/1.0 7\r\nContent-Length: 0\r\n\r\n"
	response = "MSCP/1.0 200 OK 7\r\nContent-Length: 0\r\n\r\n"
)

func read(t *testing.T, o Options, files ...string) *Diagram {
	t.Helper()
	d, err := Read(t.Context(), files, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// list is one line a row: from, to, label.
func list(d *Diagram) (lines []string) {
	for _, r := range d.Rows {
		lines = append(lines, fmt.Sprintf("%s>%s %s", d.Lanes[r.From], d.Lanes[r.To], r.Label))
	}
	return lines
}

func wantList(t *testing.T, d *Diagram, want ...string) {
	t.Helper()
	if got := list(d); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestMatch joins the two records of a message, and nothing else.
func TestMatch(t *testing.T) {
	const a, b, c = "10.0.0.1:1000", "10.0.0.2:2000", "10.0.0.3:3000"
	for _, tc := range []struct {
		name    string
		records []daemon.TraceRecord
		want    []string
	}{
		{"both ends", []daemon.TraceRecord{
			rec(1, "as", "MSCP", "sent", a, b, request), rec(2, "ms", "MSCP", "received", b, a, request),
		}, []string{"as>ms REQ ?"}},
		{"received was read first", []daemon.TraceRecord{
			rec(2, "ms", "MSCP", "received", b, a, request), rec(1, "as", "MSCP", "sent", a, b, request),
		}, []string{"as>ms REQ ?"}},
		{"the receiver listens on all hosts", []daemon.TraceRecord{
			rec(1, "as", "SIP", "sent", "[::]:1000", b, invite), rec(2, "ms", "SIP", "received", "0.0.0.0:2000", a, invite),
		}, []string{"as>ms INVITE [SDP]"}},
		{"an IPv4 address written as IPv6", []daemon.TraceRecord{
			rec(1, "as", "MSCP", "sent", "[::ffff:10.0.0.1]:1000", b, request), rec(2, "ms", "MSCP", "received", b, a, request),
		}, []string{"as>ms REQ ?"}},
		{"the same bytes on two channels", []daemon.TraceRecord{
			rec(1, "as", "MSCP", "sent", a, b, request), rec(2, "ms2", "MSCP", "received", c, a, request),
		}, []string{"as>10.0.0.2:2000 REQ ?", "as>ms2 REQ ?"}},
		{"sent twice, received once", []daemon.TraceRecord{
			rec(1, "as", "SIP", "sent", a, b, invite), rec(3, "as", "SIP", "sent", a, b, invite), rec(4, "ms", "SIP", "received", b, a, invite),
		}, []string{"as>ms INVITE [SDP]", "as>ms INVITE [SDP]"}},
		{"sent twice, received twice", []daemon.TraceRecord{
			rec(1, "as", "SIP", "sent", a, b, invite), rec(3, "as", "SIP", "sent", a, b, invite),
			rec(2, "ms", "SIP", "received", b, a, invite), rec(4, "ms", "SIP", "received", b, a, invite),
		}, []string{"as>ms INVITE [SDP]", "as>ms INVITE [SDP]"}},
		{"a body cut at different places", []daemon.TraceRecord{
			rec(1, "ua", "MSRP", "sent", a, b, "MSRP x SEND\r\nByte-Range: 1-3/3\r\n\r\nabc\r\n-------x$\r\n"),
			rec(2, "ms", "MSRP", "received", b, a, "MSRP x SEND\r\nByte-Range: 1-3/3\r\n\r\n"),
		}, []string{"ua>ms SEND 1-3/3"}},
		{"a node talks to itself", []daemon.TraceRecord{
			rec(1, "as", "SIP", "sent", a, a, invite), rec(2, "as", "SIP", "received", a, a, invite),
		}, []string{"as>as INVITE [SDP]"}},
		{"who has traced elsewhere is known", []daemon.TraceRecord{
			rec(1, "as", "MSCP", "sent", a, b, request), rec(2, "ms", "MSCP", "sent", b, a, response),
		}, []string{"as>ms REQ ?", "ms>as 200 ?"}},
	} {
		t.Run(tc.name, func(t *testing.T) { wantList(t, read(t, Options{}, write(t, tc.records...)), tc.want...) })
	}
}

// TestClocks draws a dialogue in its order whatever the clock of the second
// node says, and a message to a third that tells on which side of it.
func TestClocks(t *testing.T) {
	const a, b, c = "10.0.0.1:1", "10.0.0.2:2", "10.0.0.3:3"
	for _, skew := range []int{0, 1, -1, 400, -400, 3_600_000, -3_600_000} {
		t.Run(fmt.Sprint(skew, "ms"), func(t *testing.T) {
			as := []daemon.TraceRecord{
				rec(0, "as", "MSCP", "sent", a, b, request),
				rec(4, "as", "SIP", "sent", a, c, invite),
				rec(10, "as", "MSCP", "received", a, b, response),
				rec(11, "as", "SIP", "sent", a, c, "BYE sip:x SIP/2.0\r\nCSeq: 2 BYE\r\n\r\n"),
			}
			ms := []daemon.TraceRecord{
				rec(2+skew, "ms", "MSCP", "received", b, a, request),
				rec(8+skew, "ms", "MSCP", "sent", b, a, response),
			}
			d := read(t, Options{}, write(t, as...), write(t, ms...))
			wantList(t, d, "as>ms REQ ?", "as>10.0.0.3:3 INVITE [SDP]", "ms>as 200 ?", "as>10.0.0.3:3 BYE")
			if corrected := len(d.Clocks) > 0; corrected != (skew > 3 || skew < -3) {
				t.Errorf("clocks: %v", d.Clocks)
			}
			if want := 8 * time.Millisecond; len(d.Clocks) > 0 && d.Rows[2].Time.Sub(d.Start) != want {
				t.Errorf("the answer is drawn after %v, not %v", d.Rows[2].Time.Sub(d.Start), want)
			}
		})
	}
}

// TestClockChain corrects a node over another, one that only receives, and not
// one that nothing says anything about.
func TestClockChain(t *testing.T) {
	links := map[[2]string]link{
		{"a", "b"}: {10, 1002 * time.Millisecond}, {"b", "a"}: {10, -998 * time.Millisecond}, // b is 1 s ahead
		{"b", "c"}: {5, time.Millisecond}, {"c", "b"}: {5, time.Millisecond}, // and so is c
		{"c", "d"}: {1, -500 * time.Millisecond},
		{"y", "z"}: {1, time.Millisecond},
	}
	got := solve(links)
	want := map[string]time.Duration{
		"b": 0, "a": time.Second, "c": 0, "d": 500 * time.Millisecond, "y": 0, "z": 0,
	}
	for node, w := range want {
		if got[node] != w {
			t.Errorf("%s by %v, not %v", node, got[node], w)
		}
	}
	links[[2]string{"a", "b"}] = link{10, -time.Second} // both cannot be
	if got := solve(links); got["a"]-got["b"] != -time.Millisecond {
		t.Errorf("irreconcilable clocks: %v", got)
	}
}

// TestClockSet never draws a message after its reception, though a clock was
// set during the trace.
func TestClockSet(t *testing.T) {
	const a, b = "10.0.0.1:1", "10.0.0.2:2"
	var as, ms []daemon.TraceRecord
	for i, skew := range []int{0, 0, 5000, -5000} {
		raw := fmt.Sprintf("REQ MSCP/1.0 %d\r\n\r\n", i)
		as = append(as, rec(i*10_000, "as", "MSCP", "sent", a, b, raw))
		ms = append(ms, rec(i*10_000+skew+1, "ms", "MSCP", "received", b, a, raw))
	}
	for i := range 2 {
		raw := fmt.Sprintf("MSCP/1.0 200 OK %d\r\n\r\n", i)
		ms = append(ms, rec(i*10_000+5, "ms", "MSCP", "sent", b, a, raw))
		as = append(as, rec(i*10_000+6, "as", "MSCP", "received", a, b, raw))
	}
	x := newMatcher(false)
	for _, r := range append(as, ms...) {
		x.add(r)
	}
	newDiagram(x.messages, nil, Options{})
	for _, m := range x.messages {
		if m.at().After(m.to.time) {
			t.Errorf("%s is drawn at %v and received at %v", m.label, m.at(), m.to.time)
		}
	}
}

// TestCalls chooses a call by the Call-ID of either leg, by a connection-id, by
// protocol and by time.
func TestCalls(t *testing.T) {
	outer, inner := legs(t)
	whole := read(t, Options{}, traces(t)...)
	byOuter := read(t, Options{Filter: Filter{Call: outer}}, traces(t)...)
	byInner := read(t, Options{Filter: Filter{Call: inner}}, traces(t)...)
	byConnection := read(t, Options{Filter: Filter{Call: inner + ";x;y"}}, traces(t)...)
	wantList(t, byInner, list(byOuter)...)
	wantList(t, byConnection, list(byOuter)...)
	if len(byOuter.Rows) >= len(whole.Rows)/2 {
		t.Errorf("%d of %d rows belong to the call", len(byOuter.Rows), len(whole.Rows))
	}
	text := strings.Join(list(byOuter), "\n")
	for _, want := range []string{"proxy>as INVITE [SDP]", "as>ms2 INVITE [SDP]", "as>ms2 REQ RestoreMsg", "ms2>as 200 MsgRestored", ">ms2 SEND", "as>ms2 BYE"} {
		if strings.Count(text, want) < 1 {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	for _, not := range []string{"SendMsg", "SUBSCRIBE", "REGISTER", "[MSCP SDP]"} {
		if strings.Contains(text, not) {
			t.Errorf("%s is in\n%s", not, text)
		}
	}
	_, err := Read(t.Context(), traces(t), Options{Filter: Filter{Call: "nobody's"}})
	if err == nil || !strings.Contains(err.Error(), outer) {
		t.Errorf("the error for an unknown call names none: %v", err)
	}

	mscp := read(t, Options{Filter: Filter{Protocols: []string{"MSCP"}}}, traces(t)...)
	for _, r := range mscp.Rows {
		if r.Protocol != "MSCP" {
			t.Errorf("%s of %s", r.Label, r.Protocol)
		}
	}
	half := whole.Rows[len(whole.Rows)/2].Time.Sub(whole.Start)
	early := read(t, Options{Filter: Filter{Until: after(t, half.String())}}, traces(t)...)
	late := read(t, Options{Filter: Filter{From: after(t, half.String())}}, traces(t)...)
	exact := read(t, Options{Filter: Filter{From: after(t, whole.Start.Add(half).Format(time.RFC3339Nano))}}, traces(t)...)
	wantList(t, exact, list(late)...)
	// A message under way at that time is in both.
	if n := len(early.Rows) + len(late.Rows) - len(whole.Rows); n < 1 || n > 3 || len(early.Rows) < 10 || len(late.Rows) < 10 {
		t.Errorf("%d rows before and %d after, of %d", len(early.Rows), len(late.Rows), len(whole.Rows))
	}
}

func after(t *testing.T, s string) When {
	t.Helper()
	w, err := ParseWhen(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestUnanswered has an MSCP error, which names no connection, belong to the
// call of its request.
func TestUnanswered(t *testing.T) {
	const a, b = "10.0.0.1:1", "10.0.0.2:2"
	doc := `<mscp><request><join id1="conf;1" id2="C1&amp;2;f;t"/></request></mscp>`
	file := write(t,
		rec(0, "as", "SIP", "sent", a, b, "BYE sip:x SIP/2.0\r\ni: C1&2\r\nCSeq: 1 BYE\r\n\r\n"),
		rec(1, "as", "MSCP", "sent", a, b, "REQ MSCP/1.0 7\r\n\r\n"+doc),
		rec(2, "as", "MSCP", "received", a, b, "MSCP/1.0 400 Bad Request 7\r\n\r\n"),
		rec(3, "as", "MSCP", "received", a, b, "MSCP/1.0 400 Bad Request 8\r\n\r\n"),
	)
	d := read(t, Options{Filter: Filter{Call: "C1&2"}}, file)
	wantList(t, d, "as>10.0.0.2:2 BYE", "as>10.0.0.2:2 REQ join", "10.0.0.2:2>as 400 ?")
}

// TestErrors says where a file is broken, and what can be done.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	broken, twice := filepath.Join(dir, "broken"), filepath.Join(dir, "twice")
	if err := os.WriteFile(broken, []byte(good+"\nx\n"+good+"\n"+good[:50]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(broken, twice); err != nil {
		t.Skip(err)
	}
	for _, tc := range []struct {
		files []string
		o     Options
		want  string
	}{
		{[]string{broken}, Options{}, broken + ":2: no trace record"},
		{[]string{filepath.Join(dir, "absent")}, Options{}, "no such file"},
		{[]string{broken, twice}, Options{}, "are the same file"},
		{[]string{broken}, Options{Skip: true, Limit: 1}, "more than 1 messages are chosen"},
	} {
		_, err := Read(t.Context(), tc.files, tc.o)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: %v, not %q", tc.files, err, tc.want)
		}
	}
	d := read(t, Options{Skip: true}, broken)
	if len(d.Rows) != 2 || len(d.Notes) != 2 {
		t.Errorf("%d rows, notes %q", len(d.Rows), d.Notes)
	}
	for _, s := range []string{"", "12", "yesterday", "2026-01-02"} {
		if _, err := ParseWhen(s); err == nil {
			t.Errorf("%q is taken for a time", s)
		}
	}
}

// TestPrivate shows what users write to each other only if asked to.
func TestPrivate(t *testing.T) {
	const a, b = "10.0.0.1:1", "10.0.0.2:2"
	file := write(t,
		rec(0, "ua", "MSRP", "sent", a, b, "MSRP x1 SEND\r\nByte-Range: 1-6/6\r\nContent-Type: text/plain\r\n\r\nsecret\r\n-------x1$\r\n"),
		rec(1, "ua", "SIP", "sent", a, b, "MESSAGE sip:x SIP/2.0\r\nc: text/plain\r\n\r\nsecret\x1b[2J"),
	)
	for _, bodies := range []bool{false, true} {
		d := read(t, Options{Bodies: bodies}, file)
		var text, svg strings.Builder
		if err := errors.Join(d.WriteText(&text), d.WriteSVG(&svg)); err != nil {
			t.Fatal(err)
		}
		checkPrintable(t, text.String())
		checkXML(t, svg.String())
		want := 0
		if bodies {
			want = 2
		}
		if n, m := strings.Count(text.String(), "secret"), strings.Count(svg.String(), "secret"); n != want || m != want {
			t.Errorf("bodies %v: %d times in the text, %d in the SVG", bodies, n, m)
		}
		if bodies && strings.Contains(text.String(), "-------x1") {
			t.Error("the end-line is taken for the body")
		}
	}
}

// TestManyLanes has the addresses with the fewest messages share a lane, where
// each is told in the label.
func TestManyLanes(t *testing.T) {
	var records []daemon.TraceRecord
	for i := range 3 * MaxLanes {
		for range 1 + i/MaxLanes {
			records = append(records, rec(len(records), "as", "MSCP", "sent", "10.0.0.1:1", fmt.Sprintf("10.0.1.%d:2", i), request))
		}
	}
	d := read(t, Options{}, write(t, records...))
	if len(d.Lanes) != MaxLanes || !slices.Contains(d.Lanes, "others") || d.Messages != len(records) || len(d.Rows) != len(records) {
		t.Errorf("%d lanes, %d messages of %d", len(d.Lanes), d.Messages, len(records))
	}
	if got := list(d)[0]; got != "as>others REQ ? to 10.0.1.0:2" {
		t.Errorf("first is %q", got)
	}
	named := read(t, Options{Names: map[string]string{"10.0.1.0": "x", "10.0.1.1:2": "x"}}, write(t, records[:2]...))
	wantList(t, named, "as>x REQ ?", "as>x REQ ?")
}

// TestFold draws all chunks if asked to, and an answer that is no 200 always.
func TestFold(t *testing.T) {
	const a, b = "10.0.0.1:1", "10.0.0.2:2"
	var records []daemon.TraceRecord
	for i, r := range []string{"1-10/50", "11-20/50", "21-30/50", "31-40/50", "41-50/50"} {
		answer := "200 OK"
		if i == 2 {
			answer = "413 No"
		}
		records = append(records,
			rec(2*i, "ua", "MSRP", "sent", a, b, fmt.Sprintf("MSRP t%d SEND\r\nMessage-ID: m\r\nByte-Range: %s\r\n\r\n", i, r)),
			rec(2*i+1, "ua", "MSRP", "received", a, b, fmt.Sprintf("MSRP t%d %s\r\n\r\n", i, answer)))
	}
	d := read(t, Options{Lanes: []string{"ua", b}}, write(t, records...))
	wantList(t, d, "ua>10.0.0.2:2 SEND 1-10/50", "10.0.0.2:2>ua 200 OK", "ua>10.0.0.2:2 … 3 chunks …",
		"10.0.0.2:2>ua 413 No", "ua>10.0.0.2:2 SEND 41-50/50", "10.0.0.2:2>ua 200 OK")
	if d := read(t, Options{Chunks: true}, write(t, records...)); len(d.Rows) != len(records) {
		t.Errorf("%d rows of %d", len(d.Rows), len(records))
	}
	if d.Messages != len(records) {
		t.Errorf("%d messages of %d", d.Messages, len(records))
	}
}

// TestNothing draws a diagram without messages.
func TestNothing(t *testing.T) {
	d := read(t, Options{}, write(t))
	var text, svg strings.Builder
	if err := errors.Join(d.WriteText(&text), d.WriteSVG(&svg)); err != nil {
		t.Fatal(err)
	}
	checkXML(t, svg.String())
	if !strings.Contains(text.String(), "no messages") || !strings.Contains(svg.String(), "no messages") {
		t.Errorf("%s\n%s", text.String(), svg.String())
	}
}

// TestProgress tells how far a reading is, through both passes.
func TestProgress(t *testing.T) {
	line := good + "\n"
	path := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(path, []byte(strings.Repeat(line, 3*progressEvery/len(line))), 0o600); err != nil {
		t.Fatal(err)
	}
	var seen []int64
	o := Options{Filter: Filter{Protocols: []string{"SIP"}}, Progress: func(done, total int64) { seen = append(seen, done, total) }}
	read(t, o, path)
	if len(seen) < 4 || seen[0] >= seen[2] || seen[len(seen)-2] > seen[1] {
		t.Errorf("progress %v", seen)
	}
}
