package mscp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// rawServer is a server and its peer that speaks in bytes.
func rawServer(t *testing.T, h Handler, cfg Config) (ask func(start, body string) (head, answer string)) {
	as, ms := testutil.TCPPair(t)
	s := NewServer(ms, h, cfg)
	t.Cleanup(func() { as.Close(); s.Close() })
	r := NewReader(as)
	return func(start, body string) (string, string) {
		t.Helper()
		kind := ContentType
		if strings.HasPrefix(body, "--x") {
			kind = "multipart/mixed; boundary=x"
		}
		if _, err := fmt.Fprintf(as, "%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", start, kind, len(body), body); err != nil {
			t.Fatal(err)
		}
		p, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(r.Raw()), "\r\n")
		return line, string(p.Body)
	}
}

// TestErrorResponses checks that what answers a request in error is a document
// of the schema that repeats the id, over TCP.
func TestErrorResponses(t *testing.T) {
	ask := rawServer(t, func(_ context.Context, req Element) (Element, error) {
		switch req.(type) {
		case *Unjoin:
			return nil, fmt.Errorf("a <fault>")
		case *DestroyConference:
			return nil, &Error{Code: 404, Reason: "none"}
		}
		return nil, nil
	}, Config{})
	for i, tc := range []struct{ body, status, want string }{
		{`<request id="r1"><join id1="a"/></request>`, "400 Bad Request", `<response id="r1"><errorconferencejoin id1="a" id2="" reason=`},
		{`<request id="r1"><unjoin/></request>`, "400 Bad Request", `<response id="r1"><errorconferenceunjoin id1="" id2="" reason=`},
		{`<request id="r1"><unjoin id1="a" id2="b"/></request>`, "500 Internal Error", `<response id="r1"><errorconferenceunjoin id1="a" id2="b" reason="a &lt;fault&gt;"`},
		{`<request id="r1"><destroyconference conferenceid="a"/></request>`, "400 Bad Request", `<response id="r1"><errorconferencedestroy conferenceid="a" reason="none"`},
		{`<request id="r1"><createconference audiomixingnbest="x"/></request>`, "400 Bad Request", `<response id="r1"><errorconferencecreate conferenceid="refused-`},
		{`<request id="r1"><dialogprepare connectionid="c" conferenceid="d"/></request>`, "400 Bad Request", `<response id="r1"><errordialognotprepared dialogid="refused-`},
		{`<request id="r1"><dialogstart src="s" connectionid="c" conferenceid="d"/></request>`, "400 Bad Request", ` connectionid="c" reason=`},
		{`<request id="r1"><dialogstart src="s"/></request>`, "400 Bad Request", `<response id="r1"><errordialognotstarted dialogid="refused-`},
		{`<request id="r1"><conferencejoined id1="a" id2="b"/></request>`, "400 Bad Request", `<response id="r1"><RequestFailed xmlns="urn:x-mscp:offline-message:1" reason=`},
		{`<request id="r1"><v:x xmlns:v="urn:v"/></request>`, "400 Bad Request", `<response id="r1"><RequestFailed `},
		{`<request id="r1"><play/></request>`, "400 Bad Request", `<response id="r1"><RequestFailed `},
		{`<request id="r1"/>`, "400 Bad Request", `<response id="r1"><RequestFailed `},
		{`<request id="r1"><createconference/><createconference/></request>`, "400 Bad Request", `<response id="r1"><errorconferencecreate `},
		{`<request id="r1"><createconference></request>`, "400 Bad Request", `<response><RequestFailed `},
		{`<response id="r1"><conferencejoined id1="a" id2="b"/></response>`, "400 Bad Request", `<response><RequestFailed `},
	} {
		line, answer := ask(fmt.Sprintf("REQ MSCP/1.0 %d", i), open+tc.body+closing)
		if want := fmt.Sprintf("MSCP/1.0 %s %d", tc.status, i); line != want || !strings.Contains(answer, tc.want) {
			t.Errorf("%s\n%s\n%s", tc.body, line, answer)
		}
		if found := Validate([]byte(answer)); found != nil {
			t.Errorf("%s\n%s\n%v", tc.body, answer, found)
		}
	}
}

