package sipua

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// A rawPeer is a UDP socket that a test plays SIP on by hand.
type rawPeer struct {
	testutil.SIPSocket
	t *testing.T
}

func newRawPeer(t *testing.T) *rawPeer {
	t.Helper()
	return &rawPeer{testutil.NewSIPSocket(t), t}
}

// next returns the next message that begins with start.
func (p *rawPeer) next(start string) string {
	message, _ := p.Next(start)
	return message
}

// response answers a request that the peer has received.
func (p *rawPeer) response(request, status, toTag, more string) string {
	return p.responseAs(request, status, toTag, more, p.Addr())
}

// responseAs is response with another address in its Contact.
func (p *rawPeer) responseAs(request, status, toTag, more, contact string) string {
	to := testutil.Field(request, "To")
	if toTag != "" && !strings.Contains(to, "tag=") {
		to += ";tag=" + toTag
	}
	return fmt.Sprintf("SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:peer@%s>\r\n%sContent-Length: 0\r\n\r\n",
		status, testutil.Field(request, "Via"), testutil.Field(request, "From"), to, testutil.Field(request, "Call-ID"), testutil.Field(request, "CSeq"), contact, more)
}

// request makes a request from the peer.
func (p *rawPeer) request(method, callID, fromTag, to, more string) string {
	return fmt.Sprintf("%s sip:test@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%s%d\r\nMax-Forwards: 70\r\nFrom: <sip:peer@example.com>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 %s\r\nContact: <sip:peer@%s>\r\n%s\r\n",
		method, p.Addr(), callID, method, time.Now().UnixNano(), fromTag, to, callID, method, p.Addr(), more)
}

// TestRepeated2xx answers an INVITE, and again and again: each gets the same
// ACK. Another 2xx, as from the other branch of a fork, gets an ACK and a BYE.
func TestRepeated2xx(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	calls := make(chan *Call, 1)
	go func() {
		call, err := ua.Invite(testContext(t), InviteRequest{URI: "sip:peer@" + p.Addr(), From: "sip:a@example.com", To: "sip:peer@example.com"})
		if err != nil {
			t.Error(err)
			close(calls)
			return
		}
		if err := call.Ack(testContext(t), []byte("answer"), sdpType); err != nil {
			t.Error(err)
		}
		calls <- call
	}()
	invite := p.next("INVITE")
	p.Send(ua.Addr(), p.response(invite, "200 OK", "one", ""))
	first := p.next("ACK")
	call := <-calls
	for range 3 {
		p.Send(ua.Addr(), p.response(invite, "200 OK", "one", ""))
		again := p.next("ACK")
		if testutil.Field(again, "CSeq") != testutil.Field(first, "CSeq") || !strings.HasSuffix(again, "\r\n\r\nanswer") {
			t.Errorf("the repeated ACK is another:\n%s\n%s", first, again)
		}
	}
	p.Send(ua.Addr(), p.response(invite, "200 OK", "two", ""))
	if ack := p.next("ACK"); !strings.Contains(testutil.Field(ack, "To"), "tag=two") {
		t.Errorf("the fork's ACK goes to %s", testutil.Field(ack, "To"))
	}
	bye := p.next("BYE")
	if !strings.Contains(testutil.Field(bye, "To"), "tag=two") {
		t.Errorf("the BYE goes to %s", testutil.Field(bye, "To"))
	}
	p.Send(ua.Addr(), p.response(bye, "200 OK", "", ""))
	if call.Ended() {
		t.Error("the call itself has ended")
	}
	p.Send(ua.Addr(), fmt.Sprintf("BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKbye\r\nMax-Forwards: 70\r\nFrom: <sip:peer@example.com>;tag=one\r\nTo: <sip:a@example.com>;tag=%s\r\nCall-ID: %s\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
		p.Addr(), call.ID().FromTag, call.ID().CallID))
	await(t, "end of the call", call.Done())
}

// TestLostAck never acknowledges: the 2xx is repeated, and a BYE that comes in
// its place ends the wait.
func TestLostAck(t *testing.T) {
	p := newRawPeer(t)
	returned := make(chan error, 1)
	ua := newUA(t, Handlers{Invite: func(in *IncomingCall) {
		call, _, err := in.Answer(context.Background(), nil, "")
		if err == nil && !call.Ended() {
			err = errors.New("answered without an ACK")
		}
		returned <- err
	}})
	p.Send(ua.Addr(), p.request("INVITE", "lost", "p", "<sip:test@example.com>", "Content-Length: 0\r\n"))
	first := p.next("SIP/2.0 200")
	if second := p.next("SIP/2.0 200"); second != first {
		t.Errorf("the repeated 200 is another:\n%s\n%s", first, second)
	}
	bye := p.request("BYE", "lost", "p", testutil.Field(first, "To"), "Content-Length: 0\r\n")
	p.Send(ua.Addr(), strings.Replace(bye, "CSeq: 1", "CSeq: 2", 1))
	p.next("SIP/2.0 200")
	if err := <-returned; err != nil {
		t.Error(err)
	}
}

