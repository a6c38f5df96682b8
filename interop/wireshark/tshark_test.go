package wireshark

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/ladder"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/mscp/mscptest"
)

// need skips the test without tshark, or fails it where peers are required.
func need(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("GOMSCP_REQUIRE_PEERS") == "1" {
			t.Fatal(err)
		}
		t.Skip("tshark is not installed")
	}
}

// tshark reads a capture with the dissector, and returns its output. Whatever
// the capture holds, the dissector itself must not fail.
func tshark(t *testing.T, pcap string, args ...string) string {
	t.Helper()
	cmd := exec.Command("tshark", append([]string{"-n", "-r", pcap, "-X", "lua_script:mscp.lua"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir()) // not the user's settings
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || strings.Contains(stderr.String(), ".lua") || bytes.Contains(out, []byte("Lua Error")) {
		t.Fatalf("tshark: %v\n%s\n%s", err, stderr.String(), grep(string(out), "Lua"))
	}
	return string(out)
}

func grep(s, word string) (found string) {
	for line := range strings.Lines(s) {
		if strings.Contains(line, word) {
			found += line
		}
	}
	return found
}

// An exchange is one connection: who sends what, in order.
type exchange struct {
	sent     [][]byte
	received []byte
}

// capture writes connections, one after the other, and returns the file.
func capture(t *testing.T, segment int, connections []exchange) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := NewCapture(f)
	if err != nil {
		t.Fatal(err)
	}
	c.Segment = segment
	at := time.Unix(1_800_000_000, 0)
	for i, x := range connections {
		us := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(20_000+i))
		them := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), 15_000)
		for _, b := range append(x.sent, x.received) {
			src, dst := us, them
			if len(x.received) > 0 && &b[0] == &x.received[0] {
				src, dst = them, us
			}
			if len(b) == 0 {
				continue
			}
			if err := c.TCP(at, src, dst, b, 0); err != nil {
				t.Fatal(err)
			}
			at = at.Add(time.Millisecond)
		}
	}
	return path
}

// pdu makes a PDU of a start line and a document.
func pdu(start, doc string) string {
	return fmt.Sprintf("%s\r\nContent-Type: application/mscp+xml\r\nContent-Length: %d\r\n\r\n%s", start, len(doc), doc)
}

const (
	restore  = `<mscp version="1.0" xmlns="urn:ietf:mscp"><request><RestoreMsg xmlns="urn:x-mscp:offline-message:1" from-uri="sip:a@b" to-uri="sip:c@d" connection-id="x;y;z"/></request></mscp>`
	restored = `<mscp version="1.0" xmlns="urn:ietf:mscp"><response><MsgRestored xmlns="urn:x-mscp:offline-message:1" from-uri="sip:a@b" to-uri="sip:c@d" connection-id="x;y;z"/></response></mscp>`
	exit     = `<mscp version="1.0" xmlns="urn:ietf:mscp"><notification><dialogexit dialogid="d1"/></notification></mscp>`
	parts    = "--b\r\nContent-Type: application/mscp+xml\r\n\r\n" + restore + "\r\n--b\r\nContent-Type: application/mscp+xml\r\n\r\n" + paper + "\r\n--b--\r\n"
	paper    = `<request><SendMsg from-uri='sip:a@b' to-uri='sip:c@d' connection-id='x;y;z'/></request>`
)

// columns are the fields that the vectors look at.
var columns = []string{
	"tcp.stream", "mscp.method", "mscp.status", "mscp.request_id", "mscp.container", "mscp.element", "mscp.connection_id",
	"mscp.dialog_id", "_ws.expert.message",
}

