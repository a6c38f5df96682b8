//go:build linux

package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// TestCallerWhoNeverAcknowledges takes the 200 and says no more: it is repeated for
// 32 s, and then both legs are ended. See RFC 3261, section 13.3.1.4.
func TestCallerWhoNeverAcknowledges(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 32 s")
	}
	t.Parallel()
	e := newEnv(t, envOptions{})
	c, err := net.Dial("udp", e.cluster.AS.SIP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\na=accept-types:*\r\na=path:msrp://127.0.0.1:9/x;tcp\r\na=setup:active\r\n"
	if _, err := fmt.Fprintf(c, "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKnever\r\nMax-Forwards: 70\r\nFrom: <%s>;tag=a\r\nTo: <%s>\r\n"+
		"Call-ID: never\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		bob, c.LocalAddr(), alice, bob, c.LocalAddr(), len(sdp), sdp); err != nil {
		t.Fatal(err)
	}
	began, answers := time.Now(), 0
	_ = c.SetReadDeadline(began.Add(60 * time.Second))
	buf := make([]byte, 65536)
	for {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("no BYE after %d answers: %v", answers, err)
		}
		switch m := string(buf[:n]); {
		case strings.HasPrefix(m, "SIP/2.0 200"):
			if answers++; answers == 1 && e.metric(e.cluster.MS[0], "mscp_mediaserver_store_sessions") != "1" {
				t.Error("the media server has no session")
			}
			continue
		case !strings.HasPrefix(m, "BYE "):
			continue
		}
		break
	}
	if took := time.Since(began); took < 31*time.Second || took > 40*time.Second || answers < 10 {
		t.Errorf("a BYE after %v and %d answers", took, answers)
	}
	var via, rest string
	for line := range strings.SplitSeq(string(buf), "\r\n") {
		for _, name := range []string{"From:", "To:", "Call-ID:", "CSeq:"} {
			if strings.HasPrefix(line, name) {
				rest += line + "\r\n"
			}
		}
		if strings.HasPrefix(line, "Via:") {
			via += line + "\r\n"
		}
	}
	if _, err := fmt.Fprintf(c, "SIP/2.0 200 OK\r\n%s%sContent-Length: 0\r\n\r\n", via, rest); err != nil {
		t.Fatal(err)
	}
	e.atRest()
}