// TestRefusedRequests sends what must not be taken, and gets an answer to each.
func TestRefusedRequests(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{Invite: func(in *IncomingCall) { _ = in.Reject(486, "") }})
	good := p.request("INVITE", "good", "p", "<sip:test@example.com>", "Content-Length: 0\r\n")
	for name, tc := range map[string]struct{ message, status string }{
		"unknown dialog":    {p.request("BYE", "b", "p", "<sip:test@example.com>;tag=none", ""), "481"},
		"stray CANCEL":      {p.request("CANCEL", "c", "p", "<sip:test@example.com>", ""), "481"},
		"stray NOTIFY":      {p.request("NOTIFY", "n", "p", "<sip:test@example.com>;tag=none", "Event: presence\r\n"), "481"},
		"unknown re-INVITE": {p.request("INVITE", "r", "p", "<sip:test@example.com>;tag=none", ""), "481"},
		"MESSAGE":           {p.request("MESSAGE", "m", "p", "<sip:test@example.com>", ""), "405"},
		"OPTIONS":           {p.request("OPTIONS", "o", "p", "<sip:test@example.com>", ""), "200"},
		"no From tag":       {strings.Replace(p.request("INVITE", "f", "p", "<sip:test@example.com>", ""), ";tag=p", "", 1), "400"},
		"CSeq method":       {strings.Replace(p.request("INVITE", "s", "p", "<sip:test@example.com>", ""), "1 INVITE", "1 BYE", 1), "400"},
		"two Call-IDs":      {strings.Replace(p.request("INVITE", "t", "p", "<sip:test@example.com>", ""), "Call-ID:", "Call-ID: x\r\nCall-ID:", 1), "400"},
		"no Contact":        {strings.Replace(p.request("INVITE", "u", "p", "<sip:test@example.com>", ""), "Contact:", "X-Contact:", 1), "400"},
		"good":              {good, "486"},
	} {
		t.Run(name, func(t *testing.T) {
			p.t = t
			p.Send(ua.Addr(), tc.message)
			got := p.next("SIP/2.0 ")
			for strings.HasPrefix(got, "SIP/2.0 100") {
				got = p.next("SIP/2.0 ")
			}
			if !strings.HasPrefix(got, "SIP/2.0 "+tc.status) {
				t.Errorf("got %s, want %s", strings.SplitN(got, "\r\n", 2)[0], tc.status)
			}
			if strings.HasPrefix(tc.message, "INVITE") { // end the transaction, or it repeats
				ack := strings.Replace(strings.Replace(tc.message, "INVITE sip", "ACK sip", 1), "1 INVITE", "1 ACK", 1)
				p.Send(ua.Addr(), ack)
			}
		})
	}
	p.t = t
}

// TestGarbage sends random bytes to both ports; the user agent still answers.
func TestGarbage(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	for i := range 300 {
		p.Send(ua.Addr(), string(bytes.Repeat([]byte{byte(i), byte(i * 7), '\r', '\n', 0xff}, i)))
	}
	for range 3 {
		c, err := net.Dial("tcp", ua.Addr())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(bytes.Repeat([]byte("garbage\r\n\x00"), 5000))
		c.Close()
	}
	// The flood may have filled the socket's buffer, so one datagram may be lost.
	buf := make([]byte, 65536)
	for range 20 {
		p.Send(ua.Addr(), p.request("OPTIONS", "alive", "p", "<sip:test@example.com>", "Content-Length: 0\r\n"))
		_ = p.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		n, _, err := p.ReadFrom(buf)
		if err == nil && strings.HasPrefix(string(buf[:n]), "SIP/2.0 200") && testutil.Field(string(buf[:n]), "Call-ID") == "alive" {
			return
		}
	}
	t.Error("no answer to OPTIONS")
}

