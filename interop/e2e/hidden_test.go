package e2e

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/sipua"
)

// hiddenHost is the media server's, and nobody else's.
const hiddenHost = "127.0.0.2"

// TestNoMediaServerInSIP reads the headers of all SIP that the application server
// exchanges with anybody but the media server, in store and push sessions that
// succeed and fail: the media server's host is in none. It may be in bodies, which
// tell the user agents where their MSRP goes.
func TestNoMediaServerInSIP(t *testing.T) {
	if l, err := net.Listen("tcp", hiddenHost+":0"); err != nil {
		t.Skipf("there is one loopback address only: %v", err)
	} else {
		l.Close()
	}
	var mu sync.Mutex
	var outside []daemon.TraceRecord
	hide := func(addr *string) {
		_, port, err := net.SplitHostPort(*addr)
		if err != nil {
			t.Fatal(err)
		}
		*addr = net.JoinHostPort(hiddenHost, port)
	}
	e := newEnv(t, envOptions{
		configMS: func(_ int, c *ms.Config) {
			hide(&c.SIP.Listen)
			hide(&c.MSRP.Listen)
		},
		onTrace: func(r daemon.TraceRecord) {
			if r.Node == "as" && r.Protocol == "SIP" && !strings.HasPrefix(r.Peer, hiddenHost+":") {
				mu.Lock()
				defer mu.Unlock()
				outside = append(outside, r)
			}
		},
	})
	e.leave(alice, bob, "one")
	busy := 0
	b := newInbox()
	e.register(softphone.Config{User: bob, OnMessage: b.take, AnswerCall: func(context.Context, *sipua.IncomingCall) int {
		mu.Lock()
		defer mu.Unlock()
		if busy++; busy == 1 {
			return 486
		}
		return 200
	}}, b)
	b.want(t, alice+" one")
	e.wantKept(0)
	if err := e.cluster.Stop(); err != nil { // with the ends of all dialogs
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	sent := map[string]int{}
	for _, r := range outside {
		head, body, _ := strings.Cut(r.Raw, "\r\n\r\n")
		if strings.Contains(head, hiddenHost) {
			t.Errorf("%s to or from %s tells of the media server:\n%s", r.Direction, r.Peer, head)
		}
		if strings.Contains(body, hiddenHost) {
			sent["body with the host"]++ // so it would have been found
		}
		if r.Direction == daemon.Sent {
			sent[what(head)]++
		}
	}
	for _, want := range []string{"SUBSCRIBE", "INVITE", "ACK", "BYE", "200 INVITE", "200 BYE", "200 NOTIFY", "body with the host"} {
		if sent[want] == 0 {
			t.Errorf("no %s among what was sent: %v", want, sent)
		}
	}
}

// what is the method of a request, or the code and method of a response.
func what(head string) string {
	first, _, _ := strings.Cut(head, " ")
	if first != "SIP/2.0" {
		return first
	}
	code := strings.Fields(head)[1]
	for line := range strings.SplitSeq(head, "\r\n") {
		if cseq, ok := strings.CutPrefix(line, "CSeq: "); ok {
			_, method, _ := strings.Cut(cseq, " ")
			return code + " " + method
		}
	}
	return code
}
