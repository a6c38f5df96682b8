package sipua

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

const gruu = "sip:peer@example.invalid;gr=urn:uuid:8cca151e-275a-4b49-a468-3ef1a10242df"

// withContact puts another Contact in the place of the peer's own.
func (p *rawPeer) withContact(m, contact string) string {
	return strings.Replace(m, "Contact: <sip:peer@"+p.Addr()+">", "Contact: <"+contact+">", 1)
}

// checkRequest compares the Request-URI, and that there is no Route.
func checkRequest(t *testing.T, m, uri string) {
	t.Helper()
	if got := strings.Fields(m)[1]; got != uri || len(routesOf(m)) > 0 {
		t.Errorf("want the Request-URI %s and no Route in\n%s", uri, m)
	}
}

// TestTargetThatIsNoAddress calls through an outbound proxy a peer whose Contact
// is no address: without a route set, all requests of the dialog go to the proxy.
// An address is used as it is.
func TestTargetThatIsNoAddress(t *testing.T) {
	direct := newRawPeer(t)
	for name, tc := range map[string]struct {
		contact string
		direct  bool
	}{
		"GRUU":             {contact: gruu},
		"temporary GRUU":   {contact: "sip:tgruu.7hs==jd7vnzga5w7fajsc7@example.invalid;gr"},
		"name":             {contact: "sip:peer@phone.example.invalid:5070"},
		"name over TCP":    {contact: "sip:peer@phone.example.invalid;transport=tcp"},
		"maddr of no host": {contact: "sip:peer@127.0.0.1:9;maddr=phone.example.invalid"},
		"address":          {contact: "sip:peer@" + direct.Addr(), direct: true},
		"maddr":            {contact: strings.Replace("sip:peer@"+direct.Addr(), "127.0.0.1", "example.invalid", 1) + ";maddr=127.0.0.1", direct: true},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := newRawPeer(t)
			ua := newUA(t, Handlers{})
			calls := make(chan *Call, 1)
			go func() {
				defer close(calls)
				call, err := ua.Invite(testContext(t), InviteRequest{
					URI: "sip:peer@example.invalid", Destination: proxy.Addr(), From: "sip:a@example.com", To: "sip:peer@example.invalid",
				})
				if err != nil {
					t.Error(err)
					return
				}
				if err := call.Ack(testContext(t), nil, ""); err != nil {
					t.Error(err)
				}
				calls <- call
			}()
			invite := proxy.next("INVITE")
			ok := func(m string) string {
				return proxy.withContact(proxy.response(m, "200 OK", "p", "Allow: UPDATE\r\n"), tc.contact)
			}
			proxy.Send(ua.Addr(), ok(invite))
			from := *proxy
			if tc.direct {
				from = *direct
			}
			from.t = t
			checkRequest(t, from.next("ACK"), tc.contact)
			call := <-calls
			if call == nil {
				t.FailNow()
			}
			for _, r := range []struct {
				method string
				send   func(context.Context) error
			}{
				{"INFO", func(ctx context.Context) error { return call.Info(ctx, sdpType, []byte("x")) }},
				{"UPDATE", func(ctx context.Context) error { _, err := call.Update(ctx, nil, ""); return err }},
				{"INVITE", func(ctx context.Context) error { _, err := call.Reinvite(ctx, []byte("x"), sdpType); return err }},
				{"BYE", func(ctx context.Context) error { return call.Bye(ctx) }},
			} {
				sent := make(chan error, 1)
				go func() { sent <- r.send(testContext(t)) }()
				m := from.next(r.method)
				checkRequest(t, m, tc.contact)
				from.Send(ua.Addr(), ok(m))
				if r.method == "INVITE" {
					checkRequest(t, from.next("ACK"), tc.contact)
				}
				if err := <-sent; err != nil {
					t.Errorf("%s: %v", r.method, err)
				}
			}
		})
	}
}

// TestTargetChanges has a peer whose Contact is an address move to one that is
// none: the requests that follow go to the proxy.
func TestTargetChanges(t *testing.T) {
	proxy, device := newRawPeer(t), newRawPeer(t)
	ua := newUA(t, Handlers{})
	calls := make(chan *Call, 1)
	go func() {
		defer close(calls)
		call, err := ua.Invite(testContext(t), InviteRequest{URI: "sip:peer@example.invalid", Destination: proxy.Addr(), From: "sip:a@example.com", To: "sip:peer@example.invalid"})
		if err != nil {
			t.Error(err)
			return
		}
		_ = call.Ack(testContext(t), nil, "")
		calls <- call
	}()
	invite := proxy.next("INVITE")
	proxy.Send(ua.Addr(), proxy.withContact(proxy.response(invite, "200 OK", "p", ""), "sip:peer@"+device.Addr()))
	device.next("ACK")
	call := <-calls
	again := fmt.Sprintf("UPDATE sip:test@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKmove\r\nMax-Forwards: 70\r\nFrom: <sip:peer@example.invalid>;tag=p\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 UPDATE\r\nContact: <%s>\r\nContent-Length: 0\r\n\r\n",
		ua.Addr(), device.Addr(), testutil.Field(invite, "From"), testutil.Field(invite, "Call-ID"), gruu)
	device.Send(ua.Addr(), again)
	device.next("SIP/2.0 200")
	go func() { _ = call.Bye(testContext(t)) }()
	bye := proxy.next("BYE")
	checkRequest(t, bye, gruu)
	proxy.Send(ua.Addr(), proxy.response(bye, "200 OK", "", ""))
	await(t, "end of the call", call.Done())
}