// TestSubscription plays the notifier: a NOTIFY before the 200, one that is
// late, a refresh, and a notifier that has forgotten.
func TestSubscription(t *testing.T) {
	t.Parallel()
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	got := make(chan string, 10)
	sub, err := ua.Subscribe(testContext(t), SubscribeRequest{
		URI: "sip:bob@example.com", From: "sip:as@example.com", Event: "presence", Accept: "application/pidf+xml",
		Expires: 2 * time.Second, Destination: p.Addr(),
		OnNotify: func(n Notification) { got <- fmt.Sprint(n.State, " ", n.Reason, " ", string(n.Body)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	subscribe := p.next("SUBSCRIBE")
	if testutil.Field(subscribe, "Event") != "presence" || testutil.Field(subscribe, "Expires") != "2" || testutil.Field(subscribe, "Accept") != "application/pidf+xml" {
		t.Errorf("the request is\n%s", subscribe)
	}
	answer := "SIP/2.0 200"
	notify := func(seq int, body, state string) {
		p.Send(ua.Addr(), fmt.Sprintf("NOTIFY sip:as@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKn%d\r\nMax-Forwards: 70\r\nFrom: <sip:bob@example.com>;tag=pres\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d NOTIFY\r\nContact: <sip:pres@%s>\r\nEvent: presence\r\nSubscription-State: %s\r\nContent-Length: %d\r\n\r\n%s",
			p.Addr(), time.Now().UnixNano(), testutil.Field(subscribe, "From"), testutil.Field(subscribe, "Call-ID"), seq, p.Addr(), state, len(body), body))
		p.next(answer)
	}
	want := func(s string) {
		t.Helper()
		select {
		case g := <-got:
			if g != s {
				t.Errorf("got %q, want %q", g, s)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no notification %q", s)
		}
	}
	notify(5, "early", "active;expires=2")
	want("active  early")
	p.Send(ua.Addr(), p.response(subscribe, "200 OK", "pres", "Expires: 2\r\n"))
	answer = "SIP/2.0 500" // [RFC3261-12.2.2]
	notify(4, "late", "active")
	answer = "SIP/2.0 200"
	notify(6, "next", "active")
	want("active  next")

	refresh := p.next("SUBSCRIBE")
	for testutil.Field(refresh, "CSeq") == testutil.Field(subscribe, "CSeq") {
		refresh = p.next("SUBSCRIBE") // a repetition
	}
	if testutil.Field(refresh, "Call-ID") != testutil.Field(subscribe, "Call-ID") || !strings.Contains(testutil.Field(refresh, "To"), "tag=pres") {
		t.Errorf("the refresh is\n%s", refresh)
	}
	p.Send(ua.Addr(), p.response(refresh, "481 Gone", "", ""))
	anew := p.next("SUBSCRIBE")
	if testutil.Field(anew, "Call-ID") == testutil.Field(subscribe, "Call-ID") || strings.Contains(testutil.Field(anew, "To"), "tag=") {
		t.Errorf("the new subscription is\n%s", anew)
	}
	subscribe = anew
	p.Send(ua.Addr(), p.response(subscribe, "200 OK", "pres", "Expires: 60\r\n"))
	notify(1, "", "terminated;reason=deactivated")
	want("terminated deactivated ")
	last := p.next("SUBSCRIBE")
	p.Send(ua.Addr(), p.response(last, "200 OK", "pres", "Expires: 60\r\n"))
	subscribe = last
	notify(1, "", "active")
	want("active  ")
	closed := make(chan struct{})
	go func() { sub.Close(); close(closed) }()
	end := p.next("SUBSCRIBE")
	for testutil.Field(end, "Expires") != "0" {
		end = p.next("SUBSCRIBE")
	}
	p.Send(ua.Addr(), p.response(end, "200 OK", "", "Expires: 0\r\n"))
	await(t, "end of the subscription", closed)
}

// TestRegistration plays the registrar: a challenge, a short grant, a refresh
// and the end.
func TestRegistration(t *testing.T) {
	t.Parallel()
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	registered := make(chan *Registration, 1)
	go func() {
		g, err := ua.Register(testContext(t), RegisterRequest{
			Registrar: "sip:example.com", AOR: "sip:bob@example.com", User: "bob", Password: "secret",
			Expires: time.Hour, Destination: p.Addr(),
		})
		if err != nil {
			t.Error(err)
		}
		registered <- g
	}()
	first := p.next("REGISTER sip:example.com SIP/2.0")
	if testutil.Field(first, "Authorization") != "" {
		t.Error("credentials before a challenge")
	}
	p.Send(ua.Addr(), p.response(first, "401 Unauthorized", "r",
		"WWW-Authenticate: Digest realm=\"example.com\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth\"\r\n"))
	second := p.next("REGISTER")
	for testutil.Field(second, "CSeq") == testutil.Field(first, "CSeq") {
		second = p.next("REGISTER")
	}
	auth := testutil.Field(second, "Authorization")
	for _, part := range []string{`username="bob"`, `uri="sip:example.com"`, "algorithm=SHA-256", `nonce="abc"`, "nc=00000001"} {
		if !strings.Contains(auth, part) {
			t.Errorf("the credentials lack %s: %s", part, auth)
		}
	}
	contact := testutil.Field(second, "Contact")
	p.Send(ua.Addr(), p.response(second, "200 OK", "r", "Contact: "+contact+";expires=2\r\n"))
	g := <-registered
	if g == nil {
		return
	}
	third := p.next("REGISTER")
	for testutil.Field(third, "CSeq") == testutil.Field(second, "CSeq") {
		third = p.next("REGISTER")
	}
	if testutil.Field(third, "Call-ID") != testutil.Field(first, "Call-ID") {
		t.Error("the refresh has another Call-ID")
	}
	p.Send(ua.Addr(), p.response(third, "200 OK", "r", "Expires: 3600\r\n"))
	done := make(chan error, 1)
	go func() { done <- g.Unregister(testContext(t)) }()
	end := p.next("REGISTER")
	for testutil.Field(end, "Expires") != "0" {
		end = p.next("REGISTER")
	}
	p.Send(ua.Addr(), p.response(end, "200 OK", "r", ""))
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestReinviteOvertakesAck sends a re-INVITE before the ACK of the INVITE: both
// are answered, and each takes its own ACK.
func TestReinviteOvertakesAck(t *testing.T) {
	p := newRawPeer(t)
	body := make(chan string, 1)
	ua := newUA(t, Handlers{Invite: func(in *IncomingCall) {
		in.OnReinvite(func(context.Context, []byte) ([]byte, error) { return []byte("again"), nil })
		call, ack, err := in.Answer(context.Background(), []byte("offer"), sdpType)
		if err != nil {
			t.Error(err)
			return
		}
		body <- string(ack)
		<-call.Done()
	}})
	p.Send(ua.Addr(), p.request("INVITE", "over", "p", "<sip:test@example.com>", "Content-Length: 0\r\n"))
	to := testutil.Field(p.next("SIP/2.0 200"), "To")
	p.Send(ua.Addr(), strings.Replace(p.request("INVITE", "over", "p", to, "Content-Length: 0\r\n"), "CSeq: 1", "CSeq: 2", 1))
	for second := p.next("SIP/2.0 200"); testutil.Field(second, "CSeq") != "2 INVITE"; {
		second = p.next("SIP/2.0 200")
	}
	p.Send(ua.Addr(), p.request("ACK", "over", "p", to, "Content-Type: application/sdp\r\nContent-Length: 6\r\n")+"answer")
	if got := <-body; got != "answer" {
		t.Errorf("the ACK carried %q", got)
	}
	p.Send(ua.Addr(), strings.Replace(p.request("ACK", "over", "p", to, "Content-Length: 0\r\n"), "CSeq: 1", "CSeq: 2", 1))
	p.Send(ua.Addr(), strings.Replace(p.request("BYE", "over", "p", to, "Content-Length: 0\r\n"), "CSeq: 1", "CSeq: 3", 1))
	for bye := p.next("SIP/2.0 200"); testutil.Field(bye, "CSeq") != "3 BYE"; {
		bye = p.next("SIP/2.0 200")
	}
}

// TestOwnCallComesBack sends an INVITE back to where it came from, as a proxy
// does that knows no better: it is refused, and the caller hears of it.
func TestOwnCallComesBack(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{Invite: func(in *IncomingCall) { t.Error("the call was taken"); _ = in.Reject(486, "") }})
	result := make(chan error, 1)
	go func() {
		_, err := ua.Invite(testContext(t), InviteRequest{URI: "sip:peer@" + p.Addr(), From: "sip:a@example.com", To: "sip:peer@example.com"})
		result <- err
	}()
	invite := p.next("INVITE")
	p.Send(ua.Addr(), strings.Replace(invite, "Via: ", "Via: SIP/2.0/UDP "+p.Addr()+";branch=z9hG4bKback\r\nVia: ", 1))
	if got := p.next("SIP/2.0 482"); testutil.Field(got, "Call-ID") != testutil.Field(invite, "Call-ID") {
		t.Errorf("an answer to %s", testutil.Field(got, "Call-ID"))
	}
	p.Send(ua.Addr(), p.response(invite, "482 Loop Detected", "x", ""))
	var status *StatusError
	if err := <-result; !errors.As(err, &status) || status.Code != 482 {
		t.Errorf("the caller got %v", err)
	}
}
