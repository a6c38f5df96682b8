package kamailio

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/sipua"
)

// need skips the test without Kamailio, or fails it where peers are required.
func need(t *testing.T) {
	t.Helper()
	if err := Available(); err != nil {
		if os.Getenv("GOMSCP_REQUIRE_PEERS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// TestPresenceAndRelaying checks what the application server relies on, with
// an application server that is only a user agent.
func TestPresenceAndRelaying(t *testing.T) {
	need(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	addr, err := cluster.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	calls := make(chan *sipua.IncomingCall, 4)
	app, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "offline"}, sipua.Handlers{Invite: func(in *sipua.IncomingCall) {
		calls <- in
		_ = in.Reject(486, "")
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	log := &testutil.Buffer{}
	defer func() {
		if t.Failed() {
			t.Log(log)
		}
	}()
	k, err := Start(ctx, Options{
		Addr: addr, Domain: "example.com", AppServer: app.Addr(), Users: map[string]string{"bob": "secret"}, Dir: t.TempDir(), Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Stop()

	states := make(chan string, 16)
	sub, err := app.Subscribe(ctx, sipua.SubscribeRequest{
		URI: "sip:bob@example.com", From: "sip:offline@" + app.Addr(), Event: "presence", Accept: "application/pidf+xml",
		Expires: time.Minute, Destination: addr,
		OnNotify: func(n sipua.Notification) {
			switch {
			case bytes.Contains(n.Body, []byte("<basic>open")):
				states <- "open"
			default:
				states <- "closed"
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	want := func(state string) {
		t.Helper()
		for {
			select {
			case s := <-states:
				if s == state {
					return
				}
			case <-time.After(15 * time.Second):
				t.Fatalf("no notification of %q", state)
			}
		}
	}
	want("closed")

	caller, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "alice"}, sipua.Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	invite := func(ua *sipua.UA) error {
		_, err := ua.Invite(ctx, sipua.InviteRequest{
			URI: "sip:bob@example.com", From: "sip:alice@example.com", To: "sip:bob@example.com", Destination: addr,
		})
		return err
	}
	if err := invite(caller); err == nil || err.Error() != "486 Busy Here" {
		t.Errorf("a call for an absent user ended with %v, not with the application server's 486", err)
	}
	if in := <-calls; in.To != "sip:bob@example.com" || in.From != "sip:alice@example.com" {
		t.Errorf("the application server saw a call from %s to %s", in.From, in.To)
	}
	if err := invite(app); err == nil || err.Error() != "480 Temporarily Unavailable" {
		t.Errorf("the application server's own call ended with %v, not with 480", err)
	}

	phone, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "bob"}, sipua.Handlers{Invite: func(in *sipua.IncomingCall) {
		_ = in.Reject(603, "")
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	reg, err := phone.Register(ctx, sipua.RegisterRequest{
		Registrar: "sip:example.com", AOR: "sip:bob@example.com", User: "bob", Password: "secret", Expires: time.Minute, Destination: addr,
	})
	if err != nil {
		t.Fatal(err)
	}
	want("open")
	if err := invite(app); err == nil || err.Error() != "603 Decline" {
		t.Errorf("a call for a registered user ended with %v, not with the phone's 603", err)
	}
	if err := reg.Unregister(ctx); err != nil {
		t.Error(err)
	}
	want("closed")
}

// TestCommentedSettings takes the comment signs off the settings that the guide's
// configuration only shows: they are those of the tests with passwords and with a
// second domain.
func TestCommentedSettings(t *testing.T) {
	example, err := Example()
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(?m)^(\t?)#(alias=|\t|if |exit|\})`).ReplaceAllString(string(example), "$1$2")
	want, err := render(Options{
		Addr: "127.0.0.1:5060", Domain: "example.com", MoreDomains: []string{"example.net"}, AppServer: "127.0.0.1:5080",
		Users: map[string]string{"bob": "secret"}, DeadAfter: 2 * time.Second,
	}, "TABLES", "")
	if err != nil {
		t.Fatal(err)
	}
	if got = strings.Replace(got, "# Each further domain takes a line of its own.\n", "", 1); got != string(want) {
		t.Errorf("the example becomes\n%s\nwant\n%s", got, want)
	}
}
