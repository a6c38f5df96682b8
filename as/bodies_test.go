package as

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/sipua"
)

// inviteWith writes an INVITE with a body as it may come from a client.
func (w *wire) inviteWith(callID, headers, body string) string {
	head, _, _ := strings.Cut(w.invite(callID, "<sip:alice@example.com>", ""), "Content-Type: ")
	return fmt.Sprintf("%s%sContent-Length: %d\r\n\r\n%s", head, headers, len(body), body)
}

// TestInviteWithLocation sends an offer and a location in a multipart: the media
// server gets the offer alone, as it came.
func TestInviteWithLocation(t *testing.T) {
	w, ms := newWire(t), newFakeMS(t)
	s := startAS(t, nil, ms)
	w.Send(s.Addr(), w.inviteWith("located", "Geolocation: <cid:loc@x>\r\nContent-Type: multipart/mixed;boundary=\"X1\"\r\n",
		"--X1\r\nContent-Type: application/sdp\r\n\r\n"+testOffer+"\r\n--X1\r\nContent-Type: application/pidf+xml\r\nContent-ID: <loc@x>\r\n\r\n<presence/>\r\n--X1--\r\n"))
	res := w.final()
	w.Send(s.Addr(), w.ack(res))
	if !strings.HasPrefix(res, "SIP/2.0 200") {
		t.Errorf("got %s", res)
	}
	ms.change(func(ms *fakeMS) {
		if len(ms.offers) != 1 || string(ms.offers[0]) != testOffer {
			t.Errorf("the media server got %q", ms.offers)
		}
	})
	go w.hangUp()
}

// TestInviteWithAnotherBody sends bodies that describe no session: no media server is
// asked.
func TestInviteWithAnotherBody(t *testing.T) {
	w, ms := newWire(t), newFakeMS(t)
	s := startAS(t, nil, ms)
	for i, headers := range []string{"Content-Type: text/plain\r\n", "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n"} {
		w.Send(s.Addr(), w.inviteWith(fmt.Sprint("other", i), headers, testOffer))
		res := w.final()
		w.Send(s.Addr(), w.ack(res))
		if !strings.HasPrefix(res, "SIP/2.0 415") || testutil.Field(res, "Accept") != "application/sdp" || (testutil.Field(res, "Accept-Encoding") == "identity") != (i == 1) {
			t.Errorf("%s: %s", headers, res)
		}
	}
	ms.change(func(ms *fakeMS) {
		if len(ms.offers) != 0 {
			t.Error("the media server was asked")
		}
	})
}

// TestPushAnswers has the recipient answer the push's INVITE: in a 183 with nothing in
// the 200, in a multipart, and with a body that describes no session. The media server
// gets the answer alone, in its ACK, or the refusal of its offer.
func TestPushAnswers(t *testing.T) {
	const answer = "v=0\r\no=- 3 3 IN IP4 192.0.2.8\r\ns=-\r\nc=IN IP4 192.0.2.8\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\na=path:msrp://192.0.2.8:9/u;tcp\r\n"
	multipart := "--X\r\nContent-Type: text/plain\r\n\r\nhello\r\n--X\r\nContent-Type: application/sdp\r\n\r\n" + answer + "\r\n--X--"
	for name, tc := range map[string]struct {
		early, kind, body string
		taken             bool
	}{
		"in the 183":        {answer, "", "", true},
		"in a multipart":    {"", "multipart/mixed;boundary=X", multipart, true},
		"not understood":    {"", "text/html", "<p>", false},
		"nothing":           {"", "", "", false},
		"not of the 1xx":    {"", "application/sdp;charset=utf-8", answer, true},
		"in both, the same": {answer, "application/sdp", answer, true},
	} {
		t.Run(name, func(t *testing.T) {
			proxy, ms := newWire(t), newFakeMS(t)
			ms.change(func(ms *fakeMS) {
				ms.onStore = func(in *sipua.IncomingCall) {
					if call, _, err := in.Answer(context.Background(), []byte(testAnswer), sdpType); err == nil {
						<-call.Done()
					}
				}
			})
			s := startAS(t, func(c *Config) { c.OutboundProxy = proxy.Addr() }, ms)
			pushed := make(chan error, 1)
			p := mailbox.Pair{Recipient: "sip:bob@example.com", Sender: "tel:+15551234", Server: s.cfg.MediaServers[0].Name}
			go func() { pushed <- s.push(testContext(t), p) }()
			invite, from := proxy.Next("INVITE")
			if !strings.Contains(testutil.Field(invite, "From"), "<tel:+15551234>") {
				t.Errorf("From: %s", testutil.Field(invite, "From"))
			}
			if tc.early != "" {
				proxy.reply(invite, from, "183 Session Progress", tc.early)
			}
			proxy.replyWith(invite, from, tc.kind, tc.body)
			proxy.Next("ACK")
			bye, from := proxy.Next("BYE")
			proxy.reply(bye, from, "200 OK", "")
			if err := <-pushed; (err == nil) != tc.taken || err != nil && mailbox.FaultOf(err).About != mailbox.AboutUser {
				t.Errorf("the push ended with %v", err)
			}
			waitFor(t, "the media server's BYE", func() bool { return ms.last("BYE") != "" })
			ack := ms.last("ACK") // by the trace: its BYE may overtake it
			switch _, got, _ := strings.Cut(ack, "\r\n\r\n"); {
			case tc.taken && got != answer:
				t.Errorf("the media server got %q", got)
			case !tc.taken && !strings.Contains(got, "m=message 0 "):
				t.Errorf("the media server's offer was answered with %q", got)
			}
		})
	}
}

// replyWith answers a request with 200 and a body of any type.
func (w *wire) replyWith(request, from, kind, body string) {
	w.T.Helper()
	if kind != "" {
		kind = "Content-Type: " + kind + "\r\n"
	}
	w.Send(from, fmt.Sprintf("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=wire\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:wire@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		testutil.Field(request, "Via"), testutil.Field(request, "From"), testutil.Field(request, "To"), testutil.Field(request, "Call-ID"), testutil.Field(request, "CSeq"), w.Addr(), kind, len(body), body))
}
