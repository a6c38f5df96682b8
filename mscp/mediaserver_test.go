package mscp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// A mediaTest is an AS and an MS whose media are a list of what was called.
type mediaTest struct {
	*testing.T
	*Client
	loose *Client // sends what is against the rules, too
	m     *MediaServer
	notes chan Element // what the AS is notified of

	mu     sync.Mutex
	called []string
}

// newMediaTest makes an MS with the connections c1 to c9. change may take
// functions away, or put others in their place.
func newMediaTest(t *testing.T, change func(*mediaTest, *MediaFunctions)) *mediaTest {
	mt := &mediaTest{T: t, notes: make(chan Element, 100)}
	var server *Server
	f := MediaFunctions{
		HasConnection: func(id string) bool { return len(id) == 2 && id[0] == 'c' && id[1] > '0' },
		PrepareDialog: func(_ context.Context, d Dialog) error { mt.note("prepare " + d.Document.Src); return nil },
		StartDialog: func(_ context.Context, d Dialog) error {
			mt.note("start " + d.Document.Src + " on " + d.ConnectionID + strings.TrimRight(d.ConferenceID, "-ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
			return nil
		},
		EndDialog:         func(d Dialog, immediate bool) { mt.note(fmt.Sprintf("end %s %t", d.Document.Src, immediate)) },
		DialogEvent:       func(_ Dialog, e Element) { mt.note("event " + Name(e)) },
		CreateConference:  func(context.Context, string, *CreateConference) error { mt.note("create"); return nil },
		DestroyConference: func(context.Context, string) error { mt.note("destroy"); return nil },
		Join:              func(context.Context, *Join) error { mt.note("join"); return nil },
		Unjoin:            func(context.Context, *Unjoin) error { mt.note("unjoin"); return nil },
		ConferenceEvent:   func(e *ConferenceUser) { mt.note("conference event") },
		Notify:            func(e Element) { _ = server.Notify(context.Background(), e) },
	}
	if change != nil {
		change(mt, &f)
	}
	mt.m = NewMediaServer(f)
	notified := Config{OnNotification: mt.m.Notified, Strict: true}
	mt.loose, _ = channel(t, mt.m.Handle, Config{}, notified)
	mt.Client, server = channel(t, mt.m.Handle, Config{OnNotification: func(e Element) { mt.notes <- e }, Strict: true}, notified)
	return mt
}

func (mt *mediaTest) note(s string) {
	mt.mu.Lock()
	defer mt.mu.Unlock()
	mt.called = append(mt.called, s)
}

// ask makes a request, checks the name of the response and a part of its
// reason, and returns it. The client is strict, so that its ids are right.
func (mt *mediaTest) ask(req Element, want, reason string) Element {
	mt.Helper()
	e, err := mt.Do(mt.Context(), req)
	if err != nil || Name(e) != want || !strings.Contains(attributeOf(e, "reason"), reason) {
		mt.Fatalf("%s: %+v, %v", Name(req), e, err)
	}
	return e
}

// askBad makes a request that is to get 400.
func (mt *mediaTest) askBad(req Element, reason string) {
	mt.Helper()
	var wire *Error
	if e, err := mt.loose.Do(mt.Context(), req); !errors.As(err, &wire) || wire.Code != StatusBadRequest || !strings.Contains(wire.Reason, reason) {
		mt.Fatalf("%s: %+v, %v", Name(req), e, err)
	}
}

// tell sends a notification, and waits until the MS has taken it: it takes them
// in turn, and answers what comes later.
func (mt *mediaTest) tell(e Element) {
	mt.Helper()
	if err := mt.Notify(mt.Context(), e); err != nil {
		mt.Fatal(err)
	}
}

func (mt *mediaTest) hear(want string) Element {
	mt.Helper()
	e := <-mt.notes
	if Name(e) != want {
		mt.Fatalf("notified of %+v instead of %s", e, want)
	}
	return e
}

func (mt *mediaTest) wantCalls(want ...string) {
	mt.Helper()
	mt.mu.Lock()
	defer mt.mu.Unlock()
	if got := strings.Join(mt.called, ", "); got != strings.Join(want, ", ") {
		mt.Errorf("called: %s", got)
	}
}

// wantNoDialogs waits until nothing is left of any: a dialog is there until its AS was
// told of its end.
func (mt *mediaTest) wantNoDialogs() {
	mt.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		mt.m.mu.Lock()
		n := len(mt.m.dialogs)
		mt.m.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			mt.Fatalf("%d dialogs left", n)
		}
	}
}