// vectors are what a peer may send, and the columns of what the dissector makes
// of it; of the last one, a part.
var vectors = []struct{ name, wire, want, expert string }{
	{"request", pdu("REQ MSCP/1.0 7", restore), "REQ||7|request|RestoreMsg|x;y;z|", ""},
	{"as in the grammar", strings.Replace(pdu("REQ MSCP/1.0  7", restore), "\r\n", "\r\n\r\n", 1), "REQ||7|request|RestoreMsg|x;y;z|", ""},
	{"response", pdu("MSCP/1.0 200 OK 7", restored), "|200|7|response|MsgRestored|x;y;z|", "not in the capture"},
	{"failure", pdu("MSCP/1.0 400 Bad Request 18446744073709551615", restored), "|400|18446744073709551615|response|MsgRestored|x;y;z|", "Request failed"},
	{"notification", pdu("NOTIF MSCP/1.0", exit), "NOTIF|||notification|dialogexit||d1", ""},
	{"as in the paper", pdu("REQ MSCP/1.0 1", paper), "REQ||1|request|SendMsg|x;y;z|", ""},
	{"two at once", pdu("REQ MSCP/1.0 1", restore) + pdu("REQ MSCP/1.0 2", paper), "REQ,REQ||1,2|request,request|RestoreMsg,SendMsg|x;y;z,x;y;z|", ""},
	{"ids that fall", pdu("REQ MSCP/1.0 5", paper) + pdu("REQ MSCP/1.0 4", paper), "REQ,REQ||5,4|request,request|SendMsg,SendMsg|x;y;z,x;y;z|", "does not increase"},
	{"multipart", strings.Replace(pdu("REQ MSCP/1.0 3", parts), "application/mscp+xml", "multipart/mixed; boundary=\"b\"", 1),
		"REQ||3|request,request|RestoreMsg,SendMsg|x;y;z,x;y;z|", ""},
	{"empty body", "REQ MSCP/1.0 1\r\nContent-Type: application/mscp+xml\r\nContent-Length: 0\r\n\r\n", "REQ||1||||", "no body"},
	{"another container", pdu("REQ MSCP/1.0 1", exit), "REQ||1|notification|dialogexit||d1", "in a PDU that is a request"},
	{"another type", "NOTIF MSCP/1.0\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi", "NOTIF||||||", "not application/mscp+xml"},
	{"id of letters", "REQ MSCP/1.0 a1\r\nContent-Length: 0\r\n\r\n", "||||||", "not of digits"},
	{"no length", "NOTIF MSCP/1.0\r\nContent-Type: application/mscp+xml\r\n\r\n", "NOTIF||||||", "no Content-Length"},
	{"lengths that differ", "NOTIF MSCP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "NOTIF||||||", "two Content-Lengths"},
	{"other version", "REQ MSCP/2.0 1\r\nContent-Length: 0\r\n\r\n", "||||||", "version is not"},
	{"endless headers", "NOTIF MSCP/1.0\r\n" + strings.Repeat("A: b\r\n", 40), "NOTIF||||||", "more than 32 headers"},
}

// TestTsharkVectors cuts each vector at every kind of place, and looks at what
// tshark says of it.
func TestTsharkVectors(t *testing.T) {
	need(t)
	connections := make([]exchange, len(vectors))
	for i, v := range vectors {
		connections[i].sent = [][]byte{[]byte(v.wire)}
	}
	for _, segment := range []int{20, 61, 1400} {
		args := []string{"-Y", "mscp", "-T", "fields", "-E", "separator=|"}
		for _, c := range columns {
			args = append(args, "-e", c)
		}
		got := byStream(tshark(t, capture(t, segment, connections), args...))
		for i, v := range vectors {
			row := got[fmt.Sprint(i)]
			if row == nil {
				t.Errorf("%s, segments of %d bytes: not taken for MSCP", v.name, segment)
				continue
			}
			if strings.Join(row[:len(row)-1], "|") != v.want || !strings.Contains(row[len(row)-1], v.expert) {
				t.Errorf("%s, segments of %d bytes:\n%q, not\n%q with %q", v.name, segment, row, v.want, v.expert)
			}
			if v.expert == "" && row[len(row)-1] != "" {
				t.Errorf("%s: it says %q", v.name, row[len(row)-1])
			}
		}
	}
}

// byStream joins the rows of each connection, column by column, and drops what
// the dissector of TCP has to say.
func byStream(out string) map[string][]string {
	streams := map[string][]string{}
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimRight(line, "\n"), "|")
		stream, f := f[0], f[1:]
		have := streams[stream]
		if have == nil {
			have = make([]string, len(f))
			streams[stream] = have
		}
		for i := range f {
			if i == len(f)-1 {
				f[i] = withoutTCP(f[i])
			}
			if f[i] != "" && have[i] != "" {
				have[i] += ","
			}
			have[i] += f[i]
		}
	}
	return streams
}

