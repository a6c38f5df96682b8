package as

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/sipua"
)

// TestInviteFault checks what each final response to a push's INVITE says something
// about.
func TestInviteFault(t *testing.T) {
	type meaning struct {
		about mailbox.Scope
		never bool
	}
	want := map[int]meaning{}
	for code := 300; code < 700; code++ {
		want[code] = meaning{mailbox.AboutUser, false}
	}
	for m, codes := range map[meaning][]int{
		{mailbox.AboutSender, true}:  {403, 433, 436, 437, 438, 607, 608},
		{mailbox.AboutSender, false}: {486, 603},
		{mailbox.AboutOffer, true}:   {406, 413, 415, 420, 421, 488, 493, 513, 606},
		{mailbox.AboutUser, true}:    {405, 410, 414, 416, 484, 485, 501, 505, 604},
		{mailbox.AboutUser, false}:   {301, 302, 400, 401, 404, 407, 408, 480, 481, 482, 483, 487, 491, 500, 502, 503, 504, 600},
	} {
		for _, code := range codes {
			want[code] = m
		}
	}
	for code, m := range want {
		f := mailbox.FaultOf(inviteFault(&sipua.StatusError{Code: code}))
		if (meaning{f.About, f.Never}) != m || f.After != 0 {
			t.Errorf("%d: %+v, want %+v", code, f, m)
		}
		if outcome(inviteFault(&sipua.StatusError{Code: code})) != "recipient" {
			t.Errorf("%d counts as %s", code, outcome(inviteFault(&sipua.StatusError{Code: code})))
		}
	}
	if f := mailbox.FaultOf(inviteFault(errors.New("no answer"))); f.About != mailbox.AboutUser || f.Never {
		t.Errorf("no answer: %+v", f)
	}
	if f := mailbox.FaultOf(fmt.Errorf("INVITE to the media server: %w", &sipua.StatusError{Code: 488})); f.About != mailbox.AboutServer || f.Never {
		t.Errorf("a media server's 488: %+v", f)
	}
}

// TestPushIsRefusedForAWhile has a proxy answer the push's INVITE with a Retry-After,
// on the wire.
func TestPushIsRefusedForAWhile(t *testing.T) {
	for status, want := range map[string]mailbox.Fault{
		"480 Temporarily Unavailable\r\nRetry-After: 90 (in a meeting);duration=60": {About: mailbox.AboutUser, After: 90 * time.Second},
		"486 Busy Here\r\nRetry-After: 7":                                           {About: mailbox.AboutSender, After: 7 * time.Second},
		"503 Service Unavailable\r\nRetry-After: 99999999":                          {About: mailbox.AboutUser, After: time.Hour},
		"603 Decline\r\nRetry-After: 30":                                            {About: mailbox.AboutSender, After: 30 * time.Second},
		"607 Unwanted\r\nRetry-After: tomorrow":                                     {About: mailbox.AboutSender, Never: true},
		"488 Not Acceptable Here":                                                   {About: mailbox.AboutOffer, Never: true},
	} {
		proxy, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer proxy.Close()
		go func() {
			buf := make([]byte, 65536)
			for {
				n, from, err := proxy.ReadFrom(buf)
				if err != nil {
					return
				}
				head, _, _ := strings.Cut(string(buf[:n]), "\r\n\r\n")
				if !strings.HasPrefix(head, "INVITE ") {
					continue
				}
				answer := "SIP/2.0 " + status + "\r\n"
				for line := range strings.SplitSeq(head, "\r\n") {
					switch name, _, _ := strings.Cut(line, ":"); name {
					case "To":
						answer += line + ";tag=x\r\n"
					case "Via", "From", "Call-ID", "CSeq":
						answer += line + "\r\n"
					}
				}
				_, _ = proxy.WriteTo([]byte(answer+"Content-Length: 0\r\n\r\n"), from)
			}
		}()
		m := newFakeMS(t)
		s := startAS(t, func(c *Config) { c.OutboundProxy = proxy.LocalAddr().String() }, m)
		err = s.push(testContext(t), mailbox.Pair{Recipient: testRecipient, Sender: "sip:alice@example.com", Server: m.ua.Addr()})
		if f := mailbox.FaultOf(err); f.About != want.About || f.Never != want.Never || f.After != want.After {
			t.Errorf("%q: %+v (%v), want %+v", status, f, err, want)
		}
	}
}
