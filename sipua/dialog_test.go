package sipua

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestNoAckEnds never acknowledges: the 2xx is repeated at intervals that double
// up to T2, and after 64*T1 the dialog is ended with BYE.
func TestNoAckEnds(t *testing.T) {
	t.Parallel()
	const t1, t2 = 20 * time.Millisecond, 80 * time.Millisecond
	returned := make(chan error, 1)
	ua := newUAWith(t, Config{timers: timers{t1: t1, t2: t2}}, Handlers{Invite: func(in *IncomingCall) {
		_, _, err := in.Answer(context.Background(), nil, "")
		returned <- err
	}})
	d := &rawDialog{rawPeer: newRawPeer(t), ua: ua.Addr(), callID: "noack", from: "<sip:peer@example.com>;tag=p", to: "<sip:test@example.com>"}
	d.Send(d.ua, d.request("INVITE", "", ""))
	first := d.next("SIP/2.0 200")
	began, times := time.Now(), []time.Duration{0}
	var bye string
	for bye == "" {
		m := d.next("")
		switch {
		case m == first:
			times = append(times, time.Since(began))
		case strings.HasPrefix(m, "BYE "):
			bye = m
		case !strings.HasPrefix(m, "SIP/2.0 100"):
			t.Fatalf("got\n%s", m)
		}
	}
	if after := time.Since(began); after < 64*t1-t1 || after > 64*t1+time.Second {
		t.Errorf("given up after %v", after)
	}
	// 20, 60, 140, 220, ... 1260 ms: 2 doublings and then every T2.
	if n := len(times) - 1; n < 10 || n > 17 {
		t.Errorf("repeated %d times: %v", n, times)
	}
	for i, want := range []time.Duration{t1, 3 * t1, 7 * t1} {
		if times[i+1] < want-5*time.Millisecond {
			t.Errorf("repetition %d came after %v, before %v", i+1, times[i+1], want)
		}
	}
	if testutil.Field(bye, "To") != d.from || testutil.Field(bye, "From") != testutil.Field(first, "To") {
		t.Errorf("the BYE is\n%s", bye)
	}
	d.Send(d.ua, d.response(bye, "200 OK", "", ""))
	if err := <-returned; !errors.Is(err, ErrNoACK) {
		t.Errorf("Answer: %v", err)
	}
}

// TestCancelWaits gives a call up before anything has come back: the CANCEL
// waits for a provisional response. The 200 that crosses it gets ACK and BYE.
func TestCancelWaits(t *testing.T) {
	t.Parallel()
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	ctx, cancel := context.WithCancel(testContext(t))
	result := make(chan error, 1)
	go func() {
		_, err := ua.Invite(ctx, InviteRequest{URI: "sip:peer@" + p.Addr(), From: "sip:a@example.com", To: "sip:peer@example.com"})
		result <- err
	}()
	invite := p.next("INVITE")
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Invite: %v", err)
	}
	for range 2 { // T1 and 2*T1 later
		if m := p.next(""); m != invite {
			t.Errorf("before a provisional response there came\n%s", m)
		}
	}
	p.Send(ua.Addr(), p.response(invite, "180 Ringing", "p", ""))
	got := p.next("CANCEL")
	if testutil.Field(got, "CSeq") != "1 CANCEL" || testutil.Field(got, "Via") != testutil.Field(invite, "Via") || strings.Fields(got)[1] != strings.Fields(invite)[1] {
		t.Errorf("the CANCEL is\n%s", got)
	}
	p.Send(ua.Addr(), p.response(got, "200 OK", "p", ""))
	p.Send(ua.Addr(), p.response(invite, "200 OK", "p", ""))
	ack, bye := p.next("ACK"), p.next("BYE")
	for _, m := range []string{ack, bye} {
		if !strings.HasSuffix(testutil.Field(m, "To"), ";tag=p") || testutil.Field(m, "From") != testutil.Field(invite, "From") || testutil.Field(m, "Call-ID") != testutil.Field(invite, "Call-ID") {
			t.Errorf("got\n%s", m)
		}
	}
	p.Send(ua.Addr(), p.response(bye, "200 OK", "", ""))
}

// TestOptions asks what the user agent can do.
func TestOptions(t *testing.T) {
	ua := newUA(t, Handlers{Methods: []string{"MESSAGE"}})
	d := &rawDialog{rawPeer: newRawPeer(t), ua: ua.Addr(), callID: "options", from: "<sip:peer@example.com>;tag=p", to: "<sip:test@example.com>"}
	res := d.do("OPTIONS", "", "")
	for name, value := range map[string]string{
		"Allow": "INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, UPDATE, INFO, MESSAGE", "Accept": "application/sdp", "Supported": "timer",
	} {
		if status(res) != "200" || testutil.Field(res, name) != value {
			t.Errorf("%s: %q in\n%s", name, testutil.Field(res, name), res)
		}
	}
	if res := d.do("PUBLISH", "", ""); status(res) != "405" || !strings.Contains(testutil.Field(res, "Allow"), "UPDATE, INFO, MESSAGE") {
		t.Errorf("PUBLISH got\n%s", res)
	}
	if res := d.do("OPTIONS", "Require: timer, 100rel\r\nRequire: nonsense\r\n", ""); status(res) != "420" || testutil.Field(res, "Unsupported") != "100rel, nonsense" {
		t.Errorf("OPTIONS with Require got\n%s", res)
	}
	d.to += ";tag=unknown"
	if res := d.do("OPTIONS", "", ""); status(res) != "481" {
		t.Errorf("OPTIONS within an unknown call got\n%s", res)
	}
	in, _ := callRaw(t, newUA(t, Handlers{Invite: answering(t, make(chan *Call, 1), nil)}), withSDP, sdpOne)
	if res := in.do("OPTIONS", "", ""); status(res) != "200" {
		t.Errorf("OPTIONS within a call got\n%s", res)
	}
}

