package ladder

import (
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
)

const invite = "INVITE sip:b@x SIP/2.0\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nm=message 9 TCP/MSRP *\r\n"

func TestLabel(t *testing.T) {
	for _, tc := range []struct{ protocol, raw, want string }{
		{"SIP", invite, "INVITE [SDP]"},
		{"SIP", strings.Replace(invite, "message 9", "message 0", 1), "INVITE [SDP refused]"},
		{"SIP", strings.Replace(invite, "message 9 TCP/MSRP", "application 9 TCP/MS", 1), "INVITE [MSCP SDP]"},
		{"SIP", "SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\n\r\n", "486 Busy Here"},
		{"SIP", "SIP/2.0 200 OK\r\nCSeq: 2 BYE\r\n\r\n", "200 to BYE"},
		{"SIP", "NOTIFY sip:a SIP/2.0\r\nCSeq: 1 NOTIFY\r\n\r\n<basic>open</basic>", "NOTIFY open"},
		{"SIP", "NOTIFY sip:a SIP/2.0\r\nCSeq: 1 NOTIFY\r\n\r\n", "NOTIFY closed"},
		{"MSCP", "REQ MSCP/1.0 1\r\n\r\n<mscp><request><RestoreMsg xmlns='x'/></request></mscp>", "REQ RestoreMsg"},
		{"MSCP", "MSCP/1.0 200 OK 1\r\n\r\n<mscp><response id='r'><o:MsgSended/></response></mscp>", "200 MsgSended"},
		{"MSRP", "MSRP a SEND\r\nByte-Range: 1-*/9\r\n", "SEND 1-*/9"},
		{"MSRP", "MSRP a 413 Too Much\r\n", "413 Too Much"},
		{"MSRP", "MSRP a REPORT\r\nStatus: 000 200 OK\r\n", "REPORT 000 200 OK"},
		{"SIP", "", "SIP ?"}, {"MSRP", "MSRP x", "MSRP ?"},
	} {
		if got := label(tc.protocol, tc.raw); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.raw, got, tc.want)
		}
	}
}

func FuzzLabel(f *testing.F) {
	f.Add("SIP", invite)
	f.Add("MSRP", "MSRP a SEND\r\nByte-Range: 1-2/3\r\n")
	f.Fuzz(func(t *testing.T, protocol, raw string) {
		label(protocol, raw)
		chunk(raw, len(raw))
	})
}

// TestDrawing draws messages that both ends have traced, out of order, and the
// chunks of a long one.
func TestDrawing(t *testing.T) {
	var out strings.Builder
	l := New(&out, "a", "b")
	l.Name("b:1", "b")
	start := time.Now()
	add := func(ms int, node, direction, protocol, local, peer, raw string) {
		l.Add(daemon.TraceRecord{
			Time: start.Add(time.Duration(ms) * time.Millisecond), Node: node, Protocol: protocol,
			Direction: direction, Local: local, Peer: peer, Raw: raw, Size: len(raw),
		})
	}
	add(2, "b", daemon.Sent, "SIP", "b:1", "a:1", "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n")
	add(1, "a", daemon.Sent, "SIP", "a:1", "b:1", invite)
	add(1, "b", daemon.Received, "SIP", "b:1", "a:1", invite)
	add(3, "a", daemon.Received, "SIP", "a:1", "z:1", "BYE sip:a SIP/2.0\r\nCSeq: 1 BYE\r\n\r\n") // from nobody that traces
	for i, r := range []string{"1-10/1000", "11-20/1000", "21-30/1000", "991-1000/1000"} {
		id := string(rune('p' + i))
		add(4+2*i, "a", daemon.Sent, "MSRP", "a:1", "b:1", "MSRP "+id+" SEND\r\nByte-Range: "+r+"\r\n")
		add(5+2*i, "b", daemon.Sent, "MSRP", "b:1", "a:1", "MSRP "+id+" 200 OK\r\n")
	}
	l.Flush()
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Trim(line[timeWidth:], " -|\n"))
	}
	want := []string{
		"INVITE [SDP]", "200 OK", "?", "SEND 1-10/1000", "200 OK", "… 2 chunks …", "SEND 991-1000/", "200 OK",
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines:\n%s", len(got), out.String())
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("line %d is %q, want %q", i, got[i], want[i])
		}
	}
	if l.Count != 11 {
		t.Errorf("%d messages are counted", l.Count)
	}
}
