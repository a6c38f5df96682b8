package mscp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestResponses holds every element against every request: which may answer it, and what
// the finding says.
func TestResponses(t *testing.T) {
	for req, want := range map[string]struct{ section, names string }{
		"dialogprepare":     {"4.1", "dialogprepared errordialognotprepared errordialogwrongstate"},
		"dialogstart":       {"4.2", "dialogstarted errordialognotstarted errordialogwrongstate"},
		"createconference":  {"5.1", "conferencecreated errorconferencecreate"},
		"destroyconference": {"5.2", "conferencedestroyed errorconferencedestroy"},
		"join":              {"5.3", "conferencejoined errorconferencejoin"},
		"unjoin":            {"5.4", "conferenceunjoined errorconferenceunjoin"},
	} {
		for name, create := range draftElements {
			err := CheckAnswer(draftElements[req](), create())
			if may := strings.Contains(" "+want.names+" ", " "+name+" "); (err == nil) != may {
				t.Errorf("%s to %s: %v", name, req, err)
			} else if !may && !strings.Contains(err.Error(), "(section "+want.section+")") {
				t.Errorf("%s to %s: %v", name, req, err)
			}
		}
		for _, name := range strings.Fields(want.names) { // and repeats what it must
			q, r := draftElements[req](), draftElements[name]()
			for _, attr := range []string{"connectionid", "conferenceid", "id1", "id2"} {
				p, mine := valueOf(q, attr), valueOf(r, attr)
				if p == nil || mine == nil {
					continue
				}
				*p, *mine = "a", "b"
				if CheckAnswer(q, r) == nil {
					t.Errorf("%s to %s: another %s", name, req, attr)
				}
				*mine = ""
				if CheckAnswer(q, r) == nil {
					t.Errorf("%s to %s: no %s", name, req, attr)
				}
				*mine = "a"
				if err := CheckAnswer(q, r); err != nil {
					t.Errorf("%s to %s: %v", name, req, err)
				}
				always := attr == "id1" || attr == "id2" || req == "destroyconference"
				if *p = ""; (CheckAnswer(q, r) == nil) == always {
					t.Errorf("%s to %s, which has no %s", name, req, attr)
				}
				*mine = ""
			}
		}
	}
}

// valueOf points to an attribute, or is nil.
func valueOf(e typedElement, name string) *string {
	for i, a := range e.shape().attrs {
		if a.name == name {
			return e.attr(i)
		}
	}
	return nil
}

// TestRefuseNames checks what a refusal names of the request.
func TestRefuseNames(t *testing.T) {
	for _, tc := range []struct {
		req  Element
		want string // of the refusal, without ids that are made up
	}{
		{&DialogPrepare{Src: "s", ConnectionID: "a"}, "errordialognotprepared connection a conference "},
		{&DialogPrepare{Src: "s", ConferenceID: "b"}, "errordialognotprepared connection  conference b"},
		{&DialogPrepare{Src: "s", ConnectionID: "a", ConferenceID: "b"}, "errordialognotprepared connection a conference "},
		{&DialogStart{Src: "s", ConnectionID: "a"}, "errordialognotstarted connection a conference "},
		{&DialogStart{Src: "s", ConferenceID: "b"}, "errordialognotstarted connection  conference b"},
		{&DialogStart{Src: "s", ConnectionID: "a", ConferenceID: "b"}, "errordialognotstarted connection a conference "},
		{&DestroyConference{ConferenceID: "b"}, "errorconferencedestroy connection  conference b"},
	} {
		e := Refuse(tc.req, "r")
		got := fmt.Sprintf("%s connection %s conference %s", Name(e), attributeOf(e, "connectionid"), attributeOf(e, "conferenceid"))
		if got != tc.want || attributeOf(e, "reason") != "r" {
			t.Errorf("%+v: %s", tc.req, got)
		}
	}
	for _, req := range []Element{&DialogPrepare{}, &DialogStart{}, &CreateConference{}} {
		a, b := Refuse(req, "r"), Refuse(req, "r")
		made := 0
		for _, id := range []string{"dialogid", "conferenceid"} {
			v := attributeOf(a, id)
			if v == "" {
				continue
			}
			if made++; v == attributeOf(b, id) {
				t.Errorf("%s twice: %s", Name(a), v)
			}
		}
		if made != 1 {
			t.Errorf("%s has %d ids that are made up", Name(a), made)
		}
	}
	if e := Refuse(&DialogStart{PreparedDialogID: "p"}, "r"); attributeOf(e, "dialogid") != "p" {
		t.Errorf("%+v", e)
	}
}