// TestDraftDialogs is section 6.1, with the wrong turns that can be taken.
func TestDraftDialogs(t *testing.T) {
	mt := newMediaTest(t, nil)
	mt.ask(&DialogPrepare{Src: "s", ConnectionID: "c0"}, "errordialognotprepared", "connection identified by c0 does not exist")
	mt.ask(&DialogPrepare{Src: "s", ConferenceID: "x"}, "errordialognotprepared", "conference identified by x does not exist")
	id := mt.ask(&DialogPrepare{Src: "digits"}, "dialogprepared", "").(*DialogPrepared).DialogID
	mt.askBad(&DialogStart{PreparedDialogID: id}, "neither connectionid nor conferenceid")
	mt.askBad(&DialogStart{PreparedDialogID: "d0"}, "does not exist")
	mt.askBad(&DialogStart{Src: "s"}, "neither connectionid nor conferenceid")
	mt.ask(&DialogStart{PreparedDialogID: id, ConnectionID: "c0"}, "errordialognotstarted", "does not exist")
	mt.ask(&DialogStart{PreparedDialogID: "d0", ConnectionID: "c1"}, "errordialognotstarted", "dialog identified by d0 does not exist")
	mt.ask(&Join{ID1: "c1", ID2: id}, "errorconferencejoin", "is prepared, not started")
	mt.ask(&DialogStart{PreparedDialogID: id, ConnectionID: "c1"}, "dialogstarted", "")
	mt.ask(&DialogStart{PreparedDialogID: id, ConnectionID: "c1"}, "errordialogwrongstate", "started, not prepared")
	mt.m.DialogExited(id, []Item{{Name: "digits", Value: "1234"}})
	if e := mt.hear("dialogexit").(*DialogExit); e.DialogID != id || e.ConnectionID != "c1" || len(e.Namelist) != 1 {
		t.Errorf("%+v", e)
	}
	mt.m.DialogExited(id, nil) // once is enough
	mt.ask(&DialogStart{PreparedDialogID: id, ConnectionID: "c1"}, "errordialognotstarted", "does not exist")

	bound := mt.ask(&DialogPrepare{Src: "bound", ConnectionID: "c2"}, "dialogprepared", "").(*DialogPrepared)
	mt.ask(&DialogStart{PreparedDialogID: bound.DialogID, ConnectionID: "c3"}, "errordialognotstarted", "for another connection")
	mt.ask(&DialogStart{PreparedDialogID: bound.DialogID}, "dialogstarted", "")
	mt.m.DialogFailed(bound.DialogID, "hardware error")
	if e := mt.hear("errordialog").(*ErrorDialog); e.ConnectionID != "c2" || e.Reason != "hardware error" {
		t.Errorf("%+v", e)
	}
	mt.wantCalls("prepare digits", "start digits on c1", "prepare bound", "start bound on c2")
}