// TestCallerThatIsNoAddress is called by a peer whose Contact is a GRUU: the BYE
// goes to where the INVITE came from.
func TestCallerThatIsNoAddress(t *testing.T) {
	for name, rport := range map[string]string{"port of the Via": "", "rport": ";rport"} {
		t.Run(name, func(t *testing.T) {
			calls := make(chan *Call, 1)
			ua := newUA(t, Handlers{Invite: answering(t, calls, nil)})
			sender, listener := newRawPeer(t), newRawPeer(t)
			invite := sender.withContact(sender.request("INVITE", "gruu"+rport[:min(len(rport), 1)], "p", "<sip:test@example.com>", "Content-Length: 0\r\n"), gruu)
			wanted := listener
			if rport != "" {
				wanted = sender
			}
			invite = strings.Replace(invite, "Via: SIP/2.0/UDP "+sender.Addr(), "Via: SIP/2.0/UDP "+listener.Addr()+rport, 1)
			sender.Send(ua.Addr(), invite)
			ok := wanted.next("SIP/2.0 200")
			ack := strings.NewReplacer("INVITE ", "ACK ", " INVITE", " ACK", "To: <sip:test@example.com>", "To: "+testutil.Field(ok, "To")).Replace(invite)
			sender.Send(ua.Addr(), ack)
			call := <-calls
			go func() { _ = call.Bye(testContext(t)) }()
			bye := wanted.next("BYE")
			checkRequest(t, bye, gruu)
			wanted.Send(ua.Addr(), wanted.response(bye, "200 OK", "", ""))
			await(t, "end of the call", call.Done())
		})
	}
}

// readStream returns the next message that begins with start, without its body.
func readStream(t *testing.T, c net.Conn, r *bufio.Reader, start string) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		var m strings.Builder
		for !strings.HasSuffix(m.String(), "\r\n\r\n") {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("waiting for %q: %v", start, err)
			}
			m.WriteString(line)
		}
		length, _ := strconv.Atoi(testutil.Field(m.String(), "Content-Length"))
		if _, err := r.Discard(length); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(m.String(), start) {
			return m.String()
		}
	}
}

// TestCallerThatIsNoAddressOverTCP is called over a TCP connection: requests to
// a GRUU go over that one and, once it is closed, over another to the port that
// the Via names.
func TestCallerThatIsNoAddressOverTCP(t *testing.T) {
	calls := make(chan *Call, 1)
	ua := newUA(t, Handlers{Invite: answering(t, calls, nil)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", ua.Addr())
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	invite := fmt.Sprintf("INVITE sip:test@x SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bKt1\r\nMax-Forwards: 70\r\nFrom: <sip:peer@example.invalid>;tag=p\r\nTo: <sip:test@example.com>\r\nCall-ID: tcpgruu\r\nCSeq: 1 INVITE\r\nContact: <%s>\r\nContent-Length: 0\r\n\r\n", l.Addr(), gruu)
	_, _ = io.WriteString(c, invite)
	ok := readStream(t, c, r, "SIP/2.0 200")
	ack := strings.NewReplacer("INVITE ", "ACK ", " INVITE", " ACK", "z9hG4bKt1", "z9hG4bKt2", "To: <sip:test@example.com>", "To: "+testutil.Field(ok, "To")).Replace(invite)
	_, _ = io.WriteString(c, ack)
	call := <-calls
	informed := make(chan error, 1)
	go func() { informed <- call.Info(testContext(t), "", nil) }()
	info := readStream(t, c, r, "INFO")
	checkRequest(t, info, gruu)
	response := func(m string) string { return (&rawPeer{t: t}).okTo(m) }
	_, _ = io.WriteString(c, response(info))
	if err := <-informed; err != nil {
		t.Error(err)
	}
	c.Close()
	for ua.connected("TCP", c.LocalAddr().String(), "") {
		time.Sleep(time.Millisecond) // sipgo tells of no event
	}
	go func() { _ = call.Bye(testContext(t)) }()
	if c, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	bye := readStream(t, c, bufio.NewReader(c), "BYE")
	checkRequest(t, bye, gruu)
	_, _ = io.WriteString(c, response(bye))
	await(t, "end of the call", call.Done())
}

// okTo is a 200 without a Contact.
func (p *rawPeer) okTo(m string) string {
	return fmt.Sprintf("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContent-Length: 0\r\n\r\n",
		testutil.Field(m, "Via"), testutil.Field(m, "From"), testutil.Field(m, "To"), testutil.Field(m, "Call-ID"), testutil.Field(m, "CSeq"))
}

// TestNotifierThatIsNoAddress subscribes through a proxy at a notifier whose
// Contact is a GRUU: the refresh and the end go to the proxy.
func TestNotifierThatIsNoAddress(t *testing.T) {
	proxy := newRawPeer(t)
	ua := newUA(t, Handlers{})
	sub, err := ua.Subscribe(testContext(t), SubscribeRequest{
		URI: "sip:peer@example.invalid", From: "sip:as@example.com", Event: "presence", Expires: 2 * time.Second,
		Destination: proxy.Addr(), OnNotify: func(Notification) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	first := proxy.next("SUBSCRIBE")
	proxy.Send(ua.Addr(), proxy.withContact(proxy.response(first, "200 OK", "p", "Expires: 1\r\n"), gruu))
	refresh := proxy.next("SUBSCRIBE")
	checkRequest(t, refresh, gruu)
	proxy.Send(ua.Addr(), proxy.withContact(proxy.response(refresh, "200 OK", "p", "Expires: 60\r\n"), gruu))
	closed := make(chan error, 1)
	go func() { closed <- sub.Close() }()
	end := proxy.next("SUBSCRIBE")
	for testutil.Field(end, "Expires") != "0" {
		end = proxy.next("SUBSCRIBE")
	}
	checkRequest(t, end, gruu)
	proxy.Send(ua.Addr(), proxy.okTo(end))
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
