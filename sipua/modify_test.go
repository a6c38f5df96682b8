package sipua

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// newUAWith starts a user agent on loopback that ends with the test.
func newUAWith(t *testing.T, cfg Config, h Handlers) *UA {
	t.Helper()
	cfg.User = "test"
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	ua, err := New(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	return ua
}

const (
	sdpOne   = "v=0\r\no=- 1 1 IP4 192.0.2.1\r\ns=-\r\n"
	sdpTwo   = "v=0\r\no=- 1 2 IP4 192.0.2.1\r\ns=-\r\n"
	sdpOther = "v=0\r\no=- 7 7 IP4 192.0.2.7\r\ns=-\r\n"
	withSDP  = "Content-Type: application/sdp\r\n"
)

// A rawDialog is a peer's end of a dialog with a user agent.
type rawDialog struct {
	*rawPeer
	ua               string // where the user agent is
	callID, from, to string // From and To of the peer's requests
	seq              int
}

// request makes the peer's next request.
func (d *rawDialog) request(method, more, body string) string {
	if method != "ACK" && method != "CANCEL" {
		d.seq++
	}
	return fmt.Sprintf("%s sip:test@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:peer@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, d.ua, d.Addr(), token(), d.from, d.to, d.callID, d.seq, method, d.Addr(), more, len(body), body)
}

// do sends a request and returns the final response with its CSeq.
func (d *rawDialog) do(method, more, body string) string {
	d.t.Helper()
	d.Send(d.ua, d.request(method, more, body))
	return d.final(fmt.Sprintf("%d %s", d.seq, method))
}

func (d *rawDialog) final(cseq string) string {
	d.t.Helper()
	for {
		if res := d.next("SIP/2.0 "); testutil.Field(res, "CSeq") == cseq && !strings.HasPrefix(res, "SIP/2.0 1") {
			return res
		}
	}
}

// answer is a response of the peer's with a body.
func (p *rawPeer) answer(request, status, toTag, more, body string) string {
	res := p.response(request, status, toTag, more)
	return strings.Replace(res, "Content-Length: 0", fmt.Sprintf("Content-Length: %d", len(body)), 1) + body
}

// callRaw makes a call from the peer to the user agent and acknowledges it.
func callRaw(t *testing.T, ua *UA, more, body string) (*rawDialog, string) {
	t.Helper()
	d := &rawDialog{rawPeer: newRawPeer(t), ua: ua.Addr(), callID: strings.ReplaceAll(t.Name(), "/", "-") + token(), from: "<sip:peer@example.com>;tag=p", to: "<sip:test@example.com>"}
	res := d.do("INVITE", more, body)
	if strings.HasPrefix(res, "SIP/2.0 200") {
		d.to = testutil.Field(res, "To")
		d.Send(d.ua, d.request("ACK", "", ""))
	}
	return d, res
}

// callToRaw makes a call from the user agent that the peer answers.
func callToRaw(t *testing.T, ua *UA, more, body string) (*rawDialog, *Call) {
	t.Helper()
	p := newRawPeer(t)
	calls := make(chan *Call, 1)
	go func() {
		defer close(calls)
		call, err := ua.Invite(testContext(t), InviteRequest{
			URI: "sip:peer@" + p.Addr(), From: "sip:a@example.com", To: "sip:peer@example.com", Body: []byte(sdpOther), ContentType: "application/sdp",
		})
		if err != nil {
			t.Error(err)
			return
		}
		if err := call.Ack(testContext(t), nil, ""); err != nil {
			t.Error(err)
			return
		}
		calls <- call
	}()
	invite := p.next("INVITE")
	p.Send(ua.Addr(), p.answer(invite, "200 OK", "p", more+withSDP, body))
	d := &rawDialog{rawPeer: p, ua: ua.Addr(), callID: testutil.Field(invite, "Call-ID"), from: testutil.Field(invite, "To") + ";tag=p", to: testutil.Field(invite, "From")}
	p.next("ACK")
	call := <-calls
	if call == nil {
		t.FailNow()
	}
	return d, call
}

func status(res string) string { return strings.SplitN(res, " ", 3)[1] }

func messageBody(m string) string { _, b, _ := strings.Cut(m, "\r\n\r\n"); return b }

// answering is a handler that answers calls with sdpOther, and tells of them.
func answering(t *testing.T, calls chan<- *Call, before func(*IncomingCall)) func(*IncomingCall) {
	return func(in *IncomingCall) {
		if before != nil {
			before(in)
		}
		call, _, err := in.Answer(context.Background(), []byte(sdpOther), "application/sdp")
		if err != nil {
			t.Logf("Answer: %v", err)
			return
		}
		calls <- call
		<-call.Done()
	}
}

// TestUpdate changes a session by UPDATE, from either side.
func TestUpdate(t *testing.T) {
	overBoth(t, func(t *testing.T, params string) {
		ctx := testContext(t)
		offers := func(_ context.Context, o Offer) ([]byte, error) {
			switch string(o.Body) {
			case "bad":
				return nil, errors.New("no")
			case "busy":
				return nil, &StatusError{Code: 486}
			}
			return []byte(o.Method + ":" + o.ContentType + ":" + o.Header("Max-Forwards")), nil
		}
		calls := make(chan *Call, 1)
		callee := newUA(t, Handlers{Invite: answering(t, calls, func(in *IncomingCall) { in.OnOffer(offers) })})
		caller, err := newUA(t, Handlers{}).Invite(ctx, InviteRequest{
			URI: "sip:bob@" + callee.Addr() + params, From: "sip:a@example.com", To: "sip:b@example.com", Body: []byte(sdpOne), ContentType: "application/sdp",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := caller.Ack(ctx, nil, ""); err != nil {
			t.Fatal(err)
		}
		caller.OnOffer(offers)
		for name, call := range map[string]*Call{"caller": caller, "callee": <-calls} {
			if !call.PeerTakesUpdate() {
				t.Errorf("%s: the peer does not take UPDATE", name)
			}
			if answer, err := call.Update(ctx, []byte("x"), sdpType); err != nil || string(answer) != "UPDATE:application/sdp:70" {
				t.Errorf("%s: answer %q, %v", name, answer, err)
			}
			if answer, err := call.Reinvite(ctx, []byte("x"), sdpType); err != nil || string(answer) != "INVITE:application/sdp:70" {
				t.Errorf("%s: answer %q, %v", name, answer, err)
			}
			if answer, err := call.Update(ctx, nil, ""); err != nil || len(answer) != 0 {
				t.Errorf("%s: without an offer: %q, %v", name, answer, err)
			}
			var status *StatusError
			if _, err := call.Update(ctx, []byte("bad"), sdpType); !errors.As(err, &status) || status.Code != 488 || len(status.Warnings()) != 1 {
				t.Errorf("%s: refused UPDATE: %v", name, err)
			}
			if _, err := call.Reinvite(ctx, []byte("busy"), sdpType); !errors.As(err, &status) || status.Code != 486 {
				t.Errorf("%s: refused re-INVITE: %v", name, err)
			}
		}
		if err := caller.Bye(ctx); err != nil {
			t.Error(err)
		}
		if _, err := caller.Update(ctx, nil, ""); !errors.Is(err, ErrEnded) {
			t.Errorf("UPDATE after the end: %v", err)
		}
	})
}

// TestGlare has both sides change the session at once, many times: each change
// goes through in the end.
func TestGlare(t *testing.T) {
	ctx := testContext(t)
	accept := func(_ context.Context, o Offer) ([]byte, error) { return o.Body, nil }
	calls := make(chan *Call, 1)
	quick := Config{timers: timers{glareUnit: 100 * time.Microsecond}}
	callee := newUAWith(t, quick, Handlers{Invite: answering(t, calls, func(in *IncomingCall) { in.OnOffer(accept) })})
	caller, err := newUAWith(t, quick, Handlers{}).Invite(ctx, InviteRequest{URI: "sip:bob@" + callee.Addr(), From: "sip:a@example.com", To: "sip:b@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if err := caller.Ack(ctx, []byte(sdpOne), "application/sdp"); err != nil {
		t.Fatal(err)
	}
	caller.OnOffer(accept)
	var wg sync.WaitGroup
	for side, call := range []*Call{caller, <-calls} {
		wg.Go(func() {
			for i := range 5 {
				change := call.Reinvite
				if i%2 == side {
					change = call.Update
				}
				if answer, err := change(ctx, []byte("mine"), sdpType); err != nil || string(answer) != "mine" {
					t.Errorf("side %d, change %d: %q, %v", side, i, answer, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestGlareOnTheWire crosses a re-INVITE with the peer's: the peer's gets 491,
// ours is tried again after the pause for the side that made the call, and the
// peer's may go through in that pause.
func TestGlareOnTheWire(t *testing.T) {
	ua := newUAWith(t, Config{timers: timers{glareUnit: time.Millisecond}}, Handlers{})
	d, call := callToRaw(t, ua, "", sdpOne)
	call.OnOffer(func(context.Context, Offer) ([]byte, error) { return []byte(sdpOther), nil })
	result := make(chan error, 1)
	go func() {
		_, err := call.Reinvite(testContext(t), []byte(sdpTwo), "application/sdp")
		result <- err
	}()
	ours := d.next("INVITE")
	if res := d.do("INVITE", withSDP, sdpTwo); status(res) != "491" {
		t.Errorf("the peer's re-INVITE got\n%s", res)
	}
	if res := d.do("UPDATE", withSDP, sdpTwo); status(res) != "491" {
		t.Errorf("the peer's UPDATE got\n%s", res)
	}
	if res := d.do("UPDATE", "", ""); status(res) != "200" {
		t.Errorf("the peer's UPDATE without an offer got\n%s", res)
	}
	d.Send(d.ua, d.response(ours, "491 Request Pending", "", ""))
	refused := time.Now()
	d.next("ACK") // of the transaction, which the dialog need not have heard from yet
	call.mu.Lock()
	free := call.exchange.free
	call.mu.Unlock()
	if free != nil {
		<-free
	}
	if res := d.do("INVITE", withSDP, sdpTwo); status(res) != "200" {
		t.Errorf("the peer's re-INVITE in the pause got\n%s", res)
	}
	d.Send(d.ua, d.request("ACK", "", ""))
	again := d.next("INVITE")
	for testutil.Field(again, "CSeq") == testutil.Field(ours, "CSeq") {
		again = d.next("INVITE")
	}
	if pause := time.Since(refused); pause < 210*time.Millisecond {
		t.Errorf("tried again after %v, which is for the other side", pause)
	}
	d.Send(d.ua, d.answer(again, "200 OK", "", withSDP, sdpTwo))
	d.next("ACK")
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// TestChangesOutOfOrder sends changes that come too late or too early.
func TestChangesOutOfOrder(t *testing.T) {
	calls, hold := make(chan *Call, 1), make(chan struct{})
	entered := make(chan struct{}, 1)
	ua := newUA(t, Handlers{Invite: answering(t, calls, func(in *IncomingCall) {
		in.OnOffer(func(context.Context, Offer) ([]byte, error) {
			entered <- struct{}{}
			<-hold
			return []byte(sdpOther), nil
		})
	})})
	d, _ := callRaw(t, ua, withSDP, sdpOne)
	<-calls
	d.Send(d.ua, d.request("INVITE", withSDP, sdpTwo))
	held := d.seq
	<-entered
	for _, tc := range []struct {
		name, method, body, want string
		step                     int
	}{
		{"lower CSeq", "INVITE", sdpTwo, "500", -2},
		{"second INVITE", "INVITE", sdpTwo, "500", 5},
		{"UPDATE with an offer", "UPDATE", sdpTwo, "500", 0},
		{"UPDATE without one", "UPDATE", "", "200", 0},
		{"BYE with a lower CSeq", "BYE", "", "500", -4},
	} {
		d.seq += tc.step
		res := d.do(tc.method, withSDP, tc.body)
		if status(res) != tc.want || tc.want == "500" && testutil.Field(res, "Retry-After") == "" {
			t.Errorf("%s got\n%s", tc.name, res)
		}
	}
	d.seq = 100
	close(hold)
	if res := d.final(fmt.Sprintf("%d INVITE", held)); status(res) != "200" {
		t.Errorf("the change that was held got\n%s", res)
	}
	d.seq = held
	d.Send(d.ua, d.request("ACK", "", ""))
	d.seq = 100
	stranger := *d
	stranger.from = "<sip:peer@example.com>;tag=stranger"
	if res := stranger.do("BYE", "", ""); status(res) != "481" {
		t.Errorf("a BYE with another From tag got\n%s", res)
	}
	if res := d.do("BYE", "", ""); status(res) != "200" {
		t.Errorf("BYE got\n%s", res)
	}
	if res := d.do("UPDATE", "", ""); status(res) != "481" {
		t.Errorf("UPDATE after BYE got\n%s", res)
	}
}

// TestUnchangedOffer has nobody answer offers: one that changes nothing is
// answered all the same.
func TestUnchangedOffer(t *testing.T) {
	calls := make(chan *Call, 1)
	ua := newUA(t, Handlers{Invite: answering(t, calls, nil)})
	d, _ := callRaw(t, ua, withSDP, sdpOne)
	<-calls
	for _, tc := range []struct{ name, method, body, want string }{
		{"the same INVITE", "INVITE", sdpOne + "a=x\r\n", "200"},
		{"an INVITE for an offer", "INVITE", "", "200"},
		{"another INVITE", "INVITE", sdpTwo, "488"},
		{"the same UPDATE", "UPDATE", sdpOne, "200"},
		{"another UPDATE", "UPDATE", sdpTwo, "488"},
	} {
		res := d.do(tc.method, withSDP, tc.body)
		if status(res) != tc.want || tc.want == "200" && messageBody(res) != sdpOther {
			t.Errorf("%s got\n%s", tc.name, res)
		}
		if tc.method == "INVITE" {
			d.Send(d.ua, d.request("ACK", "", ""))
		}
	}
}

// TestTargetRefresh moves the peer by re-INVITE, by UPDATE and by the answer to
// one of ours: what follows goes to its latest Contact.
func TestTargetRefresh(t *testing.T) {
	ua := newUA(t, Handlers{})
	d, call := callToRaw(t, ua, "Allow: UPDATE\r\n", sdpOne)
	move := func(request, user string) string {
		return strings.Replace(request, "Contact: <sip:peer@", "Contact: <sip:"+user+"@", 1)
	}
	update := func() string {
		t.Helper()
		result := make(chan error, 1)
		go func() { _, err := call.Update(testContext(t), nil, ""); result <- err }()
		got := d.next("UPDATE")
		d.Send(d.ua, move(d.response(got, "200 OK", "", ""), "fourth"))
		if err := <-result; err != nil {
			t.Error(err)
		}
		return strings.Fields(got)[1]
	}
	d.Send(d.ua, move(d.request("INVITE", withSDP, sdpOne), "second"))
	d.final(fmt.Sprintf("%d INVITE", d.seq))
	d.Send(d.ua, d.request("ACK", "", ""))
	if uri := update(); uri != "sip:second@"+d.Addr() {
		t.Errorf("after a re-INVITE, the target is %s", uri)
	}
	d.Send(d.ua, move(d.request("UPDATE", "", ""), "third"))
	d.final(fmt.Sprintf("%d UPDATE", d.seq))
	if uri := update(); uri != "sip:third@"+d.Addr() {
		t.Errorf("after an UPDATE, the target is %s", uri)
	}
	if uri := update(); uri != "sip:fourth@"+d.Addr() {
		t.Errorf("after a 200 to an UPDATE, the target is %s", uri)
	}
}

// TestReinviteAbandoned gives a re-INVITE up: it is cancelled, the 200 that
// crosses the CANCEL is acknowledged, and the dialog goes on.
func TestReinviteAbandoned(t *testing.T) {
	ua := newUA(t, Handlers{})
	d, call := callToRaw(t, ua, "", sdpOne)
	ctx, cancel := context.WithCancel(testContext(t))
	result := make(chan error, 1)
	go func() { _, err := call.Reinvite(ctx, []byte(sdpTwo), "application/sdp"); result <- err }()
	invite := d.next("INVITE")
	d.Send(d.ua, d.response(invite, "100 Trying", "", ""))
	time.AfterFunc(50*time.Millisecond, cancel) // whichever is first, the 100 or this
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Reinvite: %v", err)
	}
	got := d.next("CANCEL")
	d.Send(d.ua, d.response(got, "200 OK", "", ""))
	d.Send(d.ua, d.answer(invite, "200 OK", "", withSDP, sdpTwo))
	if ack := d.next("ACK"); testutil.Field(ack, "CSeq") != strings.Replace(testutil.Field(invite, "CSeq"), "INVITE", "ACK", 1) {
		t.Errorf("the ACK is for %s", testutil.Field(ack, "CSeq"))
	}
	if call.Ended() {
		t.Error("the dialog has ended")
	}
	go func() { _, err := call.Reinvite(testContext(t), nil, ""); result <- err }()
	gone := d.next("INVITE")
	for testutil.Field(gone, "CSeq") == testutil.Field(invite, "CSeq") {
		gone = d.next("INVITE")
	}
	d.Send(d.ua, d.response(gone, "481 Gone", "", ""))
	d.next("ACK")
	var status *StatusError
	if err := <-result; !errors.As(err, &status) || status.Code != 481 {
		t.Errorf("Reinvite: %v", err)
	}
	bye := d.next("BYE")
	d.Send(d.ua, d.response(bye, "481 Gone", "", ""))
	await(t, "end of the dialog", call.Done())
	if !errors.As(call.Err(), &status) {
		t.Errorf("the dialog ended with %v", call.Err())
	}
}