// TestHandlersErrors checks which status and body the errors of a handler become.
func TestHandlersErrors(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status string
		reason string
	}{
		{&Error{503, "busy"}, "500 Internal Error", "busy"}, {&Error{200, "odd"}, "500 Internal Error", "odd"},
		{&Error{404, "none"}, "400 Bad Request", "none"}, {errors.New("a fault"), "500 Internal Error", "a fault"},
		{nil, "500 Internal Error", "no response"},
	} {
		ask := rawServer(t, func(context.Context, Element) (Element, error) { return nil, tc.err }, Config{})
		id := 0
		for element, want := range map[string]string{`<unjoin id1="a" id2="b"/>`: "<errorconferenceunjoin ", `<v:x xmlns:v="urn:v"/>`: "<RequestFailed "} {
			status, reason := tc.status, tc.reason
			if tc.err == nil && strings.Contains(element, "v:x") { // an extension that nobody knows
				status, reason = "400 Bad Request", "is no request that is known"
			}
			id++
			line, answer := ask(fmt.Sprint("REQ MSCP/1.0 ", id), open+`<request>`+element+`</request>`+closing)
			if line != fmt.Sprintf("MSCP/1.0 %s %d", status, id) || !strings.Contains(answer, want) || !strings.Contains(answer, reason) {
				t.Errorf("%v, %s: %s\n%s", tc.err, element, line, answer)
			}
		}
	}
}

// TestFirstID checks that the first request may have any id, also with a strict server.
func TestFirstID(t *testing.T) {
	for _, id := range []string{"0", "000", "7", strings.Repeat("9", 40)} {
		ask := rawServer(t, func(_ context.Context, req Element) (Element, error) { return Refuse(req, "no"), nil }, Config{Strict: true})
		line, _ := ask("REQ MSCP/1.0 "+id, open+`<request><unjoin id1="a" id2="b"/></request>`+closing)
		if line != "MSCP/1.0 200 OK "+id {
			t.Errorf("%s: %s", id, line)
		}
	}
}

// TestXMLIDs checks which ids a strict InfoServer takes: they rise, and those without one
// are nothing to compare with.
func TestXMLIDs(t *testing.T) {
	for _, strict := range []bool{true, false} {
		sent := make(chan string, 1)
		s := NewInfoServer(func(_ context.Context, body []byte) error { sent <- string(body); return nil },
			func(_ context.Context, req Element) (Element, error) { return Refuse(req, "no"), nil }, Config{Strict: strict})
		defer s.Close()
		for _, tc := range []struct {
			id    string
			rises bool
		}{{"", true}, {"req9", true}, {"", true}, {"req9", false}, {"req10", true}, {"", true}, {"req3", false}, {"req4", true}} {
			attr := ""
			if tc.id != "" {
				attr = ` id="` + tc.id + `"`
			}
			if err := s.Deliver([]byte(open + "<request" + attr + `><unjoin id1="a" id2="b"/></request>` + closing)); err != nil {
				t.Fatal(err)
			}
			answer := <-sent
			if strings.Contains(answer, "does not rise") != (strict && !tc.rises) || !strings.Contains(answer, "<response"+attr) {
				t.Errorf("strict %t, %q: %s", strict, tc.id, answer)
			}
		}
	}
}

