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
)

// TestDigestVectors takes the example of RFC 7616, section 3.9.1, with either
// algorithm and with either form of the secret, and changes a bit of each part.
func TestDigestVectors(t *testing.T) {
	ha1 := md5.Sum([]byte("Mufasa:http-auth@example.org:Circle of Life"))
	const example = `Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=%s, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", ` +
		`qop=auth, response="%s", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	for _, tc := range []struct {
		algorithm, response string
		secret              Secret
	}{
		{"MD5", "8ca523f5e9506fed4657c9700eebdbec", Secret{Password: "Circle of Life"}},
		{"MD5", "8CA523F5E9506FED4657C9700EEBDBEC", Secret{HA1: map[string]string{"MD5": hex.EncodeToString(ha1[:])}}},
		{"SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", Secret{Password: "Circle of Life"}},
	} {
		header := fmt.Sprintf(example, tc.algorithm, tc.response)
		c, err := digest.ParseCredentials(header)
		if err != nil {
			t.Fatal(err)
		}
		if !responseIs("GET", c, tc.algorithm, tc.secret) {
			t.Errorf("%s: the example's response is refused", tc.algorithm)
		}
		if responseIs("PUT", c, tc.algorithm, tc.secret) || responseIs("GET", c, tc.algorithm, Secret{Password: "circle of life"}) || responseIs("GET", c, tc.algorithm, Secret{}) {
			t.Errorf("%s: taken for another method or secret", tc.algorithm)
		}
		for _, part := range []string{"Mufasa", "http-auth", "/dir", "7ypf", "00000001", "f2/wE", tc.response[:4]} {
			if tc.secret.HA1 != nil && (part == "Mufasa" || part == "http-auth") {
				continue // the hash stands for them
			}
			c, err := digest.ParseCredentials(strings.Replace(header, part, part[:len(part)-1]+"2", 1))
			if err != nil {
				t.Fatal(err)
			}
			if responseIs("GET", c, tc.algorithm, tc.secret) {
				t.Errorf("%s: taken with another %s", tc.algorithm, part)
			}
		}
	}
}

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

// request makes a request with credentials for a nonce of a's.
func credentialed(t *testing.T, nonce, algorithm, user, password, uri string, nc int) *sip.Request {
	t.Helper()
	req := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: "example.com"})
	challenge := &digest.Challenge{Realm: "example.com", Nonce: nonce, Algorithm: algorithm}
	if nc > 0 {
		challenge.QOP = []string{"auth"}
	}
	c, err := digest.Digest(challenge, digest.Options{Method: "REGISTER", URI: uri, Username: user, Password: password, Count: nc})
	if err != nil {
		t.Fatal(err)
	}
	req.AppendHeader(sip.NewHeader("Authorization", c.String()))
	return req
}

// TestNonces uses nonces again, out of order, too late, and of somebody else's.
func TestNonces(t *testing.T) {
	a := NewAuthenticator(AuthConfig{Realm: "example.com", Lookup: alice, NonceLife: time.Minute})
	now := time.Unix(1_000_000, 0)
	a.now = func() time.Time { return now }
	nonce, plain, late := a.newNonce(), a.newNonce(), a.newNonce()
	forged := NewAuthenticator(AuthConfig{}).newNonce()
	const uri = "sip:example.com"
	for i, tc := range []struct {
		name      string
		nonce     string
		algorithm string
		user      string
		uri       string
		nc        int
		after     time.Duration
		want      string // user, or code and staleness
	}{
		{"good", nonce, "SHA-256", "alice", uri, 1, 0, "alice"},
		{"again", nonce, "SHA-256", "alice", uri, 1, 0, "401 true"},
		{"third before second", nonce, "MD5", "alice", uri, 3, 0, "alice"},
		{"second after third", nonce, "MD5", "alice", uri, 2, 0, "alice"},
		{"second again", nonce, "MD5", "alice", uri, 2, 0, "401 true"},
		{"far ahead", nonce, "", "alice", uri, 1000, 0, "alice"},
		{"far behind", nonce, "", "alice", uri, 900, 0, "401 true"},
		{"by the hash", nonce, "MD5", "hashed", uri, 1001, 0, "hashed"},
		{"of no hash", nonce, "SHA-256", "hashed", uri, 1002, 0, "401 false"},
		{"unknown user", nonce, "SHA-256", "bob", uri, 1003, 0, "401 false"},
		{"algorithm not offered", nonce, "SHA-512-256", "alice", uri, 1004, 0, "401 false"},
		{"not counted", plain, "MD5", "alice", uri, 0, 0, "alice"},
		{"not counted, again", plain, "MD5", "alice", uri, 0, 0, "401 true"},
		{"the same URI in other letters", nonce, "MD5", "alice", "SIP:EXAMPLE.com:5060", 1005, 0, "alice"},
		{"another URI", nonce, "MD5", "alice", "sip:example.org", 1006, 0, "400 false"},
		{"forged nonce", forged, "SHA-256", "alice", uri, 1, 0, "401 false"},
		{"no nonce", "abc", "SHA-256", "alice", uri, 1, 0, "401 false"},
		{"within its life", late, "SHA-256", "alice", uri, 1, time.Minute, "alice"},
		{"beyond its life", late, "SHA-256", "alice", uri, 2, time.Second, "401 true"},
	} {
		now = now.Add(tc.after)
		user, err := a.Check(credentialed(t, tc.nonce, tc.algorithm, tc.user, "wonderland", tc.uri, tc.nc))
		got := user
		var status *StatusError
		if errors.As(err, &status) {
			challenges := a.Challenge(err)
			got = fmt.Sprint(status.Code, " ", len(challenges) > 0 && strings.Contains(challenges[0].Value, "stale=true"))
			if (len(challenges) == 2) != (status.Code == 401) {
				t.Errorf("%s: %d challenges", tc.name, len(challenges))
			}
		}
		if got != tc.want {
			t.Errorf("%d, %s: got %s, want %s", i, tc.name, got, tc.want)
		}
	}
}

// TestNonceTableIsBounded uses more nonces than the table keeps: what it has
// forgotten is not taken again.
func TestNonceTableIsBounded(t *testing.T) {
	table := nonceTable{limit: 10}
	at := func(i int) time.Time { return time.Unix(int64(i), 0) }
	for i := 1; i <= 100; i++ {
		if !table.use(fmt.Sprint(i), 1, at(i), time.Time{}) {
			t.Errorf("nonce %d was not taken", i)
		}
		if len(table.used) > 10 || len(table.oldest) != len(table.used) {
			t.Fatalf("%d nonces are kept", len(table.used))
		}
	}
	for i := 1; i <= 100; i++ {
		if table.use(fmt.Sprint(i), 1, at(i), time.Time{}) {
			t.Errorf("nonce %d was taken again", i)
		}
		if got := table.use(fmt.Sprint(i), 2, at(i), time.Time{}); got != (i > 90) {
			t.Errorf("second count of nonce %d: %v", i, got)
		}
	}
	if !table.use("new", 1, at(200), at(150)) || len(table.used) != 1 {
		t.Errorf("%d nonces are kept though all but one have expired", len(table.used))
	}
}

// TestChallengesInSeries answers a proxy's challenge, then another proxy's, a
// stale one, and the user agent server's, which does not like the password.
func TestChallengesInSeries(t *testing.T) {
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	result := make(chan error, 1)
	go func() {
		_, err := ua.Invite(testContext(t), InviteRequest{URI: "sip:peer@" + p.addr(), From: "sip:a@example.com", To: "sip:peer@example.com", Username: "alice", Password: "x"})
		result <- err
	}()
	invite, branch := p.next("INVITE"), ""
	const proxy, server = "Proxy-Authenticate: Digest realm=\"%s\", nonce=\"%s\", ", "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\", "
	for i, tc := range []struct {
		status, challenge string
		want              []string // in the next INVITE, after the header's name
	}{
		{"407 Auth", "Proxy-Authenticate: Basic realm=\"x\"\r\n" + fmt.Sprintf(proxy, "one", "n0") + "algorithm=UNKNOWN\r\n" + fmt.Sprintf(proxy, "one", "n1") + "algorithm=SHA-256, qop=\"auth-int, auth\"\r\n" + fmt.Sprintf(proxy, "one", "n1") + "algorithm=MD5\r\n",
			[]string{`Proxy-Authorization: Digest username="alice", realm="one", nonce="n1", uri="sip:peer@` + p.addr() + `", algorithm=SHA-256`}},
		{"407 Auth", fmt.Sprintf(proxy, "two", "n2") + "algorithm=md5\r\n",
			[]string{`Proxy-Authorization: Digest username="alice", realm="one", nonce="n1"`, `Proxy-Authorization: Digest username="alice", realm="two", nonce="n2"`}},
		{"407 Auth", fmt.Sprintf(proxy, "one", "n3") + "algorithm=SHA-256, stale=TRUE, qop=\"auth\"\r\n",
			[]string{`Proxy-Authorization: Digest username="alice", realm="two", nonce="n2"`, `Proxy-Authorization: Digest username="alice", realm="one", nonce="n3"`}},
		{"401 Unauthorized", fmt.Sprintf(server, "one", "n4") + "opaque=\"o\"\r\n",
			[]string{`Authorization: Digest username="alice", realm="one", nonce="n4"`, `realm="two"`, `nonce="n3"`, `opaque="o"`}},
	} {
		p.send(ua.Addr(), p.response(invite, tc.status, "p", tc.challenge))
		p.next("ACK")
		next := p.next("INVITE")
		for field(next, "CSeq") == field(invite, "CSeq") {
			next = p.next("INVITE")
		}
		for _, w := range tc.want {
			if !strings.Contains(next, w) {
				t.Errorf("attempt %d lacks %s:\n%s", i, w, next)
			}
		}
		if field(next, "Via") == branch || field(next, "Call-ID") != field(invite, "Call-ID") || field(next, "From") != field(invite, "From") || field(next, "To") != field(invite, "To") {
			t.Errorf("attempt %d is\n%s", i, next)
		}
		invite, branch = next, field(next, "Via")
	}
	p.send(ua.Addr(), p.response(invite, "401 Unauthorized", "p", fmt.Sprintf(server, "one", "n5")+"opaque=\"o\"\r\n"))
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
	d.send(d.ua, d.response(bye, "401 Unauthorized", "", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n"))
	again := d.next("BYE")
	for field(again, "CSeq") == field(bye, "CSeq") {
		again = d.next("BYE")
	}
	if field(bye, "CSeq") != "2 BYE" || field(again, "CSeq") != "3 BYE" || !strings.Contains(field(again, "Authorization"), `nc=00000001`) {
		t.Errorf("after\n%s\nthere came\n%s", bye, again)
	}
	d.send(d.ua, d.response(again, "200 OK", "", ""))
	if err := <-result; err != nil {
		t.Error(err)
	}
}
