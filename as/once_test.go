package as

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestStrangersGetOneAnswer sends INVITEs over UDP whose sender never acknowledges
// anything, as one does who forges the address of somebody else: each gets one
// datagram back, the challenge as well as the refusal. See RFC 3261, section
// 26.3.2.4.
func TestStrangersGetOneAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		configure func(*Config)
		want      string
	}{
		"challenge": {func(c *Config) {
			strangersOnly(c)
			c.Access.Users, c.Access.Realm = writeUsers(t, "alice:example.com:"+ha1("SHA-256", "alice", "secret")), "example.com"
		}, "SIP/2.0 401"},
		"refusal": {strangersOnly, "SIP/2.0 403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, w := startAS(t, tc.configure, newFakeMS(t)), newWire(t)
			invite := fmt.Sprintf("INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKonce\r\nMax-Forwards: 70\r\n"+
				"From: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.com>\r\nCall-ID: once\r\nCSeq: 1 INVITE\r\n"+
				"Contact: <sip:alice@%s>\r\nContent-Length: 0\r\n\r\n", w.Addr(), w.Addr())
			for range 2 { // one that is sent again is answered again
				w.Send(s.Addr(), invite)
				if first, _ := w.Next("SIP/2.0 4"); !strings.HasPrefix(first, tc.want) {
					t.Fatalf("answered %.60q", first)
				}
			}
			_ = w.PacketConn.SetReadDeadline(time.Now().Add(1200 * time.Millisecond)) // timer G fires after 500 ms
			buf := make([]byte, 65536)
			if n, _, err := w.PacketConn.ReadFrom(buf); err == nil {
				t.Errorf("more is sent: %.60q", buf[:n])
			}
		})
	}
}