// TestOneMessageAnInfo checks that each message is the body of an INFO of its own.
func TestOneMessageAnInfo(t *testing.T) {
	bodies := make(chan string, 100)
	var c *InfoClient
	var s *InfoServer
	count := func(to func([]byte) error) SendInfo {
		return func(_ context.Context, body []byte) error { bodies <- string(body); return to(body) }
	}
	c = NewInfoClient(count(func(b []byte) error { return s.Deliver(b) }), Config{OnNotification: func(Element) {}})
	s = NewInfoServer(count(func(b []byte) error { return c.Deliver(b) }), echo, Config{OnNotification: func(Element) {}})
	defer s.Close()
	defer c.Close()
	for range 3 {
		if _, err := c.Do(t.Context(), benchRequest); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.Notify(t.Context(), &DialogTerminate{DialogID: "d"}), s.Notify(t.Context(), &DialogExit{DialogID: "d"})); err != nil {
		t.Fatal(err)
	}
	close(bodies)
	kinds := map[Kind]int{}
	for b := range bodies {
		d, err := ParseWith([]byte(b), Options{Strict: true})
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		kinds[d.Kind]++
	}
	if kinds[Request] != 3 || kinds[Response] != 3 || kinds[Notification] != 2 {
		t.Errorf("INFOs: %v", kinds)
	}
}

// TestNotificationsAreNotAnswered checks that nothing answers a notification, be it
// known, unknown or malformed, and that they come at any time, also beside a request.
func TestNotificationsAreNotAnswered(t *testing.T) {
	got := make(chan Element, 10)
	as, ms := testutil.TCPPair(t)
	release := make(chan struct{})
	s := NewServer(ms, func(_ context.Context, req Element) (Element, error) { <-release; return Refuse(req, "no"), nil },
		Config{OnNotification: func(e Element) { got <- e }})
	defer s.Close()
	notif := func(body string) {
		_ = (&PDU{Kind: Notification, Body: []byte(open + body + closing)}).Write(as)
	}
	notif(`<notification><dialogterminate dialogid="d"/></notification>`)
	notif(`<notification><v:x xmlns:v="urn:v"/></notification>`)
	notif(`<notification><dialogterminate`)
	notif(`<request><unjoin id1="a" id2="b"/></request>`)
	_ = (&PDU{Kind: Request, ID: 5, Body: []byte(open + `<request><unjoin id1="a" id2="b"/></request>` + closing)}).Write(as)
	notif(`<notification><conferenceuser name="e" conferenceid="c"/></notification>`)
	for _, want := range []string{"dialogterminate", "x", "conferenceuser"} {
		if e := <-got; Name(e) != want {
			t.Errorf("got %s, not %s", Name(e), want)
		}
	}
	if err := s.Notify(t.Context(), &DialogExit{DialogID: "d"}); err != nil { // and in the other direction
		t.Fatal(err)
	}
	close(release)
	r := NewReader(as)
	for _, want := range []Kind{Notification, Response} {
		if p, err := r.Read(); err != nil || p.Kind != want {
			t.Errorf("%+v, %v", p, err)
		}
	}
}

// TestNotesKeepTheirOrder checks that a notification that waits for OnNotification is not
// passed by a later one about something else.
func TestNotesKeepTheirOrder(t *testing.T) {
	got, release := make(chan string, 10), make(chan struct{})
	c, _ := channel(t, echo, Config{}, Config{OnNotification: func(e Element) { <-release; got <- e.(*DialogUser).EventName }})
	for _, n := range []DialogUser{{EventName: "1", DialogID: "a"}, {EventName: "2", DialogID: "a"}, {EventName: "3", DialogID: "b"}} {
		if err := c.Notify(t.Context(), &n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Do(t.Context(), benchRequest); err != nil { // the server has read them all
		t.Fatal(err)
	}
	close(release)
	for _, want := range []string{"1", "2", "3"} {
		if name := <-got; name != want {
			t.Errorf("%s in the place of %s", name, want)
		}
	}
}
