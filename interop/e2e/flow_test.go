package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// overProxies runs a test behind each proxy.
func overProxies(t *testing.T, f func(t *testing.T, kamailio bool)) {
	t.Run("own", func(t *testing.T) { f(t, false) })
	t.Run("Kamailio", func(t *testing.T) { f(t, true) })
}

// TestStoreAndPush is the main job: several senders, two media servers,
// messages of all kinds, either end connecting for MSRP, and SIP over TCP and
// over UDP on every leg.
func TestStoreAndPush(t *testing.T) {
	overProxies(t, func(t *testing.T, kamailio bool) {
		for _, setup := range []msrp.Setup{msrp.SetupActive, msrp.SetupPassive} {
			t.Run(string(setup), func(t *testing.T) {
				over := map[msrp.Setup]string{msrp.SetupActive: ";transport=tcp", msrp.SetupPassive: ""}[setup]
				e := newEnv(t, envOptions{weights: []int{1, 1}, kamailio: kamailio, configAS: func(c *as.Config) {
					c.OutboundProxy += over
					for i := range c.MediaServers {
						uri, _, _ := strings.Cut(c.MediaServers[i].URI, ";")
						c.MediaServers[i].URI = uri + over
					}
				}})
				e.params = over
				long := strings.Repeat("0123456789abcdef", 300_000/16)
				chat, err := e.phone(softphone.Config{User: alice, Setup: setup}).Call(e.ctx, bob)
				if err != nil {
					t.Fatal(err)
				}
				for i, m := range []struct {
					manner msrp.Message
					text   string
				}{
					{msrp.Message{}, "plain"},
					{msrp.Message{SuccessReport: true}, "with a report"},
					{msrp.Message{FailureReport: msrp.FailureNo}, "no failure report"},
					{msrp.Message{FailureReport: msrp.FailurePartial, SuccessReport: true}, "partial"},
					{msrp.Message{SuccessReport: true}, long},
					{msrp.Message{}, "最后一条"},
				} {
					if err := send(e.ctx, chat, m.manner, m.text); err != nil {
						t.Fatalf("message %d: %v", i, err)
					}
				}
				e.leave(carol, bob, "from carol") // to the other media server: this one has a session
				if err := chat.Close(e.ctx); err != nil {
					t.Error(err)
				}
				e.wantKept(7)

				box := newInbox()
				e.register(softphone.Config{User: bob, Setup: setup}, box)
				box.want(t, alice+" plain", alice+" with a report", alice+" no failure report", alice+" partial",
					alice+" "+digest(long), alice+" 最后一条", carol+" from carol")
				e.wantKept(0)
				e.eventually("the directory is empty", func() bool { return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" })
			})
		}
	})
}

// TestAlreadyBack leaves a message for somebody who registers while the caller
// still talks, and another after that.
func TestAlreadyBack(t *testing.T) {
	e := newEnv(t, envOptions{})
	chat := e.call(alice, bob)
	if err := send(e.ctx, chat, msrp.Message{}, "one"); err != nil {
		t.Fatal(err)
	}
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	box.want(t, alice+" one")
	if err := send(e.ctx, chat, msrp.Message{}, "two"); err != nil {
		t.Fatal(err)
	}
	if err := chat.Close(e.ctx); err != nil {
		t.Error(err)
	}
	box.want(t, alice+" one", alice+" two")
	e.wantKept(0)
}

// TestNothingLeftCallsNobody has a caller hang up without a message: the
// recipient is not called when registering.
func TestNothingLeftCallsNobody(t *testing.T) {
	e := newEnv(t, envOptions{})
	if err := e.call(alice, bob).Close(e.ctx); err != nil {
		t.Fatal(err)
	}
	e.eventually("the directory is empty", func() bool { return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" })
	e.leave(carol, bob, "one")
	box := newInbox()
	var callers []string
	e.register(softphone.Config{User: bob, AnswerCall: func(_ context.Context, in *sipua.IncomingCall) int {
		callers = append(callers, in.From)
		return 200
	}}, box)
	box.want(t, carol+" one")
	e.wantKept(0)
	if len(callers) != 1 {
		t.Errorf("bob was called in the names of %v", callers)
	}
}

// TestRefusedPushKeepsEverything has the recipient refuse twice before taking
// the call.
func TestRefusedPushKeepsEverything(t *testing.T) {
	overProxies(t, func(t *testing.T, kamailio bool) {
		e := newEnv(t, envOptions{kamailio: kamailio})
		e.leave(alice, bob, "one", "two")
		var calls atomic.Int32
		box := newInbox()
		e.register(softphone.Config{User: bob, AnswerCall: func(context.Context, *sipua.IncomingCall) int {
			switch calls.Add(1) {
			case 1:
				return 486
			case 2:
				return 603
			}
			return 200
		}}, box)
		box.want(t, alice+" one", alice+" two")
		if n := calls.Load(); n != 3 {
			t.Errorf("%d calls were made, want 3", n)
		}
		e.wantKept(0)
	})
}

// TestUnansweredPushKeepsEverything lets the recipient's phone ring until the
// application server gives up.
func TestUnansweredPushKeepsEverything(t *testing.T) {
	e := newEnv(t, envOptions{})
	e.leave(alice, bob, "one")
	var calls atomic.Int32
	cancelled := make(chan struct{})
	box := newInbox()
	e.register(softphone.Config{User: bob, AnswerCall: func(ctx context.Context, in *sipua.IncomingCall) int {
		if calls.Add(1) > 1 {
			return 200
		}
		_ = in.Provisional(180, "")
		<-ctx.Done()
		close(cancelled)
		return 480
	}}, box)
	select {
	case <-cancelled:
	case <-time.After(patience):
		t.Fatal("the ringing call was not cancelled")
	}
	box.want(t, alice+" one")
	e.wantKept(0)
}

// TestConnectionLostHalfWay cuts the recipient's MSRP connection within the
// second of three messages: the first is not sent again, the others come.
func TestConnectionLostHalfWay(t *testing.T) {
	e := newEnv(t, envOptions{})
	long := strings.Repeat("x", 5_000_000)
	e.leave(alice, bob, "one", long, "three")
	var cut atomic.Bool
	box := newInbox()
	e.register(softphone.Config{User: bob, OnMessage: func(ctx context.Context, m *softphone.Message) error {
		if m.Size == int64(len(long)) && cut.CompareAndSwap(false, true) {
			if _, err := m.Read(make([]byte, 1000)); err != nil {
				t.Error(err)
			}
			for ctx.Err() == nil && e.metric(e.cluster.MS[0], "mscp_mediaserver_messages_delivered_total") != "1" {
				time.Sleep(10 * time.Millisecond) // until the first one is off the disk
			}
			go m.Session.Close() // not from within a handler
			<-ctx.Done()
			return ctx.Err()
		}
		return box.take(ctx, m)
	}}, box)
	box.want(t, alice+" one", alice+" "+digest(long), alice+" three")
	if !cut.Load() {
		t.Error("nothing was cut")
	}
	e.wantKept(0)
}

func TestCallsThatCannotBeTaken(t *testing.T) {
	e := newEnv(t, envOptions{})
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "alice"}, sipua.Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	defer ua.Close()
	call := func(body string) (status *sipua.StatusError) {
		t.Helper()
		_, err := ua.Invite(e.ctx, sipua.InviteRequest{
			URI: bob, From: alice, To: bob, Destination: e.proxy, Body: []byte(body), ContentType: "application/sdp",
		})
		if !errors.As(err, &status) {
			t.Fatalf("the call ended with %v", err)
		}
		return status
	}
	const head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
	const offer = head + "m=message 9 TCP/MSRP *\r\na=accept-types:*\r\na=path:msrp://127.0.0.1:9/x;tcp\r\na=setup:active\r\n"
	if s := call(head + "m=audio 4000 RTP/AVP 0\r\n"); s.Code != 488 {
		t.Errorf("an offer of audio: %v", s)
	}
	if s := call("nonsense"); s.Code != 488 {
		t.Errorf("nonsense for an offer: %v", s)
	}
	e.cluster.MS[0].Kill()
	e.eventually("the channel is down", func() bool { return e.metric(e.cluster.AS, `mscp_as_channel_up{ms="ms1"}`) == "0" })
	if s := call(offer); s.Code != 503 || s.Header("Retry-After") == "" {
		t.Errorf("no media server: %v, Retry-After %q", s, s.Header("Retry-After"))
	}
}

// TestBalance holds 70 sessions open on media servers of weights 1, 2 and 4.
func TestBalance(t *testing.T) {
	e := newEnv(t, envOptions{weights: []int{1, 2, 4}})
	phone := e.phone(softphone.Config{User: alice})
	var chats []*softphone.Chat
	for i := range 70 {
		chat, err := phone.Call(e.ctx, fmt.Sprintf("sip:user%d@%s", i, domain))
		if err != nil {
			t.Fatal(err)
		}
		chats = append(chats, chat)
	}
	for i, want := range []string{"10", "20", "40"} {
		p := e.cluster.MS[i]
		if got := e.metric(p, "mscp_mediaserver_store_sessions"); got != want {
			t.Errorf("%s has %s sessions, want %s", p.Name, got, want)
		}
		if got := e.metric(e.cluster.AS, `mscp_as_store_sessions{ms="`+p.Name+`"}`); got != want {
			t.Errorf("the application server counts %s sessions on %s, want %s", got, p.Name, want)
		}
	}
	for _, c := range chats {
		if err := c.Close(e.ctx); err != nil {
			t.Error(err)
		}
	}
	for _, p := range e.cluster.MS {
		e.eventually("no session is left", func() bool {
			return e.metric(p, "mscp_mediaserver_store_sessions") == "0" && e.metric(e.cluster.AS, `mscp_as_store_sessions{ms="`+p.Name+`"}`) == "0"
		})
	}
}
