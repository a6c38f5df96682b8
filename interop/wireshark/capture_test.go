package wireshark

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/ladder"
)

// packets reads a capture file back: the captured and the full size of each
// packet.
func packets(t *testing.T, b []byte) (sizes [][2]int) {
	t.Helper()
	if len(b) < 24 || binary.LittleEndian.Uint32(b) != magic {
		t.Fatalf("no file header: %x", b[:min(len(b), 24)])
	}
	for b = b[24:]; len(b) > 0; {
		if len(b) < 16 {
			t.Fatal("a packet header is cut")
		}
		kept, full := int(binary.LittleEndian.Uint32(b[8:])), int(binary.LittleEndian.Uint32(b[12:]))
		if len(b) < 16+kept || kept > full {
			t.Fatalf("a packet of %d bytes has %d", kept, len(b)-16)
		}
		sizes = append(sizes, [2]int{kept, full})
		b = b[16+kept:]
	}
	return sizes
}

// TestCapture counts the packets of messages that are cut, large, and of both
// families.
func TestCapture(t *testing.T) {
	for _, test := range []struct {
		name     string
		src, dst string
		segment  int
		data     string
		size     int
		want     [][2]int // after the handshake
	}{
		{"one segment", "127.0.0.1:1", "127.0.0.1:2", 0, "hello", 0, [][2]int{{45, 45}}},
		{"three segments", "127.0.0.1:1", "127.0.0.1:2", 2, "hello", 0, [][2]int{{42, 42}, {42, 42}, {41, 41}}},
		{"cut", "127.0.0.1:1", "127.0.0.1:2", 4, "hello", 10, [][2]int{{44, 44}, {41, 44}, {40, 42}}},
		{"IPv6", "[::1]:1", "[::1]:2", 0, "hello", 0, [][2]int{{65, 65}}},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]:1", "127.0.0.1:2", 0, "hello", 0, [][2]int{{45, 45}}},
	} {
		var b bytes.Buffer
		c, err := NewCapture(&b)
		if err != nil {
			t.Fatal(err)
		}
		c.Segment = test.segment
		if err := c.TCP(time.Unix(1, 2), netip.MustParseAddrPort(test.src), netip.MustParseAddrPort(test.dst), []byte(test.data), test.size); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got := packets(t, b.Bytes())[3:]
		if len(got) != len(test.want) {
			t.Errorf("%s: %v, not %v", test.name, got, test.want)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%s: %v, not %v", test.name, got, test.want)
			}
		}
	}
	var b bytes.Buffer
	c, _ := NewCapture(&b)
	if err := c.TCP(time.Unix(1, 2), netip.MustParseAddrPort("[::1]:1"), netip.MustParseAddrPort("127.0.0.1:2"), nil, 1); err == nil {
		t.Error("an IPv6 and an IPv4 address are taken for a connection")
	}
}

// TestFill completes cut messages to their size, and leaves others alone.
func TestFill(t *testing.T) {
	const head = "MSRP a1 SEND\r\nByte-Range: 1-10/"
	for _, test := range []struct{ raw, full string }{
		{head + "10\r\n\r\n012", head + "10\r\n\r\n012.......\r\n-------a1$\r\n"},
		{head + "20\r\n\r\n012", head + "20\r\n\r\n012.......\r\n-------a1+\r\n"},
		{head + "10\r\n\r\n", head + "10\r\n\r\n..........\r\n-------a1$\r\n"},
		{"MSRP a1 200 OK\r\n-------a1$\r\n", "MSRP a1 200 OK\r\n-------a1$\r\n"},
	} {
		if got := fill(ladder.Message{Raw: test.raw, Size: len(test.full)}); got != test.full {
			t.Errorf("%q became %q", test.raw, got)
		}
	}
	huge := ladder.Message{Raw: head + "10\r\n\r\n", Size: 1 << 30}
	if got := fill(huge); got != huge.Raw {
		t.Errorf("a message of 1 GB is filled with %d bytes", len(got))
	}
}

// TestOverUDP reads the transport in the first Via.
func TestOverUDP(t *testing.T) {
	for raw, want := range map[string]bool{
		"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=1\r\nVia: SIP/2.0/TCP i\r\n\r\n": true,
		"INVITE sip:a@b SIP/2.0\r\nv : SIP/2.0/udp h\r\n\r\n":                                 true,
		"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nVia: SIP/2.0/UDP i\r\n\r\n":          false,
		"INVITE sip:a@b SIP/2.0\r\n\r\nVia: SIP/2.0/UDP h":                                    false,
		strings.Repeat("x", 100): false,
	} {
		if got := overUDP(ladder.Message{Protocol: "SIP", Raw: raw}); got != want {
			t.Errorf("%q: %v", raw, got)
		}
	}
}
