package sipua

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// newUA starts a user agent on loopback that ends with the test.
func newUA(t *testing.T, h Handlers) *UA {
	t.Helper()
	ua, err := New(Config{Addr: "127.0.0.1:0", User: "test", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	return ua
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// overBoth runs a test over UDP and TCP.
func overBoth(t *testing.T, f func(t *testing.T, params string)) {
	for name, params := range map[string]string{"UDP": "", "TCP": ";transport=tcp"} {
		t.Run(name, func(t *testing.T) { f(t, params) })
	}
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("no %s within 10 s", what)
	}
}

// TestCall makes one call with an offer in the 2xx and the answer in the ACK,
// and ends it from either side.
func TestCall(t *testing.T) {
	overBoth(t, func(t *testing.T, params string) {
		for _, byCaller := range []bool{true, false} {
			ctx := testContext(t)
			answered := make(chan *Call, 1)
			acks := make(chan string, 1)
			callee := newUA(t, Handlers{Invite: func(in *IncomingCall) {
				if in.From != "sip:Alice@example.com" || in.To != "sip:bob@example.com" {
					t.Errorf("From %s, To %s", in.From, in.To)
				}
				_ = in.Provisional(180, "")
				call, body, err := in.Answer(ctx, []byte("offer"), sdpType)
				if err != nil {
					t.Errorf("Answer: %v", err)
					return
				}
				if call.ID() != in.ID() {
					t.Errorf("the id changed from %s to %s", in.ID(), call.ID())
				}
				acks <- string(body)
				answered <- call
				<-call.Done()
			}})
			caller := newUA(t, Handlers{})
			call, err := caller.Invite(ctx, InviteRequest{
				URI: "sip:bob@" + callee.Addr() + params, From: `"A" <sip:Alice@Example.COM:5060;x=y>`, To: "sip:bob@example.com",
			})
			if err != nil {
				t.Fatal(err)
			}
			if string(call.RemoteBody()) != "offer" {
				t.Errorf("body of the 2xx: %q", call.RemoteBody())
			}
			if err := call.Ack(ctx, []byte("answer"), sdpType); err != nil {
				t.Fatal(err)
			}
			if got := <-acks; got != "answer" {
				t.Errorf("body of the ACK: %q", got)
			}
			other := <-answered
			if call.ID() != other.ID() || strings.Count(call.ID().String(), ";") != 2 {
				t.Errorf("ids %s and %s", call.ID(), other.ID())
			}
			first, second := call, other
			if !byCaller {
				first, second = other, call
			}
			if err := first.Bye(ctx); err != nil {
				t.Errorf("Bye: %v", err)
			}
			await(t, "end of the other side", second.Done())
			if err := second.Bye(ctx); err != nil {
				t.Errorf("Bye after the end: %v", err)
			}
		}
	})
}

func TestReject(t *testing.T) {
	overBoth(t, func(t *testing.T, params string) {
		callee := newUA(t, Handlers{Invite: func(in *IncomingCall) {
			_ = in.Reject(503, "", Header{"Retry-After", "7"})
		}})
		_, err := newUA(t, Handlers{}).Invite(testContext(t), InviteRequest{
			URI: "sip:bob@" + callee.Addr() + params, From: "sip:a@example.com", To: "sip:b@example.com",
		})
		var status *StatusError
		if !errors.As(err, &status) || status.Code != 503 || status.Header("Retry-After") != "7" {
			t.Errorf("got %v", err)
		}
	})
}

func TestHandlerThatDoesNothingGets500(t *testing.T) {
	callee := newUA(t, Handlers{Invite: func(*IncomingCall) { panic("on purpose") }})
	_, err := newUA(t, Handlers{}).Invite(testContext(t), InviteRequest{
		URI: "sip:bob@" + callee.Addr(), From: "sip:a@example.com", To: "sip:b@example.com",
	})
	var status *StatusError
	if !errors.As(err, &status) || status.Code != 500 {
		t.Errorf("got %v", err)
	}
}

func TestCancel(t *testing.T) {
	overBoth(t, func(t *testing.T, params string) {
		ringing, cancelled := make(chan struct{}), make(chan struct{})
		callee := newUA(t, Handlers{Invite: func(in *IncomingCall) {
			close(ringing)
			<-in.Cancelled()
			if _, _, err := in.Answer(context.Background(), nil, ""); !errors.Is(err, ErrCancelled) {
				t.Errorf("Answer after CANCEL: %v", err)
			}
			close(cancelled)
		}})
		ctx, cancel := context.WithCancel(testContext(t))
		go func() { <-ringing; cancel() }()
		_, err := newUA(t, Handlers{}).Invite(ctx, InviteRequest{
			URI: "sip:bob@" + callee.Addr() + params, From: "sip:a@example.com", To: "sip:b@example.com",
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Invite: %v", err)
		}
		await(t, "CANCEL", cancelled)
	})
}

// TestAnswerCrossesCancel has the callee answer just as the caller gives up:
// the dialog must be ended, not left open.
func TestAnswerCrossesCancel(t *testing.T) {
	overBoth(t, func(t *testing.T, params string) {
		var caller *UA
		ctx, cancel := context.WithCancel(testContext(t))
		ended := make(chan struct{})
		callee := newUA(t, Handlers{Invite: func(in *IncomingCall) {
			defer close(ended)
			cancel()
			call, _, err := in.Answer(context.Background(), nil, "")
			if errors.Is(err, ErrCancelled) || errors.Is(err, ErrEnded) {
				return // the CANCEL was quicker, or the BYE overtook the ACK
			}
			if err != nil {
				t.Errorf("Answer: %v", err)
				return
			}
			<-call.Done()
		}})
		caller = newUA(t, Handlers{})
		call, err := caller.Invite(ctx, InviteRequest{
			URI: "sip:bob@" + callee.Addr() + params, From: "sip:a@example.com", To: "sip:b@example.com",
		})
		if err == nil {
			_ = call.Bye(testContext(t))
		}
		await(t, "end of the unwanted dialog", ended)
	})
}

func TestReinvite(t *testing.T) {
	overBoth(t, func(t *testing.T, params string) {
		ctx := testContext(t)
		callee := newUA(t, Handlers{Invite: func(in *IncomingCall) {
			in.OnReinvite(func(_ context.Context, offer []byte) ([]byte, error) {
				if string(offer) == "bad" {
					return nil, errors.New("no")
				}
				return append([]byte("re:"), offer...), nil
			})
			if call, _, err := in.Answer(ctx, []byte("first"), sdpType); err == nil {
				<-call.Done()
			}
		}})
		call, err := newUA(t, Handlers{}).Invite(ctx, InviteRequest{
			URI: "sip:bob@" + callee.Addr() + params, From: "sip:a@example.com", To: "sip:b@example.com", Body: []byte("x"), ContentType: sdpType,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := call.Ack(ctx, nil, ""); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			answer, err := call.Reinvite(ctx, []byte("second"), sdpType)
			if err != nil || string(answer) != "re:second" {
				t.Fatalf("answer %q, %v", answer, err)
			}
		}
		var status *StatusError
		if _, err := call.Reinvite(ctx, []byte("bad"), sdpType); !errors.As(err, &status) || status.Code != 488 {
			t.Errorf("refused re-INVITE: %v", err)
		}
		if call.Ended() {
			t.Error("a refused re-INVITE ended the dialog")
		}
		if err := call.Bye(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestTrace(t *testing.T) {
	overBoth(t, func(t *testing.T, params string) {
		var mu sync.Mutex
		seen := map[string]bool{}
		callee := newUA(t, Handlers{})
		caller, err := New(Config{Addr: "127.0.0.1:0", Trace: func(e TraceEvent) {
			mu.Lock()
			defer mu.Unlock()
			line, _, _ := strings.Cut(string(e.Raw), " ")
			seen[line+map[bool]string{true: ">", false: "<"}[e.Sent]] = true
			if e.Remote != callee.Addr() {
				t.Errorf("remote address %s", e.Remote)
			}
		}}, Handlers{})
		if err != nil {
			t.Fatal(err)
		}
		defer caller.Close()
		_, err = caller.Invite(testContext(t), InviteRequest{
			URI: "sip:bob@" + callee.Addr() + params, From: "sip:a@example.com", To: "sip:b@example.com",
		})
		var status *StatusError
		if !errors.As(err, &status) || status.Code != 480 {
			t.Errorf("got %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []string{"INVITE>", "SIP/2.0<", "ACK>"} {
			if !seen[want] {
				t.Errorf("not traced: %s (%v)", want, seen)
			}
		}
	})
}
