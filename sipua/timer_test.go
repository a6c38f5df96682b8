package sipua

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/testutil"
)

// brief lets session timers of a second be tested.
func brief(expires time.Duration) Config {
	return Config{SessionExpires: expires, timers: timers{minSE: time.Second, glareUnit: time.Millisecond}}
}

// TestTimerIsAgreed holds what a 2xx of ours says of session timers. See RFC
// 4028, section 9, table 2.
func TestTimerIsAgreed(t *testing.T) {
	const knows = "Supported: 100rel, timer\r\n"
	for _, tc := range []struct {
		name    string
		own     time.Duration
		ask     string
		status  string
		expires string // of the response
		require string
	}{
		{"off, nothing asked", 0, knows, "200", "", ""},
		{"off, asked for", 0, knows + "Session-Expires: 1800\r\n", "200", "1800;refresher=uac", "timer"},
		{"off, in compact form", 0, "k: timer\r\nx: 1800\r\n", "200", "1800;refresher=uac", "timer"},
		{"asked for, uas", 0, knows + "Session-Expires: 1800;refresher=uas\r\n", "200", "1800;refresher=uas", "timer"},
		{"asked for, uac", 0, knows + "Session-Expires: 1800 ; Refresher=UAC\r\n", "200", "1800;refresher=uac", "timer"},
		{"put in by a proxy", 0, "Session-Expires: 1800\r\n", "200", "1800;refresher=uas", ""},
		{"too brief", 0, knows + "Session-Expires: 89\r\n", "422", "", ""},
		{"too brief, of a proxy", 0, "Session-Expires: 60\r\n", "200", "60;refresher=uas", ""},
		{"nonsense", 0, knows + "Session-Expires: soon\r\n", "400", "", ""},
		{"on, nothing asked", 10 * time.Minute, knows, "200", "600;refresher=uac", "timer"},
		{"on, peer without timers", 10 * time.Minute, "", "200", "600;refresher=uas", ""},
		{"on, longer asked", 10 * time.Minute, knows + "Session-Expires: 1800\r\n", "200", "600;refresher=uac", "timer"},
		{"on, shorter asked", 10 * time.Minute, knows + "Session-Expires: 300\r\n", "200", "300;refresher=uac", "timer"},
		{"on, but not below Min-SE", 10 * time.Minute, knows + "Session-Expires: 1800\r\nMin-SE: 900\r\n", "200", "900;refresher=uac", "timer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls := make(chan *Call, 1)
			ua := newUAWith(t, Config{SessionExpires: tc.own}, Handlers{Invite: answering(t, calls, nil)})
			_, res := callRaw(t, ua, tc.ask+withSDP, sdpOne)
			if status(res) != tc.status || testutil.Field(res, "Session-Expires") != tc.expires || testutil.Field(res, "Require") != tc.require {
				t.Errorf("got\n%s", res)
			}
			if tc.status == "422" && testutil.Field(res, "Min-SE") != "90" {
				t.Errorf("Min-SE: %s", testutil.Field(res, "Min-SE"))
			}
		})
	}
}

// TestTimerIsAsked holds what an INVITE of ours says, and that a 422 is heeded.
func TestTimerIsAsked(t *testing.T) {
	p := newRawPeer(t)
	ua := newUAWith(t, Config{SessionExpires: 100 * time.Second}, Handlers{})
	result := make(chan error, 1)
	go func() {
		_, err := ua.Invite(testContext(t), InviteRequest{URI: "sip:peer@" + p.Addr(), From: "sip:a@example.com", To: "sip:peer@example.com"})
		result <- err
	}()
	invite := p.next("INVITE")
	if testutil.Field(invite, "Session-Expires") != "100" || testutil.Field(invite, "Supported") != "timer" || testutil.Field(invite, "Min-SE") != "" {
		t.Errorf("the INVITE is\n%s", invite)
	}
	for _, least := range []string{"120", "180"} { // two proxies, one after the other
		p.Send(ua.Addr(), p.response(invite, "422 Session Interval Too Small", "p", "Min-SE: "+least+"\r\n"))
		p.next("ACK")
		again := p.next("INVITE")
		for testutil.Field(again, "CSeq") == testutil.Field(invite, "CSeq") {
			again = p.next("INVITE")
		}
		if testutil.Field(again, "Session-Expires") != least || testutil.Field(again, "Min-SE") != least || testutil.Field(again, "Call-ID") != testutil.Field(invite, "Call-ID") {
			t.Errorf("after a 422, the INVITE is\n%s", again)
		}
		invite = again
	}
	p.Send(ua.Addr(), p.response(invite, "422 Session Interval Too Small", "p", "Min-SE: 180\r\n"))
	var status *StatusError
	if err := <-result; !errors.As(err, &status) || status.Code != 422 {
		t.Errorf("a 422 that says nothing new: %v", err)
	}
}

