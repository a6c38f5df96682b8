package as

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// A wire is a UDP socket that a test plays SIP on by hand.
type wire struct{ testutil.SIPSocket }

func newWire(t *testing.T) *wire { return &wire{testutil.NewSIPSocket(t)} }

// reply answers a request.
func (w *wire) reply(request, from, status, body string) {
	w.T.Helper()
	to := testutil.Field(request, "To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=wire"
	}
	w.Send(from, fmt.Sprintf("SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:wire@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		status, testutil.Field(request, "Via"), testutil.Field(request, "From"), to, testutil.Field(request, "Call-ID"), testutil.Field(request, "CSeq"), w.Addr(), len(body), body))
}

// serveChannel answers the INVITE of a control channel and serves that.
func (w *wire) serveChannel() {
	w.T.Helper()
	invite, from := w.Next("INVITE")
	_, body, _ := strings.Cut(invite, "\r\n\r\n")
	offer, err := mscp.ParseSDP([]byte(body))
	if err != nil {
		w.T.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { ln.Close() })
	answer, err := offer.Answer("127.0.0.1", ln.Addr().(*net.TCPAddr).Port).Marshal()
	if err != nil {
		w.T.Fatal(err)
	}
	w.reply(invite, from, "200 OK", string(answer))
	c, err := ln.Accept()
	if err != nil {
		w.T.Fatal(err)
	}
	srv := mscp.NewServer(c, func(context.Context, mscp.Element) (mscp.Element, error) { return nil, errors.New("not in this test") }, mscp.Config{})
	w.T.Cleanup(func() {
		srv.Close()
		go w.hangUp() // until the socket is closed
	})
}

// hangUp answers every BYE that comes.
func (w *wire) hangUp() {
	buf := make([]byte, 65536)
	_ = w.SetReadDeadline(time.Time{})
	for {
		n, from, err := w.ReadFrom(buf)
		if err != nil {
			return
		}
		if m := string(buf[:n]); strings.HasPrefix(m, "BYE") {
			w.reply(m, from.String(), "200 OK", "")
		}
	}
}

// TestAnswerCrossesCancel has the media server's 200 cross the CANCEL that follows
// from the caller's: that leg is acknowledged and ended.
func TestAnswerCrossesCancel(t *testing.T) {
	ms := newWire(t)
	s := startAS(t, func(c *Config) {
		c.MediaServers = []MediaServerConfig{{URI: "sip:ms@" + ms.Addr(), Weight: 1, Name: "wire"}}
		c.Store.InviteTimeout = 10 * time.Second
	})
	ms.serveChannel()
	waitFor(t, "the channel to be up", func() bool { return s.Ready() == nil })
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	ended := make(chan error, 1)
	c := newCaller(t)
	go func() {
		_, err := c.call(ctx, s, testOffer)
		ended <- err
	}()
	invite, from := ms.Next("INVITE")
	ms.reply(invite, from, "180 Ringing", "")
	waitFor(t, "the caller's 100", func() bool { return strings.Contains(c.heads(), "100 Trying") })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	request, _ := ms.Next("CANCEL")
	ms.reply(invite, from, "200 OK", testAnswer)
	ms.reply(request, from, "200 OK", "")
	if ack, _ := ms.Next("ACK"); !strings.Contains(testutil.Field(ack, "To"), "tag=wire") {
		t.Errorf("the ACK goes to %s", testutil.Field(ack, "To"))
	}
	bye, from := ms.Next("BYE")
	if testutil.Field(bye, "Call-ID") != testutil.Field(invite, "Call-ID") {
		t.Errorf("the BYE is of call %s", testutil.Field(bye, "Call-ID"))
	}
	ms.reply(bye, from, "200 OK", "")
	waitFor(t, "the caller's 487", func() bool { return strings.Contains(c.heads(), "487 ") })
	wantSessions(t, s, 0)
}

// TestCancelBeforeTheMediaServerIsHeardOf cancels while nothing at all has come from
// the media server: it gets no CANCEL before it has answered, and then one.
func TestCancelBeforeTheMediaServerIsHeardOf(t *testing.T) {
	ms := newWire(t)
	s := startAS(t, func(c *Config) {
		c.MediaServers = []MediaServerConfig{{URI: "sip:ms@" + ms.Addr(), Weight: 1, Name: "wire"}}
		c.Store.InviteTimeout = 10 * time.Second
	})
	ms.serveChannel()
	waitFor(t, "the channel to be up", func() bool { return s.Ready() == nil })
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	c := newCaller(t)
	go func() { _, _ = c.call(ctx, s, testOffer) }()
	invite, from := ms.Next("INVITE")
	waitFor(t, "the caller's 100", func() bool { return strings.Contains(c.heads(), "100 Trying") })
	cancel()
	waitFor(t, "the caller's 487", func() bool { return strings.Contains(c.heads(), "487 ") })
	wantSessions(t, s, 0)
	if again, _ := ms.Next(""); !strings.HasPrefix(again, "INVITE") {
		t.Errorf("before any answer, the media server got\n%s", again)
	}
	ms.reply(invite, from, "100 Trying", "")
	request, from := ms.Next("CANCEL")
	ms.reply(request, from, "200 OK", "")
	ms.reply(invite, from, "487 Request Terminated", "")
	ms.Next("ACK")
}

// TestRecordRoute has a call come through two proxies that want to stay in the way:
// what the server sends within the dialog goes through both, the nearest first.
func TestRecordRoute(t *testing.T) {
	s := startAS(t, nil, newFakeMS(t))
	proxy, caller := newWire(t), newWire(t)
	caller.Send(s.Addr(), fmt.Sprintf("INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n"+
		"Record-Route: <sip:%s;lr>\r\nRecord-Route: <sip:192.0.2.9;lr>\r\nFrom: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.com>\r\n"+
		"Call-ID: routed\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.7>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		caller.Addr(), proxy.Addr(), len(testOffer), testOffer))
	answer, _ := caller.Next("SIP/2.0 200")
	if got := strings.Count(answer, "\r\nRecord-Route: "); got != 2 {
		t.Errorf("%d Record-Route headers in\n%s", got, answer)
	}
	caller.Send(s.Addr(), fmt.Sprintf("ACK sip:as@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKb\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a\r\nTo: %s\r\nCall-ID: routed\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
		s.Addr(), caller.Addr(), testutil.Field(answer, "To")))
	wantSessions(t, s, 1)
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	bye, from := proxy.Next("BYE")
	if !strings.HasPrefix(bye, "BYE sip:alice@192.0.2.7 SIP/2.0\r\n") {
		t.Errorf("the BYE is\n%s", bye)
	}
	routes := strings.Split(bye, "\r\nRoute: ")
	if len(routes) != 3 || !strings.HasPrefix(routes[1], "<sip:"+proxy.Addr()+";lr>") || !strings.HasPrefix(routes[2], "<sip:192.0.2.9;lr>") {
		t.Errorf("the BYE's routes are not the proxies in\n%s", bye)
	}
	proxy.reply(bye, from, "200 OK", "")
	<-closed
}

// TestTransports has callers and media servers over UDP, TCP and IPv6.
func TestTransports(t *testing.T) {
	for name, tc := range map[string]struct{ host, toAS, toMS string }{
		"UDP, UDP":      {"127.0.0.1", "", ""},
		"UDP, TCP":      {"127.0.0.1", "", ";transport=tcp"},
		"TCP, UDP":      {"127.0.0.1", ";transport=tcp", ""},
		"TCP, TCP":      {"127.0.0.1", ";transport=tcp", ";transport=tcp"},
		"IPv6 UDP":      {"::1", "", ""},
		"IPv6 TCP, TCP": {"::1", ";transport=tcp", ";transport=tcp"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := net.JoinHostPort(tc.host, "0")
			if ln, err := net.Listen("tcp", addr); err != nil {
				t.Skip(err)
			} else {
				ln.Close()
			}
			ctx := testContext(t)
			m := newFakeMSAt(t, addr)
			changing(m, func(o sipua.Offer) ([]byte, error) { return o.Body, nil })
			s := startAS(t, func(c *Config) {
				c.SIP.Listen = addr
				c.MediaServers = []MediaServerConfig{{URI: "sip:ms@" + m.ua.Addr() + tc.toMS, Weight: 1, Name: m.ua.Addr()}}
			}, m)
			ua, err := sipua.New(sipua.Config{Addr: addr}, sipua.Handlers{})
			if err != nil {
				t.Fatal(err)
			}
			defer ua.Close()
			call, err := ua.Invite(ctx, sipua.InviteRequest{
				URI: "sip:bob@example.com", From: "sip:alice@example.com", To: "sip:bob@example.com",
				Destination: s.Addr() + tc.toAS, Body: []byte(testOffer), ContentType: sdpType,
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := call.Ack(ctx, nil, ""); err != nil {
				t.Fatal(err)
			}
			leg := <-m.legs
			for _, end := range []*sipua.Call{call, leg} {
				end.OnOffer(func(_ context.Context, o sipua.Offer) ([]byte, error) { return o.Body, nil })
				if got, err := end.Reinvite(ctx, []byte(testOffer), sdpType); err != nil || string(got) != testOffer {
					t.Errorf("re-INVITE: %q, %v", got, err)
				}
			}
			if err := call.Bye(ctx); err != nil {
				t.Error(err)
			}
			<-leg.Done()
			wantSessions(t, s, 0)
		})
	}
}