// TestDraftConference is sections 6.2 to 6.4.
func TestDraftConference(t *testing.T) {
	mt := newMediaTest(t, nil)
	create := func() string {
		return mt.ask(&CreateConference{}, "conferencecreated", "").(*ConferenceCreated).ConferenceID
	}
	conf1, conf2 := create(), create()
	if conf1 == conf2 {
		t.Fatal("one id twice")
	}
	mt.ask(&Join{ID1: conf1, ID2: "c0"}, "errorconferencejoin", "no connection, dialog or conference is identified by c0")
	mt.ask(&Join{ID1: conf1, ID2: conf1}, "errorconferencejoin", "the same")
	mt.ask(&Unjoin{ID1: conf1, ID2: "c1"}, "errorconferenceunjoin", "are not joined")
	mt.ask(&Join{ID1: conf1, ID2: "c1"}, "conferencejoined", "")
	mt.ask(&Join{ID1: conf1, ID2: "c1", Streams: []Stream{{Type: "audio", Direction: "receive"}}}, "conferencejoined", "")
	mt.ask(&Join{ID1: conf1, ID2: conf2}, "conferencejoined", "")
	d := mt.ask(&DialogStart{ConferenceID: conf1, Src: "announce"}, "dialogstarted", "").(*DialogStarted)
	mt.ask(&Join{ID1: "c1", ID2: d.DialogID}, "conferencejoined", "")
	mt.ask(&Unjoin{ID1: conf1, ID2: "c1"}, "errorconferenceunjoin", "are not joined") // c1 listens to the dialog: section 5.3, rule 2
	mt.ask(&Unjoin{ID1: d.DialogID, ID2: "c1"}, "conferenceunjoined", "")
	mt.ask(&Unjoin{ID1: "c1", ID2: d.DialogID}, "errorconferenceunjoin", "are not joined")
	mt.ask(&DestroyConference{ConferenceID: "conf9"}, "errorconferencedestroy", "conference identified by conf9 does not exist")
	mt.ask(&DestroyConference{ConferenceID: conf1}, "conferencedestroyed", "")
	if e := mt.hear("errordialog").(*ErrorDialog); e.DialogID != d.DialogID || e.ConferenceID != conf1 {
		t.Errorf("%+v", e)
	}
	mt.ask(&DestroyConference{ConferenceID: conf1}, "errorconferencedestroy", "does not exist")
	mt.ask(&Unjoin{ID1: conf1, ID2: conf2}, "errorconferenceunjoin", "no connection, dialog or conference")
	mt.wantCalls("create", "create", "join", "join", "join", "start announce on conference", "join", "unjoin", "destroy", "end announce true")
	if len(mt.m.links.links) != 0 {
		t.Errorf("joins %v", mt.m.links.links)
	}
}

// TestDraftEvents is sections 4.6, 4.10 and 5.5, from the AS.
func TestDraftEvents(t *testing.T) {
	events := make(chan string, 10)
	mt := newMediaTest(t, func(_ *mediaTest, f *MediaFunctions) {
		f.DialogEvent = func(d Dialog, e Element) { events <- Name(e) + " of " + d.Document.Src }
		f.ConferenceEvent = func(e *ConferenceUser) { events <- "conference " + e.EventName }
	})
	d := mt.ask(&DialogStart{Src: "s", ConnectionID: "c1"}, "dialogstarted", "").(*DialogStarted)
	c := mt.ask(&CreateConference{}, "conferencecreated", "").(*ConferenceCreated)
	mt.tell(&DialogUser{EventName: "a", DialogID: "nobody"})
	mt.tell(&ConferenceUser{EventName: "a", ConferenceID: "nothing"})
	mt.tell(&DialogUser{EventName: "a", DialogID: d.DialogID})
	mt.tell(&DialogTransferComplete{DialogID: d.DialogID, Reason: "busy"})
	mt.tell(&ConferenceUser{EventName: "floor", ConferenceID: c.ConferenceID})
	for _, want := range []string{"dialoguser of s", "dialogtransfercomplete of s", "conference floor"} {
		if got := <-events; got != want {
			t.Errorf("%s in the place of %s", got, want)
		}
	}
}

