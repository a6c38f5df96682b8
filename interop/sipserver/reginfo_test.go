package sipserver

import (
	"strconv"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/sipua/regevent"
)

// TestRegPackage follows the registrations of a user through a subscription.
func TestRegPackage(t *testing.T) {
	s := newServer(t, Config{})
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0"}, sipua.Handlers{})
	if err != nil {
		t.Fatal(err)
	}
	defer ua.Close()
	seen := make(chan regevent.Registration, 10)
	sub, err := ua.WatchRegistrations(t.Context(), sipua.RegWatchRequest{
		AOR: "sip:bob@example.com", From: "sip:as@example.com", Destination: s.Addr(), OnChange: func(r regevent.Registration) { seen <- r },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	want := func(state string, contacts int) {
		t.Helper()
		if r := <-seen; r.State != state || r.Active() != (contacts > 0) || len(r.Contacts) != contacts {
			t.Errorf("got %+v, want %s with %d contacts", r, state, contacts)
		}
	}
	phone := newUDP(t)
	want("init", 0)
	phone.register(s, "bob", "reg", 1)
	want("active", 1)
	phone.register(s, "bob", "reg", 2, "Expires: 0")
	want("terminated", 0)
}

// TestThirdParty has an application server told of registrations.
func TestThirdParty(t *testing.T) {
	app, phone := newUDP(t), newUDP(t)
	s := newServer(t, Config{AppServer: app.addr, ThirdParty: true})
	want := func(least, most int, status string) {
		t.Helper()
		p := app.want("REGISTER ")
		if n, err := strconv.Atoi(header(p.text, "Expires")); err != nil || n < least || n > most || !strings.Contains(header(p.text, "To"), "sip:bob@example.com") || strings.Contains(header(p.text, "From"), "bob") {
			t.Errorf("got\n%s\nwant Expires from %d to %d", p.text, least, most)
		}
		p.answer(response(p.text, status))
	}
	phone.register(s, "bob", "reg", 1, "Expires: 60")
	want(60, 60, "500 Server Internal Error")
	want(55, 60, "200 OK") // again, since it was not taken
	phone.register(s, "bob", "reg", 2, "Expires: 0")
	want(0, 0, "200 OK")
}
