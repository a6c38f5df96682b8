package sipua

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/sipua/regevent"
)

// regDocument makes a document about bob: "id=state" for each contact.
func regDocument(version int, partial bool, state string, contacts ...string) []byte {
	info := regevent.Document{Version: uint32(version), Partial: partial, Registrations: []regevent.Registration{{AOR: "sip:bob@EXAMPLE.com", ID: "r", State: state}}}
	for _, c := range contacts {
		id, state, _ := strings.Cut(c, "=")
		info.Registrations[0].Contacts = append(info.Registrations[0].Contacts, regevent.Contact{ID: id, URI: "sip:bob@" + id, State: state, Event: "refreshed"})
	}
	text, _ := info.MarshalText() // it never fails
	return text
}

// summary is a record in short.
func summary(r regevent.Registration) string {
	s := r.State
	for _, c := range r.Contacts {
		s += " " + c.ID + "=" + c.State
	}
	return s
}

// TestWatchRegistrations plays the registrar, which leaves a document out: the
// state is asked for again.
func TestWatchRegistrations(t *testing.T) {
	t.Parallel()
	p := newRawPeer(t)
	ua := newUA(t, Handlers{})
	got := make(chan string, 10)
	sub, err := ua.WatchRegistrations(testContext(t), RegWatchRequest{
		AOR: "sip:bob@example.com", From: "sip:as@example.com", Destination: p.Addr(),
		OnChange: func(r regevent.Registration) { got <- summary(r) },
	})
	if err != nil {
		t.Fatal(err)
	}
	subscribe := p.next("SUBSCRIBE sip:bob@example.com SIP/2.0")
	if testutil.Field(subscribe, "Event") != "reg" || testutil.Field(subscribe, "Accept") != "application/reginfo+xml" {
		t.Errorf("the request is\n%s", subscribe)
	}
	p.Send(ua.Addr(), p.response(subscribe, "200 OK", "reg", "Expires: 600\r\n"))
	seq := 0
	notify := func(body []byte, want string) {
		t.Helper()
		seq++
		p.Send(ua.Addr(), fmt.Sprintf("NOTIFY sip:as@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\nFrom: <sip:bob@example.com>;tag=reg\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d NOTIFY\r\nContact: <sip:reg@%s>\r\nEvent: reg\r\nSubscription-State: active\r\nContent-Type: application/reginfo+xml\r\nContent-Length: %d\r\n\r\n%s",
			p.Addr(), token(), testutil.Field(subscribe, "From"), testutil.Field(subscribe, "Call-ID"), seq, p.Addr(), len(body), body))
		p.next("SIP/2.0 200")
		select {
		case g := <-got:
			if g != want {
				t.Errorf("document %d: got %q, want %q", seq, g, want)
			}
		default: // OnChange is called before the 200
			if want != "" {
				t.Errorf("document %d: nothing, want %q", seq, want)
			}
		}
	}
	notify(regDocument(0, false, "init"), "init")
	notify(regDocument(1, true, "active", "a=active"), "active a=active")
	notify([]byte("<nonsense/>"), "")
	notify(nil, "terminated")
	notify(regDocument(0, false, "active", "b=active"), "active b=active")
	notify(regDocument(9, true, "active", "b=terminated", "c=active"), "active b=terminated c=active")
	refresh := p.next("SUBSCRIBE ")
	for testutil.Field(refresh, "CSeq") == testutil.Field(subscribe, "CSeq") {
		refresh = p.next("SUBSCRIBE ")
	}
	if testutil.Field(refresh, "Call-ID") != testutil.Field(subscribe, "Call-ID") || !strings.Contains(testutil.Field(refresh, "To"), "tag=reg") {
		t.Errorf("the state is not asked for by a refresh:\n%s", refresh)
	}
	p.Send(ua.Addr(), p.response(refresh, "200 OK", "", "Expires: 600\r\n"))
	notify(regDocument(0, false, "active", "c=active"), "active c=active")
	closed := make(chan struct{})
	go func() { sub.Close(); close(closed) }()
	for end := ""; testutil.Field(end, "Expires") != "0"; {
		if end = p.next("SUBSCRIBE"); testutil.Field(end, "Expires") == "0" {
			p.Send(ua.Addr(), p.response(end, "200 OK", "", "Expires: 0\r\n"))
		}
	}
	await(t, "end of the subscription", closed)
}