// routesOf are the Route headers of a message.
func routesOf(m string) (routes []string) {
	for line := range strings.SplitSeq(m, "\r\n") {
		if v, ok := strings.CutPrefix(line, "Route: "); ok {
			routes = append(routes, v)
		}
	}
	return routes
}

// TestRoutes records routes in both roles, with loose and strict routers, and
// looks at what comes to the first hop.
func TestRoutes(t *testing.T) {
	for _, tc := range []struct {
		name          string
		loose, strict string // parameters of the first and of the second hop
		uri           string // of the requests; %p is the first hop
		routes        string
	}{
		{"loose", ";lr", "", "sip:peer@192.0.2.1", "<sip:%p;lr>|<sip:192.0.2.2>"},
		{"strict", "", ";lr", "sip:%p", "<sip:192.0.2.2;lr>|<sip:peer@192.0.2.1>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			hop := newRawPeer(t)
			fill := func(s string) string { return strings.ReplaceAll(s, "%p", hop.Addr()) }
			first, second := fill("<sip:%p"+tc.loose+">"), "<sip:192.0.2.2"+tc.strict+">"
			check := func(m string) {
				t.Helper()
				if uri := strings.Fields(m)[1]; uri != fill(tc.uri) {
					t.Errorf("the Request-URI is %s", uri)
				}
				if got := strings.Join(routesOf(m), "|"); got != fill(tc.routes) {
					t.Errorf("the routes are %s", got)
				}
			}

			calls := make(chan *Call, 1)
			callee := newUA(t, Handlers{Invite: answering(t, calls, nil)})
			d := &rawDialog{rawPeer: hop, ua: callee.Addr(), callID: "routes" + tc.name, from: "<sip:peer@example.com>;tag=p", to: "<sip:test@example.com>"}
			contact := func(m string) string {
				return strings.Replace(m, "<sip:peer@"+hop.Addr()+">", "<sip:peer@192.0.2.1>", 1)
			}
			d.Send(d.ua, contact(d.request("INVITE", "Record-Route: "+first+"\r\nRecord-Route: "+second+"\r\n", "")))
			res := d.final("1 INVITE")
			if !strings.Contains(res, "Record-Route: "+first+"\r\nRecord-Route: "+second+"\r\n") {
				t.Errorf("the 200 is\n%s", res)
			}
			d.to = testutil.Field(res, "To")
			d.Send(d.ua, d.request("ACK", "", ""))
			call := <-calls
			go func() { _ = call.Bye(testContext(t)) }()
			bye := hop.next("BYE")
			check(bye)
			d.Send(d.ua, d.response(bye, "200 OK", "", ""))
			await(t, "end of the call", call.Done())

			caller := newUA(t, Handlers{})
			invited := make(chan *Call, 1)
			go func() {
				call, err := caller.Invite(testContext(t), InviteRequest{URI: "sip:peer@example.com", Destination: hop.Addr(), From: "sip:a@example.com", To: "sip:peer@example.com"})
				if err != nil {
					t.Error(err)
				} else if err := call.Ack(testContext(t), nil, ""); err != nil {
					t.Error(err)
				}
				invited <- call
			}()
			invite := hop.next("INVITE")
			// The first to have been passed comes last in a response.
			hop.Send(caller.Addr(), contact(hop.response(invite, "200 OK", "p", "Record-Route: "+second+", "+first+"\r\n")))
			check(hop.next("ACK"))
			call = <-invited
			go func() { _ = call.Bye(testContext(t)) }()
			bye = hop.next("BYE")
			check(bye)
			hop.Send(caller.Addr(), hop.response(bye, "200 OK", "", ""))
			await(t, "end of the call", call.Done())
		})
	}
}

// TestConnectionIsReset has a peer over TCP close the door on a request: the
// caller hears of it at once.
func TestConnectionIsReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = c.Read(make([]byte, 1))
		_ = c.(*net.TCPConn).SetLinger(0) // makes the close a reset
		c.Close()
	}()
	began := time.Now()
	_, err = newUA(t, Handlers{}).Invite(testContext(t), InviteRequest{
		URI: "sip:peer@" + l.Addr().String() + ";transport=tcp", From: "sip:a@example.com", To: "sip:peer@example.com",
	})
	if !errors.Is(err, errNoResponse) || time.Since(began) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}