func withoutTCP(messages string) string {
	var kept []string
	for m := range strings.SplitSeq(messages, ",") {
		if m != "" && !strings.Contains(m, "onnection establish") {
			kept = append(kept, m)
		}
	}
	return strings.Join(kept, ",")
}

// TestTsharkSession has tshark read what a client and a server of ours say to
// each other.
func TestTsharkSession(t *testing.T) {
	need(t)
	peer, conn := mscptest.Pair(t)
	path := filepath.Join(t.TempDir(), "session.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := NewCapture(f)
	if err != nil {
		t.Fatal(err)
	}
	c.Segment = 100
	events := make(chan mscp.TraceEvent, 16)
	client := mscp.NewClient(conn, mscp.Config{Trace: func(e mscp.TraceEvent) { events <- e }})
	done := make(chan error, 1)
	go func() {
		for range 3 {
			if _, err := client.Do(t.Context(), &mscp.RestoreMsg{FromURI: "sip:a@b", ToURI: "sip:c@d", ConnectionID: "x;y;z"}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 3 {
		u, _ := peer.Next()
		peer.Respond(u.ID, mscp.StatusOK, &mscp.MsgRestored{FromURI: "sip:a@b", ToURI: "sip:c@d", ConnectionID: "x;y;z"})
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	client.Close()
	for range 6 {
		e := <-events
		src, dst := netip.MustParseAddrPort(e.Local.String()), netip.MustParseAddrPort(e.Remote.String())
		if !e.Sent {
			src, dst = dst, src
		}
		if err := c.TCP(e.Time, src, dst, e.Raw, 0); err != nil {
			t.Fatal(err)
		}
	}
	out := tshark(t, path, "-2", "-Y", "mscp", "-T", "fields", "-E", "separator=|",
		"-e", "frame.number", "-e", "mscp.request_in", "-e", "mscp.response_in", "-e", "mscp.element", "-e", "mscp.time")
	rows := strings.Split(strings.TrimSpace(out), "\n")
	if len(rows) != 6 {
		t.Fatalf("there are %d PDUs, not 6:\n%s", len(rows), out)
	}
	for i := 0; i < 6; i += 2 {
		req, resp := strings.Split(rows[i], "|"), strings.Split(rows[i+1], "|")
		if req[2] != resp[0] || resp[1] != req[0] || req[3] != "RestoreMsg" || resp[3] != "MsgRestored" || resp[4] == "" {
			t.Errorf("request and response do not point at each other:\n%v\n%v", req, resp)
		}
	}
}

// TestTsharkMutated feeds what is nearly MSCP: the dissector must neither fail
// nor hang.
func TestTsharkMutated(t *testing.T) {
	need(t)
	r := rand.New(rand.NewPCG(4975, 2006))
	var connections []exchange
	for range 600 {
		b := []byte(vectors[r.IntN(len(vectors))].wire + vectors[r.IntN(len(vectors))].wire)
		for range 1 + r.IntN(6) {
			at := r.IntN(len(b))
			switch r.IntN(4) {
			case 0:
				b[at] = byte(r.IntN(256))
			case 1:
				b = append(b[:at], b[min(len(b), at+1+r.IntN(20)):]...)
			case 2:
				b = append(b[:at:at], append([]byte("\r\n"), b[at:]...)...)
			case 3:
				b = b[:max(1, at)]
			}
			if len(b) == 0 {
				b = []byte("REQ ")
			}
		}
		b = append([]byte("REQ MSCP/1.0 "), b...) // so that the heuristic takes it
		connections = append(connections, exchange{sent: [][]byte{b[:len(b)/2+1], b[len(b)/2+1:]}, received: b})
	}
	for _, segment := range []int{50, 1400} {
		if out := tshark(t, capture(t, segment, connections), "-2", "-V"); strings.Count(out, "\nMedia Server Control Protocol") < len(connections) {
			t.Errorf("only %d of %d connections were taken for MSCP", strings.Count(out, "\nMedia Server Control Protocol"), len(connections))
		}
	}
}

// TestTsharkAnsweredTwice has both responses to a request in one packet.
func TestTsharkAnsweredTwice(t *testing.T) {
	need(t)
	path := capture(t, 1400, []exchange{{
		sent: [][]byte{[]byte(pdu("REQ MSCP/1.0 7", restore))}, received: []byte(strings.Repeat(pdu("MSCP/1.0 200 OK 7", restored), 2)),
	}})
	if out := tshark(t, path, "-2", "-Y", "mscp.answered_again && mscp.request_in"); strings.Count(out, "\n") != 1 {
		t.Errorf("it is not told:\n%s", tshark(t, path, "-V", "-Y", "mscp"))
	}
}

// TestTsharkTraces has tshark read the capture of trace files of a whole
// cluster: every message of the files is decoded as what it is, once.
func TestTsharkTraces(t *testing.T) {
	need(t)
	traces, err := filepath.Glob("../ladder/testdata/call/*.trace")
	if err != nil || len(traces) == 0 {
		t.Fatal(traces, err)
	}
	messages, _, err := ladder.Messages(t.Context(), traces, ladder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "traces.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, notes, err := WriteTraces(t.Context(), f, traces, ladder.Options{})
	if err != nil || len(notes) > 0 || n != len(messages) {
		t.Fatalf("%d of %d messages, %v, %v", n, len(messages), notes, err)
	}
	want := map[string]int{}
	for _, m := range messages {
		want[m.Protocol]++
	}
	for protocol, n := range want {
		out := tshark(t, path, "-Y", strings.ToLower(protocol))
		if got := strings.Count(out, "\n"); got != n {
			t.Errorf("tshark sees %d messages of %s, not %d:\n%s", got, protocol, n, out)
		}
	}
	if out := tshark(t, path, "-Y", "_ws.malformed || tcp.analysis.flags"); out != "" {
		t.Errorf("the capture is not clean:\n%s", out)
	}
}

// TestTsharkInfo has tshark read a request and a notification in SIP INFO. See the
// draft, section 7.1.
func TestTsharkInfo(t *testing.T) {
	need(t)
	path := filepath.Join(t.TempDir(), "info.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := NewCapture(f)
	if err != nil {
		t.Fatal(err)
	}
	a, b := netip.MustParseAddrPort("127.0.0.1:5080"), netip.MustParseAddrPort("127.0.0.1:5090")
	for i, body := range []string{restore, exit, "no XML"} {
		info := fmt.Sprintf("INFO sip:ms@127.0.0.1:5090 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\n"+
			"To: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: %d INFO\r\nContent-Type: application/mscp+xml\r\nContent-Length: %d\r\n\r\n%s", i, i+1, len(body), body)
		if err := c.UDP(time.Unix(int64(i), 0), a, b, []byte(info)); err != nil {
			t.Fatal(err)
		}
	}
	out := tshark(t, path, "-Y", "sip && mscp", "-T", "fields", "-E", "separator=|",
		"-e", "mscp.container", "-e", "mscp.element", "-e", "mscp.connection_id", "-e", "mscp.dialog_id", "-e", "_ws.expert.message")
	const want = "request|RestoreMsg|x;y;z||\nnotification|dialogexit||d1|\n||||the body is no mscp document\n"
	if out != want {
		t.Errorf("%s, not\n%s", out, want)
	}
}
