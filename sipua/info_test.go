package sipua

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestInfo sends INFOs from either side, many at once, and has some refused.
func TestInfo(t *testing.T) {
	overBoth(t, func(t *testing.T, params string) {
		ctx := testContext(t)
		var mu sync.Mutex
		got := map[string]int{}
		take := func(_ context.Context, i Info) error {
			switch string(i.Body) {
			case "bad":
				return errors.New("no")
			case "busy":
				return &StatusError{Code: 486}
			}
			mu.Lock()
			defer mu.Unlock()
			got[i.ContentType+" "+string(i.Body)]++
			return nil
		}
		calls := make(chan *Call, 1)
		callee := newUA(t, Handlers{Invite: answering(t, calls, func(in *IncomingCall) { in.OnInfo(take) })})
		caller, err := newUA(t, Handlers{}).Invite(ctx, InviteRequest{
			URI: "sip:bob@" + callee.Addr() + params, From: "sip:a@example.com", To: "sip:b@example.com", Body: []byte(sdpOne), ContentType: "application/sdp",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := caller.Info(ctx, "text/plain", []byte("x")); err == nil {
			t.Error("an INFO before the ACK was sent")
		}
		if err := caller.Ack(ctx, nil, ""); err != nil {
			t.Fatal(err)
		}
		caller.OnInfo(take)
		ends := []*Call{caller, <-calls}
		var wg sync.WaitGroup
		for n, call := range ends {
			for i := range 20 {
				wg.Go(func() {
					if err := call.Info(ctx, "text/plain", fmt.Appendf(nil, "%d-%d", n, i)); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		mu.Lock()
		if len(got) != 40 || got["text/plain 1-19"] != 1 {
			t.Errorf("got %v", got)
		}
		mu.Unlock()
		for _, call := range ends {
			for body, code := range map[string]int{"bad": 400, "busy": 486} {
				var status *StatusError
				if err := call.Info(ctx, "text/plain", []byte(body)); !errors.As(err, &status) || status.Code != code {
					t.Errorf("%s: %v", body, err)
				}
			}
		}
		if err := caller.Bye(ctx); err != nil {
			t.Error(err)
		}
		if err := caller.Info(ctx, "text/plain", nil); !errors.Is(err, ErrEnded) {
			t.Errorf("INFO after the end: %v", err)
		}
	})
}

// TestInfoOnTheWire plays the peer: INFOs that nobody has asked for, out of
// order, and of no dialog; and refusals of ours.
func TestInfoOnTheWire(t *testing.T) {
	calls := make(chan *Call, 1)
	ua := newUA(t, Handlers{Invite: answering(t, calls, nil)})
	d, _ := callRaw(t, ua, withSDP, sdpOne)
	call := <-calls
	for _, tc := range []struct{ more, body, code string }{
		{"", "", "200"}, {"Content-Type: text/plain\r\n", "x", "415"}, {"Info-Package: nonsense\r\n", "", "469"},
	} {
		if res := d.do("INFO", tc.more, tc.body); status(res) != tc.code {
			t.Errorf("%+v: got\n%s", tc, res)
		}
	}
	d.seq -= 2
	if res := d.do("INFO", "", ""); status(res) != "500" || testutil.Field(res, "Retry-After") == "" {
		t.Errorf("out of order: got\n%s", res)
	}
	to := d.to
	d.to = strings.Replace(to, "tag=", "tag=x", 1)
	if res := d.do("INFO", "", ""); status(res) != "481" {
		t.Errorf("of no dialog: got\n%s", res)
	}
	d.to = to
	// One that came out of order is sent again, one that is refused is not.
	failed := make(chan error, 1)
	go func() { failed <- call.Info(testContext(t), "text/plain", []byte("y")) }()
	first := d.next("INFO")
	d.Send(d.ua, d.response(first, "500 Server Internal Error", "", "Retry-After: 0\r\n"))
	second := d.next("INFO")
	for testutil.Field(second, "CSeq") == testutil.Field(first, "CSeq") {
		second = d.next("INFO") // a repetition that was under way
	}
	if messageBody(second) != "y" {
		t.Errorf("sent again:\n%s", second)
	}
	d.Send(d.ua, d.response(second, "481 Gone", "", ""))
	var status *StatusError
	if err := <-failed; !errors.As(err, &status) || status.Code != 481 {
		t.Errorf("refused: %v", err)
	}
	bye := d.next("BYE")
	d.Send(d.ua, d.response(bye, "200 OK", "", ""))
	await(t, "end of the call", call.Done())
}

// TestAskOffer has the peer make the offer of a re-INVITE, and each side's answer
// go in the ACK.
func TestAskOffer(t *testing.T) {
	overBoth(t, func(t *testing.T, params string) {
		ctx := testContext(t)
		answers := make(chan string, 2)
		calls := make(chan *Call, 1)
		callee := newUA(t, Handlers{Invite: answering(t, calls, func(in *IncomingCall) {
			in.OnOffer(func(_ context.Context, o Offer) ([]byte, error) {
				if len(o.Body) > 0 {
					return []byte("to " + string(o.Body)), nil
				}
				o.OnAnswer(func(body []byte, contentType string) { answers <- contentType + " " + string(body) })
				return []byte("offer"), nil
			})
		})})
		caller, err := newUA(t, Handlers{}).Invite(ctx, InviteRequest{
			URI: "sip:bob@" + callee.Addr() + params, From: "sip:a@example.com", To: "sip:b@example.com", Body: []byte(sdpOne), ContentType: "application/sdp",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := caller.Ack(ctx, nil, ""); err != nil {
			t.Fatal(err)
		}
		<-calls
		offer, answer, err := caller.AskOffer(ctx)
		if err != nil || string(offer) != "offer" {
			t.Fatalf("offer %q, %v", offer, err)
		}
		// Until the answer, no other change of ours begins.
		waits, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if _, err := caller.Reinvite(waits, []byte("x"), sdpType); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a change before the answer: %v", err)
		}
		if err := answer(ctx, []byte("answer"), sdpType); err != nil {
			t.Fatal(err)
		}
		if got := <-answers; got != sdpType+" answer" {
			t.Errorf("the answer came as %q", got)
		}
		if body, err := caller.Reinvite(ctx, []byte("y"), sdpType); err != nil || string(body) != "to y" {
			t.Errorf("a change after the answer: %q, %v", body, err)
		}
	})
}

// TestNoAnswer has an offer of ours acknowledged by nobody: who waits for the
// answer is told, and the call ends.
func TestNoAnswer(t *testing.T) {
	calls := make(chan *Call, 1)
	answers := make(chan string, 1)
	ua := newUAWith(t, Config{timers: timers{t1: 5 * time.Millisecond, t2: 20 * time.Millisecond}}, Handlers{Invite: answering(t, calls, func(in *IncomingCall) {
		in.OnOffer(func(_ context.Context, o Offer) ([]byte, error) {
			o.OnAnswer(func(body []byte, _ string) { answers <- string(body) })
			return []byte("offer"), nil
		})
	})})
	d, _ := callRaw(t, ua, withSDP, sdpOne)
	call := <-calls
	if res := d.do("INVITE", "", ""); messageBody(res) != "offer" {
		t.Fatalf("got\n%s", res)
	}
	bye := d.next("BYE")
	d.Send(d.ua, d.response(bye, "200 OK", "", ""))
	if got := <-answers; got != "" {
		t.Errorf("the answer came as %q", got)
	}
	await(t, "end of the call", call.Done())
}
