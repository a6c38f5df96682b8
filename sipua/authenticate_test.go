package sipua

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"github.com/gomscp/gomscp/internal/testutil"
)

// alice is a user who is known by her password, or by its MD5 hash only.
func alice(user string) (Secret, bool) {
	switch user {
	case "alice":
		return Secret{Password: "wonderland"}, true
	case "hashed":
		h := md5.Sum([]byte("hashed:example.com:wonderland"))
		return Secret{HA1: map[string]string{"MD5": hex.EncodeToString(h[:])}}, true
	}
	return Secret{}, false
}

// TestEveryRequestIsAuthenticated challenges whatever a user agent sends.
func TestEveryRequestIsAuthenticated(t *testing.T) {
	for _, proxy := range []bool{false, true} {
		for name, algorithms := range map[string][]string{"both": nil, "MD5": {"MD5"}, "SHA-512-256": {"SHA-512-256"}} {
			t.Run(fmt.Sprint(name, proxy), func(t *testing.T) {
				overBoth(t, func(t *testing.T, params string) {
					authenticateAll(t, params, NewAuthenticator(AuthConfig{Realm: "example.com", Lookup: alice, Algorithms: algorithms, Proxy: proxy}))
				})
			})
		}
	}
}

func authenticateAll(t *testing.T, params string, a *Authenticator) {
	ctx := testContext(t)
	var mu sync.Mutex
	taken := map[sip.RequestMethod]int{}
	var callee *UA
	ready := make(chan struct{})
	intercept := func(req *sip.Request, tx sip.ServerTransaction) bool {
		<-ready
		if tx == nil {
			return false
		}
		user, ok := callee.Authenticate(a, req, tx)
		if !ok {
			return true
		}
		if user != "alice" {
			t.Errorf("%s of %q", req.Method, user)
		}
		mu.Lock()
		taken[req.Method]++
		mu.Unlock()
		if req.Method != sip.REGISTER && req.Method != sip.SUBSCRIBE {
			return false
		}
		_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
		return true
	}
	calls := make(chan *Call, 1)
	callee = newUA(t, Handlers{Intercept: intercept, Invite: answering(t, calls, nil)})
	close(ready)
	caller := newUAWith(t, Config{Credentials: func(realm string) (string, string, bool) {
		return "alice", "wonderland", realm == "example.com"
	}}, Handlers{})
	at := callee.Addr() + params
	g, err := caller.Register(ctx, RegisterRequest{Registrar: "sip:" + at, AOR: "sip:alice@example.com", User: "alice", Password: "wonderland"})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Unregister(ctx); err != nil {
		t.Error(err)
	}
	sub, err := caller.Subscribe(ctx, SubscribeRequest{URI: "sip:bob@" + at, From: "sip:alice@example.com", Event: "presence", Password: "wonderland", OnNotify: func(Notification) {}})
	if err != nil {
		t.Fatal(err)
	}
	for done := false; !done; time.Sleep(time.Millisecond) { // the subscription tells of no event
		mu.Lock()
		done = taken[sip.SUBSCRIBE] > 0
		mu.Unlock()
	}
	sub.Close()
	call, err := caller.Invite(ctx, InviteRequest{URI: "sip:bob@" + at, From: "sip:alice@example.com", To: "sip:bob@example.com", Body: []byte(sdpOne), ContentType: "application/sdp"})
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Ack(ctx, nil, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Reinvite(ctx, []byte(sdpOne), "application/sdp"); err != nil {
		t.Errorf("re-INVITE: %v", err)
	}
	if _, err := call.Update(ctx, nil, ""); err != nil {
		t.Errorf("UPDATE: %v", err)
	}
	if err := call.Bye(ctx); err != nil {
		t.Errorf("BYE: %v", err)
	}
	await(t, "end of the other side", (<-calls).Done())
	mu.Lock()
	defer mu.Unlock()
	for method, n := range map[sip.RequestMethod]int{sip.REGISTER: 2, sip.INVITE: 2, sip.UPDATE: 1, sip.BYE: 1} {
		if taken[method] != n {
			t.Errorf("%d of %s were taken, not %d", taken[method], method, n)
		}
	}
}

// TestIncomingCallIsAuthenticated lets the Invite handler ask.
func TestIncomingCallIsAuthenticated(t *testing.T) {
	a := NewAuthenticator(AuthConfig{Realm: "example.com", Lookup: alice})
	users := make(chan string, 1)
	callee := newUA(t, Handlers{Invite: func(in *IncomingCall) {
		if user, ok := in.Authenticate(a); ok {
			users <- user
			_ = in.Reject(486, "")
		}
	}})
	caller := newUA(t, Handlers{})
	invite := func(user, password string) int {
		t.Helper()
		_, err := caller.Invite(testContext(t), InviteRequest{URI: "sip:bob@" + callee.Addr(), From: "sip:a@example.com", To: "sip:b@example.com", Username: user, Password: password})
		var status *StatusError
		if !errors.As(err, &status) {
			t.Fatal(err)
		}
		return status.Code
	}
	if code := invite("alice", "wonderland"); code != 486 || <-users != "alice" {
		t.Errorf("good credentials got %d", code)
	}
	for user, password := range map[string]string{"alice": "Wonderland", "bob": "wonderland", "": ""} {
		if code := invite(user, password); code != 401 {
			t.Errorf("%s with %q got %d", user, password, code)
		}
	}
}

// TestCheckNamesTheResponse holds what each failure is answered with.
func TestCheckNamesTheResponse(t *testing.T) {
	for _, proxy := range []bool{false, true} {
		code := map[bool]int{false: 401, true: 407}[proxy]
		ask := map[bool]string{false: "WWW-Authenticate", true: "Proxy-Authenticate"}[proxy]
		answer := map[bool]string{false: "Authorization", true: "Proxy-Authorization"}[proxy]
		a := NewAuthenticator(AuthConfig{Realm: "example.com", Lookup: alice, Proxy: proxy})
		credentials := ""
		for i, tc := range []struct {
			uri        string
			code       int
			challenges int
			stale      bool
		}{
			{"", code, 2, false},               // none
			{"sip:example.org", 400, 0, false}, // for another URI
			{"sip:example.com", 0, 0, false},   // good
			{"the same again", code, 2, true},
		} {
			req := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: "example.com"})
			if strings.HasPrefix(tc.uri, "sip:") {
				c, err := digest.ParseChallenge(a.Challenge(nil)[0].Value)
				if err != nil {
					t.Fatal(err)
				}
				made, err := digest.Digest(c, digest.Options{Method: "REGISTER", URI: tc.uri, Username: "alice", Password: "wonderland"})
				if err != nil {
					t.Fatal(err)
				}
				credentials = made.String()
			}
			if tc.uri != "" {
				req.AppendHeader(sip.NewHeader(answer, credentials))
			}
			user, err := a.Check(req)
			var status *StatusError
			if errors.As(err, &status); tc.code == 0 {
				if err != nil || user != "alice" {
					t.Errorf("%d: %q, %v", i, user, err)
				}
				continue
			}
			challenges := a.Challenge(err)
			if status == nil || status.Code != tc.code || len(challenges) != tc.challenges {
				t.Fatalf("%d: %v with %d challenges, want %d with %d", i, err, len(challenges), tc.code, tc.challenges)
			}
			for _, c := range challenges {
				if c.Name != ask || strings.Contains(c.Value, "stale=true") != tc.stale {
					t.Errorf("%d: %s: %s", i, c.Name, c.Value)
				}
			}
		}
	}
}

