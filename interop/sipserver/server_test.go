package sipserver

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua"
)

// A site is a server with an application server and two phones, which refuse
// every call with a code of their own.
type site struct {
	s          *Server
	app, phone *sipua.UA
}

func newSite(t *testing.T, users map[string]string) *site {
	t.Helper()
	busy := func(code int) sipua.Handlers {
		return sipua.Handlers{Invite: func(in *sipua.IncomingCall) { _ = in.Reject(code, "") }}
	}
	x := &site{app: newUA(t, "as", busy(486)), phone: newUA(t, "bob", busy(603))}
	s, err := New(Config{Addr: "127.0.0.1:0", Domain: "example.com", AppServer: x.app.Addr(), Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	x.s = s
	return x
}

func newUA(t *testing.T, user string, h sipua.Handlers) *sipua.UA {
	t.Helper()
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: user}, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ua.Close() })
	return ua
}

func (x *site) register(t *testing.T, password string, expires time.Duration) (*sipua.Registration, error) {
	t.Helper()
	return x.phone.Register(testContext(t), sipua.RegisterRequest{
		Registrar: "sip:example.com", AOR: "sip:bob@example.com", User: "bob", Password: password,
		Expires: expires, Destination: x.s.Addr(),
	})
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// call returns the code that a call ends with.
func (x *site) call(t *testing.T, ua *sipua.UA, transport string) int {
	t.Helper()
	_, err := ua.Invite(testContext(t), sipua.InviteRequest{
		URI: "sip:bob@example.com", From: "sip:alice@example.com", To: "sip:bob@example.com", Destination: x.s.Addr() + transport,
	})
	var status *sipua.StatusError
	if !errors.As(err, &status) {
		t.Fatalf("the call ended with %v", err)
	}
	return status.Code
}

func TestRelaying(t *testing.T) {
	x := newSite(t, nil)
	for _, transport := range []string{"", ";transport=tcp"} {
		caller := newUA(t, "alice", sipua.Handlers{})
		if got := x.call(t, caller, transport); got != 486 {
			t.Errorf("a call for an absent user got %d, not the application server's 486", got)
		}
		if got := x.call(t, x.app, transport); got != 480 {
			t.Errorf("the application server's call for an absent user got %d", got)
		}
		g, err := x.register(t, "", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, ua := range []*sipua.UA{caller, x.app} {
			if got := x.call(t, ua, transport); got != 603 {
				t.Errorf("a call for a registered user got %d, not the phone's 603", got)
			}
		}
		if err := g.Unregister(testContext(t)); err != nil {
			t.Error(err)
		}
		if got := x.s.Registered("bob"); len(got) != 0 {
			t.Errorf("bob is registered at %v", got)
		}
	}
}

func TestAuthentication(t *testing.T) {
	x := newSite(t, map[string]string{"bob": "secret"})
	for _, password := range []string{"", "wrong"} {
		_, err := x.register(t, password, time.Minute)
		var status *sipua.StatusError
		if !errors.As(err, &status) || status.Code != 401 {
			t.Errorf("with the password %q: %v", password, err)
		}
	}
	if _, err := x.register(t, "secret", time.Minute); err != nil {
		t.Error(err)
	}
	if got := x.s.Registered("bob"); len(got) != 1 || !strings.Contains(got[0], x.phone.Addr()) {
		t.Errorf("bob is registered at %v", got)
	}
}

// TestPresence watches bob come, expire and go.
func TestPresence(t *testing.T) {
	x := newSite(t, nil)
	var states []string
	news := make(chan string, 20)
	sub, err := x.app.Subscribe(testContext(t), sipua.SubscribeRequest{
		URI: "sip:bob@example.com", From: x.app.Contact(), Event: "presence", Destination: x.s.Addr(), Expires: time.Minute,
		OnNotify: func(n sipua.Notification) {
			if strings.Contains(string(n.Body), "<basic>open</basic>") {
				news <- "open"
			} else {
				news <- "closed"
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	next := func() {
		select {
		case s := <-news:
			states = append(states, s)
		case <-time.After(10 * time.Second):
			t.Fatalf("after %v nothing more came", states)
		}
	}
	next()
	g, err := x.register(t, "", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	next()
	if err := g.Unregister(testContext(t)); err != nil {
		t.Fatal(err)
	}
	next()
	x.s.mu.Lock()
	x.s.addBinding("bob", &binding{contact: contactOf(x.phone)}, 50*time.Millisecond)
	x.s.mu.Unlock()
	x.s.presenceChanged("bob")
	next()
	next() // it expires
	if want := []string{"closed", "open", "closed", "open", "closed"}; !slices.Equal(states, want) {
		t.Errorf("got %v, want %v", states, want)
	}
	sub.Close()
	x.s.awaitWatching(t, 0)
}

// awaitWatching waits until there are that many subscriptions.
func (s *Server) awaitWatching(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		got := s.watching
		s.mu.Unlock()
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d subscriptions, want %d", got, want)
		}
	}
}

func contactOf(ua *sipua.UA) (u sip.Uri) {
	_ = sip.ParseUri(ua.Contact(), &u)
	return u
}