// TestDraftNotSupported is section 2.1: an MS without media refuses, but first
// says what does not exist.
func TestDraftNotSupported(t *testing.T) {
	mt := newMediaTest(t, func(_ *mediaTest, f *MediaFunctions) { *f = MediaFunctions{HasConnection: f.HasConnection} })
	const unsupported = "not supported by this media server"
	mt.ask(&DialogPrepare{Src: "s"}, "errordialognotprepared", unsupported)
	mt.ask(&DialogStart{Src: "s", ConnectionID: "c1"}, "errordialognotstarted", unsupported)
	mt.ask(&DialogStart{Src: "s", ConnectionID: "c0"}, "errordialognotstarted", "does not exist")
	mt.ask(&CreateConference{}, "errorconferencecreate", unsupported)
	mt.ask(&DestroyConference{ConferenceID: "a"}, "errorconferencedestroy", "does not exist")
	mt.ask(&Join{ID1: "c1", ID2: "c2"}, "errorconferencejoin", unsupported)
	mt.ask(&Join{ID1: "c1", ID2: "x"}, "errorconferencejoin", "identified by x")
	mt.ask(&Unjoin{ID1: "c1", ID2: "c2"}, "errorconferenceunjoin", unsupported)
	mt.tell(&DialogTerminate{DialogID: "d"})
	mt.askBad(benchRequest, "no request of sections 4 and 5")
	if len(mt.m.dialogs)+len(mt.m.conferences)+len(mt.m.links.links) != 0 {
		t.Errorf("%+v", mt.m)
	}
}

// TestMediaFails checks that a function's error is the reason, and that what
// failed is gone.
func TestMediaFails(t *testing.T) {
	bad := errors.New("no resources")
	mt := newMediaTest(t, func(_ *mediaTest, f *MediaFunctions) {
		f.PrepareDialog = func(context.Context, Dialog) error { return bad }
		f.StartDialog = func(context.Context, Dialog) error { return bad }
		f.CreateConference = func(context.Context, string, *CreateConference) error { return bad }
		f.Join = func(context.Context, *Join) error { return bad }
	})
	mt.ask(&DialogPrepare{Src: "s"}, "errordialognotprepared", "no resources")
	mt.ask(&DialogStart{Src: "s", ConnectionID: "c1"}, "errordialognotstarted", "no resources")
	mt.ask(&CreateConference{}, "errorconferencecreate", "no resources")
	mt.ask(&Join{ID1: "c1", ID2: "c2"}, "errorconferencejoin", "no resources")
	mt.ask(&Unjoin{ID1: "c1", ID2: "c2"}, "errorconferenceunjoin", "not joined")
	if len(mt.m.dialogs)+len(mt.m.conferences)+len(mt.m.links.links) != 0 {
		t.Errorf("%+v", mt.m)
	}
}

// TestMediaLimits checks that what an AS can make an MS remember is bounded.
func TestMediaLimits(t *testing.T) {
	f := MediaFunctions{
		HasConnection:    func(string) bool { return true },
		PrepareDialog:    func(context.Context, Dialog) error { return nil },
		CreateConference: func(context.Context, string, *CreateConference) error { return nil },
		Join:             func(context.Context, *Join) error { return nil },
	}
	for _, tc := range []struct {
		limit    int
		req      func(i int) Element
		response string
	}{
		{MaxDialogs, func(int) Element { return &DialogPrepare{Src: "s"} }, "errordialognotprepared"},
		{MaxConferences, func(int) Element { return &CreateConference{} }, "errorconferencecreate"},
		{MaxJoins, func(i int) Element { return &Join{ID1: "c", ID2: fmt.Sprint(i)} }, "errorconferencejoin"},
	} {
		m := NewMediaServer(f)
		for i := range tc.limit + 1 {
			e, err := m.Handle(t.Context(), tc.req(i))
			if refused := Name(e) == tc.response; err != nil || refused != (i == tc.limit) {
				t.Fatalf("%d: %+v, %v", i, e, err)
			}
		}
	}
}