// TestSessionIsKeptAlive has the user agent refresh, by UPDATE for a peer that
// takes it and else by a re-INVITE with the same description, until the peer
// answers no more: then the call ends.
func TestSessionIsKeptAlive(t *testing.T) {
	for name, tc := range map[string]struct{ allow, method, body string }{
		"UPDATE":    {"Allow: INVITE, UPDATE\r\n", "UPDATE", ""},
		"re-INVITE": {"Allow: INVITE\r\n", "INVITE", sdpOther},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const agreed = "Session-Expires: 2;refresher=uac\r\n"
			ua := newUAWith(t, brief(2*time.Second), Handlers{})
			began := time.Now()
			d, call := callToRaw(t, ua, tc.allow+agreed, sdpOne)
			cseq := ""
			for i := range 2 {
				refresh := d.next(tc.method)
				for testutil.Field(refresh, "CSeq") == cseq {
					refresh = d.next(tc.method)
				}
				cseq = testutil.Field(refresh, "CSeq")
				if testutil.Field(refresh, "Session-Expires") != "2;refresher=uac" || messageBody(refresh) != tc.body {
					t.Errorf("the refresh is\n%s", refresh)
				}
				if i == 0 {
					if after := time.Since(began); after < 900*time.Millisecond || after > 1900*time.Millisecond {
						t.Errorf("refreshed after %v of 2 s", after)
					}
					d.Send(d.ua, d.answer(refresh, "200 OK", "", agreed+withSDP, sdpOne))
				}
			}
			silent := time.Now()
			bye := d.next("BYE")
			if after := time.Since(silent); after > 2*time.Second {
				t.Errorf("the BYE came %v after the refresh without an answer", after)
			}
			if !strings.Contains(testutil.Field(bye, "Reason"), "SIP;cause=408") {
				t.Errorf("the BYE is\n%s", bye)
			}
			d.Send(d.ua, d.response(bye, "200 OK", "", ""))
			await(t, "end of the call", call.Done())
			if !errors.Is(call.Err(), ErrSessionExpired) {
				t.Errorf("the call ended with %v", call.Err())
			}
		})
	}
}

// TestSessionExpires leaves refreshing to a peer that does it twice, once by
// UPDATE and once by re-INVITE, and then no more.
func TestSessionExpires(t *testing.T) {
	t.Parallel()
	calls := make(chan *Call, 1)
	ua := newUAWith(t, brief(0), Handlers{Invite: answering(t, calls, nil)})
	const ask = "Supported: timer\r\nSession-Expires: 3;refresher=uac\r\n"
	d, _ := callRaw(t, ua, ask+withSDP, sdpOne)
	call := <-calls
	for _, method := range []string{"UPDATE", "INVITE"} {
		time.Sleep(time.Second) // of the 3 - 1 that there are
		if res := d.do(method, ask+withSDP, map[string]string{"INVITE": sdpOne}[method]); status(res) != "200" || testutil.Field(res, "Session-Expires") != "3;refresher=uac" {
			t.Errorf("%s got\n%s", method, res)
		}
		if method == "INVITE" {
			d.Send(d.ua, d.request("ACK", "", ""))
		}
	}
	last := time.Now()
	bye := d.next("BYE")
	if after := time.Since(last); after < time.Second || after > 3*time.Second {
		t.Errorf("the session of 3 s was ended after %v", after)
	}
	if !strings.Contains(testutil.Field(bye, "Reason"), "SIP;cause=408") {
		t.Errorf("the BYE is\n%s", bye)
	}
	d.Send(d.ua, d.response(bye, "200 OK", "", ""))
	await(t, "end of the call", call.Done())
	if !errors.Is(call.Err(), ErrSessionExpired) {
		t.Errorf("the call ended with %v", call.Err())
	}
}

// TestTimersOfBothSides keeps a call between two user agents alive for longer
// than its interval, with either as the one that refreshes.
func TestTimersOfBothSides(t *testing.T) {
	t.Parallel()
	calls := make(chan *Call, 1)
	callee := newUAWith(t, brief(2*time.Second), Handlers{Invite: answering(t, calls, nil)})
	caller := newUAWith(t, brief(0), Handlers{})
	ctx := testContext(t)
	call, err := caller.Invite(ctx, InviteRequest{
		URI: "sip:bob@" + callee.Addr(), From: "sip:a@example.com", To: "sip:b@example.com", Body: []byte(sdpOne), ContentType: "application/sdp",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Ack(ctx, nil, ""); err != nil {
		t.Fatal(err)
	}
	other := <-calls
	select {
	case <-call.Done():
		t.Fatalf("the call ended: %v, %v", call.Err(), other.Err())
	case <-time.After(4 * time.Second): // two intervals
	}
	if err := other.Bye(ctx, Header{"Reason", "Q.850;cause=16"}); err != nil {
		t.Error(err)
	}
	await(t, "end of the call", call.Done())
	if call.Err() != nil {
		t.Errorf("the call ended with %v", call.Err())
	}
}

// TestSessionExpiresHeader reads the header's forms.
func TestSessionExpiresHeader(t *testing.T) {
	for value, want := range map[string]struct {
		interval  time.Duration
		refresher string
		ok        bool
	}{
		"1800":                      {1800 * time.Second, "", true},
		" 90 ;x=y; refresher = UAS": {90 * time.Second, "uas", true},
		"2147483647":                {2147483647 * time.Second, "", true},
		"2147483648":                {},
		"-1":                        {},
		"0":                         {},
		"":                          {},
	} {
		res := sip.NewResponse(200, "OK")
		res.AppendHeader(sip.NewHeader("Session-Expires", value))
		interval, refresher, ok := sessionExpires(res)
		if ok != want.ok || ok && (interval != want.interval || refresher != want.refresher) {
			t.Errorf("%q: %v, %q, %v", value, interval, refresher, ok)
		}
	}
}