// TestMultipartAnswers checks that each document of a multipart gets its own
// answer, in its place.
func TestMultipartAnswers(t *testing.T) {
	created := 0
	ask := rawServer(t, func(_ context.Context, req Element) (Element, error) {
		if _, ok := req.(*CreateConference); ok {
			created++
			return &ConferenceCreated{ConferenceID: "c1"}, nil
		}
		return nil, nil
	}, Config{})
	part := func(body string) string { return "--x\r\n\r\n" + open + body + closing + "\r\n" }
	line, answer := ask("REQ MSCP/1.0 1", part(`<request id="a"><createconference/></request>`)+
		part(`<request id="b"><v:vendor xmlns:v="urn:v"/></request>`)+part(`<request id="c"><join id1="x"/></request>`)+"--x--")
	last := 0
	for _, want := range []string{`<response id="a"><conferencecreated conferenceid="c1"`, `<response id="b"`, `<RequestFailed `, `<response id="c"`, `<errorconferencejoin id1="x" id2=""`} {
		if i := strings.Index(answer, want); i < last {
			t.Errorf("%q is not in its place in\n%s", want, answer)
		} else {
			last = i
		}
	}
	if line != "MSCP/1.0 200 OK 1" || created != 1 || strings.Count(answer, `:status="400"`) != 2 {
		t.Errorf("%s, %d created:\n%s", line, created, answer)
	}
	line, answer = ask("REQ MSCP/1.0 2", part(`<request><join id1="x"/></request>`)+part(`<request><unjoin/></request>`)+"--x--")
	if line != "MSCP/1.0 400 Bad Request 2" || strings.Count(answer, "<response") != 2 {
		t.Errorf("nothing carried out: %s\n%s", line, answer)
	}
}

