package msrp

import (
	"context"
	"encoding/binary"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/msrp/msrptest"
)

// nameServer answers questions with what is there for "type name", each answer
// the data of one record. It tells what it was asked.
func nameServer(t *testing.T, records map[string][][]byte) (*net.Resolver, chan string) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	asked := make(chan string, 100)
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			question, end := readQuestion(buf[:n])
			asked <- question
			answers := records[question]
			reply := append([]byte(nil), buf[:end]...)
			reply[2], reply[3] = 0x84, 0 // an authoritative answer
			binary.BigEndian.PutUint16(reply[6:], uint16(len(answers)))
			clear(reply[8:12])
			if len(records[question]) == 0 {
				reply[3] = 3 // there is no such name
			}
			for _, data := range answers {
				reply = append(reply, 0xc0, 12)                    // the name asked for
				reply = append(reply, buf[end-4:end]...)           // type and class
				reply = binary.BigEndian.AppendUint32(reply, 3600) // time to live
				reply = binary.BigEndian.AppendUint16(reply, uint16(len(data)))
				reply = append(reply, data...)
			}
			pc.WriteTo(reply, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}, asked
}

// readQuestion gives "type name." and where the question ends.
func readQuestion(b []byte) (string, int) {
	at, name := 12, ""
	for b[at] != 0 {
		n := int(b[at])
		name += strings.ToLower(string(b[at+1:at+1+n])) + "."
		at += 1 + n
	}
	return strconv.Itoa(int(binary.BigEndian.Uint16(b[at+1:]))) + " " + name, at + 5
}

// srvRecord is the data of an SRV record.
func srvRecord(priority, port int, target string) []byte {
	b := []byte{0, byte(priority), 0, 1}
	b = binary.BigEndian.AppendUint16(b, uint16(port))
	for _, label := range strings.Split(target, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

// TestRelayByName: the best host of the domain does not answer, the next does.
func TestRelayByName(t *testing.T) {
	l := msrptest.Listen(t)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := gone.Addr().(*net.TCPAddr).Port
	gone.Close()
	loopback := [][]byte{{127, 0, 0, 1}}
	resolver, _ := nameServer(t, map[string][][]byte{
		"33 _msrp._tcp.example.com.": {srvRecord(20, l.Port(), "second.example.com"), srvRecord(10, dead, "first.example.com")},
		"1 first.example.com.":       loopback,
		"1 second.example.com.":      loopback,
	})
	opened := make(chan error, 1)
	go func() {
		r, err := OpenRelay(testCtx(t), Config{Logger: quiet, Resolver: resolver},
			RelayConfig{Relay: testURI(t, "msrp://example.com;tcp"), Local: testURI(t, "msrp://127.0.0.1:9/us;tcp")})
		if err == nil {
			r.Close()
		}
		opened <- err
	}()
	p := l.Accept()
	f := p.Next()
	if f.Method != "AUTH" || f.Get("To-Path") != "msrp://example.com;tcp" {
		t.Fatalf("got %+v", f)
	}
	answerAuth(p, f, "200 OK", "Use-Path: msrp://example.com:1/x;tcp")
	if err := next(t, opened); err != nil {
		t.Fatal(err)
	}
}

// TestRelayTargets: which names are asked for, and what is done without answers.
func TestRelayTargets(t *testing.T) {
	var many [][]byte
	for i := range maxRelayTargets + 3 {
		many = append(many, srvRecord(i, 1000+i, "h.example.com"))
	}
	for uri, want := range map[string]struct {
		asked   string
		targets []string
	}{
		"msrps://example.com;tcp":      {"33 _msrps._tcp.example.com.", []string{"a.example.com:9", "b.example.com:8"}},
		"msrp://example.com;tcp":       {"33 _msrp._tcp.example.com.", []string{"example.com:2855"}}, // it has none
		"msrps://example.com:1234;tcp": {"", []string{"example.com:1234"}},
		"msrps://127.0.0.1;tcp":        {"", []string{"127.0.0.1:2855"}},
		"msrps://[::1];tcp":            {"", []string{"[::1]:2855"}},
	} {
		resolver, asked := nameServer(t, map[string][][]byte{
			"33 _msrps._tcp.example.com.": {srvRecord(2, 8, "b.example.com"), srvRecord(1, 9, "a.example.com")},
		})
		if got := relayTargets(testCtx(t), resolver, testURI(t, uri)); strings.Join(got, " ") != strings.Join(want.targets, " ") {
			t.Errorf("%s: got %q, want %q", uri, got, want.targets)
		}
		got := ""
		if len(asked) > 0 {
			got = <-asked
		}
		if got != want.asked {
			t.Errorf("%s: asked for %q, want %q", uri, got, want.asked)
		}
	}
	resolver, _ := nameServer(t, map[string][][]byte{"33 _msrp._tcp.example.com.": many})
	if got := relayTargets(testCtx(t), resolver, testURI(t, "msrp://example.com;tcp")); len(got) != maxRelayTargets {
		t.Errorf("%d targets", len(got))
	}
}
