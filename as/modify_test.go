package as

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// changing has a fake media server answer changes of its store sessions with f,
// and returns the media server's ends of them.
func changing(m *fakeMS, f func(o sipua.Offer) ([]byte, error)) {
	m.change(func(m *fakeMS) {
		m.onStore = func(in *sipua.IncomingCall) {
			in.OnOffer(func(_ context.Context, o sipua.Offer) ([]byte, error) { return f(o) })
			call, _, err := in.Answer(context.Background(), []byte(testAnswer), sdpType)
			if err != nil {
				return
			}
			m.legs <- call
			<-call.Done()
		}
	})
}

// TestChangesAreCarried offers changes from either side, by re-INVITE and by
// UPDATE: each comes to the other side as it is, and so does its answer or refusal.
func TestChangesAreCarried(t *testing.T) {
	ctx := testContext(t)
	echo := func(o sipua.Offer) ([]byte, error) {
		if string(o.Body) == "bad" {
			return nil, &sipua.StatusError{Code: 488, Headers: []sipua.Header{
				sipua.WarningHeader(305, "ms.example.net", `no "type"`), sipua.WarningHeader(399, "ms.example.net", "at ms.example.net"),
			}}
		}
		if string(o.Body) == "type" {
			return nil, &sipua.StatusError{Code: 415}
		}
		return []byte(o.Method + " " + string(o.Body)), nil
	}
	ms := newFakeMS(t)
	changing(ms, echo)
	s := startAS(t, nil, ms)
	call, err := newCaller(t).call(ctx, s, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	call.OnOffer(func(_ context.Context, o sipua.Offer) ([]byte, error) { return echo(o) })
	for name, end := range map[string]*sipua.Call{"caller": call, "media server": <-ms.legs} {
		if got, err := end.Reinvite(ctx, []byte(testOffer), sdpType); err != nil || string(got) != "INVITE "+testOffer {
			t.Errorf("%s: re-INVITE: %q, %v", name, got, err)
		}
		if got, err := end.Update(ctx, []byte(testOffer), sdpType); err != nil || string(got) != "UPDATE "+testOffer {
			t.Errorf("%s: UPDATE: %q, %v", name, got, err)
		}
		for _, change := range []func(context.Context, []byte, string) ([]byte, error){end.Reinvite, end.Update} {
			_, err := change(ctx, []byte("bad"), sdpType)
			wantStatus(t, err, 488)
			var status *sipua.StatusError
			want := []sipua.Warning{{Code: 305, Agent: s.Addr(), Text: `no "type"`}, {Code: 399, Agent: s.Addr(), Text: "at " + s.cfg.Name}}
			if errors.As(err, &status); !slices.Equal(status.Warnings(), want) {
				t.Errorf("%s: the warnings of the refusal are %v, want %v", name, status.Warnings(), want)
			}
			_, err = change(ctx, []byte("type"), sdpType)
			wantStatus(t, err, 415)
			if errors.As(err, &status); status.Header("Accept") != sdpType {
				t.Errorf("%s: the 415 accepts %q", name, status.Header("Accept"))
			}
		}
	}
	wantSessions(t, s, 1)
	if err := call.Bye(ctx); err != nil {
		t.Error(err)
	}
	wantSessions(t, s, 0)
}

// TestChangesCross has both sides change the session at once: neither waits for the
// other for ever.
func TestChangesCross(t *testing.T) {
	ctx := testContext(t)
	echo := func(o sipua.Offer) ([]byte, error) { return o.Body, nil }
	ms := newFakeMS(t)
	changing(ms, echo)
	s := startAS(t, nil, ms)
	call, err := newCaller(t).call(ctx, s, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = call.Bye(ctx) }()
	call.OnOffer(func(_ context.Context, o sipua.Offer) ([]byte, error) { return echo(o) })
	leg := <-ms.legs
	var both sync.WaitGroup
	for _, end := range []*sipua.Call{call, leg} {
		both.Go(func() {
			if _, err := end.Reinvite(ctx, []byte(testOffer), sdpType); err != nil {
				t.Errorf("re-INVITE: %v", err)
			}
		})
	}
	both.Wait()
}

// TestOfferIsAskedFor has either side ask for the other's offer in a re-INVITE: the
// answer goes through as well.
func TestOfferIsAskedFor(t *testing.T) {
	ctx := testContext(t)
	answers := make(chan string, 1)
	offering := func(o sipua.Offer) ([]byte, error) {
		if len(o.Body) > 0 {
			return nil, errors.New("an offer, where one is asked for")
		}
		o.OnAnswer(func(body []byte, _ string) { answers <- string(body) })
		return []byte(testOffer), nil
	}
	ms := newFakeMS(t)
	changing(ms, offering)
	s := startAS(t, nil, ms)
	call, err := newCaller(t).call(ctx, s, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = call.Bye(ctx) }()
	call.OnOffer(func(_ context.Context, o sipua.Offer) ([]byte, error) { return offering(o) })
	for name, end := range map[string]*sipua.Call{"caller": call, "media server": <-ms.legs} {
		// Without an answer in the ACK, the other side gets one that refuses all.
		for _, answer := range []string{testAnswer, ""} {
			offer, reply, err := askOffer(ctx, end)
			if err != nil || string(offer) != testOffer {
				t.Fatalf("%s: offer %q, %v", name, offer, err)
			}
			if err := reply(ctx, []byte(answer), sdpType); err != nil {
				t.Fatal(err)
			}
			if got := <-answers; answer != "" && got != answer || answer == "" && !strings.Contains(got, "m=message 0 TCP/MSRP") {
				t.Errorf("%s: %q came as %q", name, answer, got)
			}
		}
	}
}

// askOffer asks again while the change before is not over on all legs.
func askOffer(ctx context.Context, end *sipua.Call) ([]byte, func(context.Context, []byte, string) error, error) {
	for {
		offer, reply, err := end.AskOffer(ctx)
		var status *sipua.StatusError
		if !errors.As(err, &status) || status.Code != 491 && status.Code != 500 {
			return offer, reply, err
		}
	}
}

// TestChangeNotAnswered has the media server take too long over a change: the
// caller is told, and the session goes on.
func TestChangeNotAnswered(t *testing.T) {
	ctx := testContext(t)
	ms := newFakeMS(t)
	release := make(chan struct{})
	changing(ms, func(o sipua.Offer) ([]byte, error) { <-release; return o.Body, nil })
	s := startAS(t, func(c *Config) { c.Store.InviteTimeout = 300 * time.Millisecond }, ms)
	call, err := newCaller(t).call(ctx, s, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = call.Bye(ctx) }()
	_, err = call.Reinvite(ctx, []byte(testOffer), sdpType)
	wantStatus(t, err, 504)
	close(release)
	wantSessions(t, s, 1)
	waitFor(t, "the next change to go through", func() bool {
		_, err := call.Reinvite(ctx, []byte(testOffer), sdpType)
		return err == nil
	})
}

// TestCallerWithoutOffer leaves the offer to the media server, and the answer to
// the caller's ACK.
func TestCallerWithoutOffer(t *testing.T) {
	for name, answer := range map[string]string{"answer": testAnswer, "no answer": ""} {
		t.Run(name, func(t *testing.T) {
			ctx := testContext(t)
			ms := newFakeMS(t)
			ms.change(func(m *fakeMS) {
				m.onStore = func(in *sipua.IncomingCall) {
					if len(in.Body) != 0 {
						t.Errorf("the media server got the offer %q", in.Body)
					}
					call, _, err := in.Answer(context.Background(), []byte(testOffer), sdpType)
					if err != nil {
						t.Error(err)
						return
					}
					m.legs <- call
					<-call.Done()
				}
			})
			s := startAS(t, nil, ms)
			call, err := newCaller(t).ua.Invite(ctx, sipua.InviteRequest{
				URI: "sip:bob@example.com", From: "sip:alice@example.com", To: "sip:bob@example.com", Destination: s.Addr(),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(call.RemoteBody()); got != testOffer {
				t.Errorf("the caller got the offer %q", got)
			}
			if err := call.Ack(ctx, []byte(answer), sdpType); err != nil {
				t.Fatal(err)
			}
			leg := <-ms.legs
			want := answer
			if answer == "" {
				want = "m=message 0 TCP/MSRP"
				<-call.Done()
			}
			if ack := ms.last("ACK"); !strings.Contains(ack, want) { // the BYE may overtake it in sipgo
				t.Errorf("the media server got\n%s", ack)
			}
			if answer != "" {
				wantSessions(t, s, 1)
				if err := call.Bye(ctx); err != nil {
					t.Error(err)
				}
			}
			<-leg.Done()
			wantSessions(t, s, 0)
		})
	}
}

// TestCancelWithoutOffer cancels such a call while the media server's offer is
// there: it gets an answer that refuses it.
func TestCancelWithoutOffer(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	ms := newFakeMS(t)
	ms.change(func(m *fakeMS) {
		m.onStore = func(in *sipua.IncomingCall) {
			call, _, err := in.Answer(context.Background(), []byte(testOffer), sdpType)
			if err != nil {
				t.Error(err)
				return
			}
			<-call.Done()
			m.legs <- call
		}
		m.onRequest = silent(cancel)
	})
	s := startAS(t, func(c *Config) { c.Store.RestoreWait = time.Minute }, ms)
	_, err := newCaller(t).ua.Invite(ctx, sipua.InviteRequest{
		URI: "sip:bob@example.com", From: "sip:alice@example.com", To: "sip:bob@example.com", Destination: s.Addr(),
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	<-ms.legs
	if ack := ms.last("ACK"); !strings.Contains(ack, "m=message 0 TCP/MSRP") { // the BYE may overtake it in sipgo
		t.Errorf("the media server got\n%s", ack)
	}
	wantSessions(t, s, 0)
}

// TestSessionTimerIsAsked looks for a session timer on both legs.
func TestSessionTimerIsAsked(t *testing.T) {
	for _, d := range []time.Duration{0, 2 * time.Minute} {
		t.Run(fmt.Sprint(d), func(t *testing.T) {
			ms, c := newFakeMS(t), newCaller(t)
			toMS := make(chan string, 1)
			ms.change(func(m *fakeMS) {
				m.onStore = func(in *sipua.IncomingCall) {
					toMS <- in.Header("Session-Expires")
					_ = in.Reject(488, "")
				}
			})
			s := startAS(t, func(c *Config) { c.SIP.SessionExpires = d }, ms)
			_, err := c.call(testContext(t), s, testOffer)
			wantStatus(t, err, 488)
			want := ""
			if d > 0 {
				want = "120"
			}
			if got := <-toMS; got != want {
				t.Errorf("the media server got Session-Expires: %q", got)
			}
			ms.change(func(m *fakeMS) { m.onStore = nil })
			if _, err := c.call(testContext(t), s, testOffer); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(c.heads(), "Session-Expires: 120;refresher="); got != (d > 0) {
				t.Errorf("the caller saw:\n%s", c.heads())
			}
		})
	}
}

// TestMaxDuration has a session that nobody ends.
func TestMaxDuration(t *testing.T) {
	ms := newFakeMS(t)
	s := startAS(t, func(c *Config) { c.Store.MaxDuration = 200 * time.Millisecond }, ms)
	call, err := newCaller(t).call(testContext(t), s, testOffer)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []*sipua.Call{call, <-ms.legs} {
		select {
		case <-end.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("a leg goes on")
		}
	}
	wantSessions(t, s, 0)
}

// TestByeFromBothSides ends a session from either side, and from both at once.
func TestByeFromBothSides(t *testing.T) {
	ctx := testContext(t)
	ms, c := newFakeMS(t), newCaller(t)
	s := startAS(t, nil, ms)
	for name, who := range map[string][2]bool{"caller": {true, false}, "media server": {false, true}, "both": {true, true}} {
		for range 5 {
			call, err := c.call(ctx, s, testOffer)
			if err != nil {
				t.Fatal(err)
			}
			ends := []*sipua.Call{call, <-ms.legs}
			var byes sync.WaitGroup
			for i, end := range ends {
				if who[i] {
					byes.Go(func() {
						if err := end.Bye(ctx); err != nil {
							t.Errorf("%s: BYE: %v", name, err)
						}
					})
				}
			}
			byes.Wait()
			for _, end := range ends {
				select {
				case <-end.Done():
				case <-time.After(10 * time.Second):
					t.Fatalf("%s: a leg goes on", name)
				}
			}
			wantSessions(t, s, 0)
		}
	}
}

// TestKeptAfterARestart has a media server tell of messages that were stored in a
// session of an earlier run, which this one knows nothing of; and then of messages
// in one of its own, which it knows.
func TestKeptAfterARestart(t *testing.T) {
	ms := newFakeMS(t)
	s := startAS(t, nil, ms)
	kept := func(connection, sender string) {
		ms.mu.Lock()
		srv := ms.channel
		ms.mu.Unlock()
		if err := srv.Notify(testContext(t), &mscp.MsgKept{
			FromURI: sender, ToURI: "sip:bob@example.com", ConnectionID: connection, Messages: 2,
		}); err != nil {
			t.Fatal(err)
		}
	}
	kept(s.legs.callID()+";a;b", "sip:alice@example.com")
	kept("of an earlier run;a;b", "sip:alice@example.com")
	kept(s.legs.callID()+";a;b", "sip:carol@example.com")
	kept("of an earlier run;a;b", "sip:dave@example.com")
	waitFor(t, "the messages to be noted", func() bool { return len(pairsOf(t, s)) >= 3 })
	if pairs := pairsOf(t, s); len(pairs) != 3 || s.mailboxes.Len() != 1 {
		t.Errorf("%d mailboxes, and the directory has %v", s.mailboxes.Len(), pairs)
	}
}

func pairsOf(t *testing.T, s *Server) (pairs []Pair) {
	t.Helper()
	if err := s.dir.Each(func(p Pair) error { pairs = append(pairs, p); return nil }); err != nil {
		t.Fatal(err)
	}
	return pairs
}