// TestChallengesInSeries answers a proxy's challenge, then another proxy's, a
// stale one, and the user agent server's, which does not like the password.
func TestChallengesInSeries(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	result := make(chan error, 1)
	go func() {
		_, err := ua.Invite(testContext(t), InviteRequest{URI: "sip:peer@" + p.Addr(), From: "sip:a@example.com", To: "sip:peer@example.com", Username: "alice", Password: "x"})
		result <- err
	}()
	invite, branch := p.next("INVITE"), ""
	const proxy, server = "Proxy-Authenticate: Digest realm=\"%s\", nonce=\"%s\", ", "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\", "
	for i, tc := range []struct {
		status, challenge string
		want              []string // in the next INVITE, after the header's name
	}{
		{"407 Auth", "Proxy-Authenticate: Basic realm=\"x\"\r\n" + fmt.Sprintf(proxy, "one", "n0") + "algorithm=UNKNOWN\r\n" + fmt.Sprintf(proxy, "one", "n1") + "algorithm=SHA-256, qop=\"auth-int, auth\"\r\n" + fmt.Sprintf(proxy, "one", "n1") + "algorithm=MD5\r\n",
			[]string{`Proxy-Authorization: Digest username="alice", realm="one", nonce="n1", uri="sip:peer@` + p.Addr() + `", algorithm=SHA-256`}},
		{"407 Auth", fmt.Sprintf(proxy, "two", "n2") + "algorithm=md5\r\n",
			[]string{`Proxy-Authorization: Digest username="alice", realm="one", nonce="n1"`, `Proxy-Authorization: Digest username="alice", realm="two", nonce="n2"`}},
		{"407 Auth", fmt.Sprintf(proxy, "one", "n3") + "algorithm=SHA-256, stale=TRUE, qop=\"auth\"\r\n",
			[]string{`Proxy-Authorization: Digest username="alice", realm="two", nonce="n2"`, `Proxy-Authorization: Digest username="alice", realm="one", nonce="n3"`}},
		{"401 Unauthorized", fmt.Sprintf(server, "one", "n4") + "opaque=\"o\"\r\n",
			[]string{`Authorization: Digest username="alice", realm="one", nonce="n4"`, `realm="two"`, `nonce="n3"`, `opaque="o"`}},
	} {
		p.Send(ua.Addr(), p.response(invite, tc.status, "p", tc.challenge))
		p.next("ACK")
		next := p.next("INVITE")
		for testutil.Field(next, "CSeq") == testutil.Field(invite, "CSeq") {
			next = p.next("INVITE")
		}
		for _, w := range tc.want {
			if !strings.Contains(next, w) {
				t.Errorf("attempt %d lacks %s:\n%s", i, w, next)
			}
		}
		if testutil.Field(next, "Via") == branch || testutil.Field(next, "Call-ID") != testutil.Field(invite, "Call-ID") || testutil.Field(next, "From") != testutil.Field(invite, "From") || testutil.Field(next, "To") != testutil.Field(invite, "To") {
			t.Errorf("attempt %d is\n%s", i, next)
		}
		invite, branch = next, testutil.Field(next, "Via")
	}
	p.Send(ua.Addr(), p.response(invite, "401 Unauthorized", "p", fmt.Sprintf(server, "one", "n5")+"opaque=\"o\"\r\n"))
	var status *StatusError
	if err := <-result; !errors.As(err, &status) || status.Code != 401 {
		t.Errorf("a password that is not accepted: %v", err)
	}
}

// TestByeAfterChallenge ends a call, whose BYE is challenged, with a CSeq that
// goes on.
func TestByeAfterChallenge(t *testing.T) {
	ua := newUAWith(t, Config{Credentials: func(string) (string, string, bool) { return "alice", "x", true }}, Handlers{})
	d, call := callToRaw(t, ua, "", sdpOne)
	result := make(chan error, 1)
	go func() { result <- call.Bye(context.Background()) }()
	bye := d.next("BYE")
	d.Send(d.ua, d.response(bye, "401 Unauthorized", "", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n"))
	again := d.next("BYE")
	for testutil.Field(again, "CSeq") == testutil.Field(bye, "CSeq") {
		again = d.next("BYE")
	}
	if testutil.Field(bye, "CSeq") != "2 BYE" || testutil.Field(again, "CSeq") != "3 BYE" || !strings.Contains(testutil.Field(again, "Authorization"), `nc=00000001`) {
		t.Errorf("after\n%s\nthere came\n%s", bye, again)
	}
	d.Send(d.ua, d.response(again, "200 OK", "", ""))
	if err := <-result; err != nil {
		t.Error(err)
	}
}
