package testutil

import (
	"net"
	"strings"
	"testing"
	"time"
)

// TCPPair returns both ends of a connection over loopback. They are closed with the test.
func TCPPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if a, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// A SIPSocket is a UDP socket on which a test plays SIP by hand.
type SIPSocket struct {
	T *testing.T
	net.PacketConn
}

// NewSIPSocket opens a socket on loopback, which is closed with the test.
func NewSIPSocket(t *testing.T) SIPSocket {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return SIPSocket{t, c}
}

// Addr is the address of the socket, "host:port".
func (s SIPSocket) Addr() string { return s.LocalAddr().String() }

// Send sends a message.
func (s SIPSocket) Send(to, message string) {
	s.T.Helper()
	addr, err := net.ResolveUDPAddr("udp", to)
	if err == nil {
		_, err = s.WriteTo([]byte(message), addr)
	}
	if err != nil {
		s.T.Fatal(err)
	}
}

// Next returns the next message that begins with start, and its source.
func (s SIPSocket) Next(start string) (message, from string) {
	s.T.Helper()
	_ = s.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 65536)
	for {
		n, addr, err := s.ReadFrom(buf)
		if err != nil {
			s.T.Fatalf("waiting for %q: %v", start, err)
		}
		if strings.HasPrefix(string(buf[:n]), start) {
			return string(buf[:n]), addr.String()
		}
	}
}

// Field is the value of a header field of a message, "" without one.
func Field(message, name string) string {
	for line := range strings.SplitSeq(message, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