// TestForeignRequests checks that extensions are the handler's to know.
func TestForeignRequests(t *testing.T) {
	h := func(_ context.Context, req Element) (Element, error) {
		o, ok := req.(*Other)
		if !ok || o.Space != "urn:v" || o.Local != "bill" {
			return nil, nil
		}
		return &Other{Space: "urn:v", Local: "billed", Attrs: map[string]string{"for": o.Attrs["for"]}}, nil
	}
	tcp, _ := channel(t, h, Config{}, Config{})
	info, _ := infoPair(t, h, Config{}, Config{})
	for name, c := range map[string]Doer{"TCP": tcp, "INFO": info} {
		e, err := c.Do(t.Context(), &Other{Space: "urn:v", Local: "bill", Attrs: map[string]string{"for": "7"}})
		if o, ok := e.(*Other); err != nil || !ok || o.Local != "billed" || o.Attrs["for"] != "7" {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		for _, o := range []*Other{{Space: "urn:v", Local: "x"}, {Space: Namespace, Local: "bill"}} {
			if _, err := c.Do(t.Context(), o); err == nil || err.(*Error).Code != StatusBadRequest {
				t.Errorf("%s: %s: %v", name, o.Local, err)
			}
		}
	}
}

// TestInfoErrorResponses checks that over INFO, too, a request that is
// well-formed gets a response.
func TestInfoErrorResponses(t *testing.T) {
	sent := make(chan string, 1)
	s := NewInfoServer(func(_ context.Context, body []byte) error { sent <- string(body); return nil }, echo, Config{Strict: true})
	defer s.Close()
	for _, tc := range []struct{ body, want string }{
		{open + `<request id="req2"><join id1="a"/></request>` + closing, `<errorconferencejoin id1="a" id2="" reason=`},
		{open + `<request id="req1"><createconference/></request>` + closing, "does not rise"},
		{open + `<request id="req3"><createconference reservedtalkers="many"/></request>` + closing, `<errorconferencecreate `},
		{open + `<request id="req4"/>` + closing, `<RequestFailed `},
		{`<mscp version="2.0" xmlns="urn:ietf:mscp"><request id="req5"><createconference/></request></mscp>`, `<errorconferencecreate `},
	} {
		if err := s.Deliver([]byte(tc.body)); err != nil {
			t.Errorf("%s: %v", tc.body, err)
			continue
		}
		_, id, _ := strings.Cut(tc.body, `id="`)
		id, _, _ = strings.Cut(id, `"`)
		answer := <-sent
		if !strings.Contains(answer, tc.want) || !strings.Contains(answer, `<response id="`+id+`" `) || Validate([]byte(answer)) != nil {
			t.Errorf("%s\n%s\n%v", tc.body, answer, Validate([]byte(answer)))
		}
	}
	for _, body := range []string{"x", "<a/>", open + closing, open + `<notification><dialogexit/></notification>`} {
		if err := s.Deliver([]byte(body)); err == nil {
			t.Errorf("%s was taken", body)
		}
	}
}

// TestErrorReason asks every element for its reason.
func TestErrorReason(t *testing.T) {
	for name, create := range draftElements {
		e := create()
		for i := range e.shape().attrs {
			*e.attr(i) = "v"
		}
		reason, failed := ErrorReason(e)
		if failed != strings.HasPrefix(name, "error") || failed && reason != "v" {
			t.Errorf("%s: %q, %t", name, reason, failed)
		}
	}
	for _, e := range []Element{&MsgNotRestored{Reason: "v"}, &MsgNotSended{Reason: "v"}, &RequestFailed{Reason: "v"}} {
		if reason, failed := ErrorReason(e); reason != "v" || !failed {
			t.Errorf("%s: %q, %t", Name(e), reason, failed)
		}
	}
	for _, e := range []Element{nil, &MsgSended{}, &Other{Local: "errorx", Attrs: map[string]string{"reason": "v"}}, &DialogTransferComplete{Reason: "busy"}} {
		if reason, failed := ErrorReason(e); reason != "" || failed {
			t.Errorf("%s: %q, %t", Name(e), reason, failed)
		}
	}
	if id := ConnectionID("a84b4c71@10.0.0.2", "1923", "1134"); id != "a84b4c71@10.0.0.2;1923;1134" {
		t.Errorf("connection %s", id) // as in section 2.3.1
	}
}

// TestStrictSends checks that a strict end sends nothing that breaks a rule.
func TestStrictSends(t *testing.T) {
	handled := 0
	h := func(context.Context, Element) (Element, error) {
		handled++
		return &ErrorConferenceJoin{}, nil
	}
	c, s := channel(t, h, Config{Strict: true}, Config{Strict: true})
	ic, is := infoPair(t, h, Config{Strict: true}, Config{Strict: true})
	for _, d := range []Doer{c, ic} {
		for _, e := range []Element{
			&DialogStart{Src: "s", Method: "PUT", ConnectionID: "a"}, &DialogStart{Src: "s", ConnectionID: "a", ConferenceID: "b"},
			&ConferenceJoined{ID1: "a", ID2: "b"}, &DialogExit{DialogID: "d"}, nil,
		} {
			var invalid *ValidationError
			if _, err := d.Do(t.Context(), e); !errors.As(err, &invalid) {
				t.Errorf("%s was sent: %v", Name(e), err)
			}
		}
		if err := d.Notify(t.Context(), &DialogTerminate{DialogID: "d", Immediate: "maybe"}); err == nil {
			t.Error("a notification was sent")
		}
	}
	for _, n := range []interface {
		Notify(context.Context, Element) error
	}{s, is} {
		if err := n.Notify(t.Context(), &DialogUser{EventName: "a b", DialogID: "d"}); err == nil {
			t.Error("the MS sent a notification")
		}
	}
	if handled > 0 {
		t.Errorf("%d requests arrived", handled)
	}
	// What a handler answers against the rules becomes a 500.
	wrong, _ := channel(t, func(context.Context, Element) (Element, error) { return &DialogStarted{DialogID: "d"}, nil }, Config{}, Config{Strict: true})
	var wire *Error
	if e, err := wrong.Do(t.Context(), &DialogStart{Src: "s", ConnectionID: "c"}); !errors.As(err, &wire) || wire.Code != StatusInternalError {
		t.Errorf("answered with %+v, %v", e, err)
	}
}
