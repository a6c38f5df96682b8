package mediaserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
)

// A mediaTest is an AS and an MS whose media are a list of what was called.
type mediaTest struct {
	*testing.T
	*mscp.Client
	loose *mscp.Client // sends what is against the rules, too
	m     *Server
	notes chan mscp.Element // what the AS is notified of

	mu     sync.Mutex
	called []string
}

// newMediaTest makes an MS with the connections c1 to c9. change may take
// functions away, or put others in their place.
func newMediaTest(t *testing.T, change func(*mediaTest, *Functions)) *mediaTest {
	mt := &mediaTest{T: t, notes: make(chan mscp.Element, 100)}
	var server *mscp.Server
	f := Functions{
		HasConnection: func(id string) bool { return len(id) == 2 && id[0] == 'c' && id[1] > '0' },
		PrepareDialog: func(_ context.Context, d Dialog) error { mt.note("prepare " + d.Document.Src); return nil },
		StartDialog: func(_ context.Context, d Dialog) error {
			mt.note("start " + d.Document.Src + " on " + d.ConnectionID + strings.TrimRight(d.ConferenceID, "-ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
			return nil
		},
		EndDialog:         func(d Dialog, immediate bool) { mt.note(fmt.Sprintf("end %s %t", d.Document.Src, immediate)) },
		DialogEvent:       func(_ Dialog, e mscp.Element) { mt.note("event " + mscp.Name(e)) },
		CreateConference:  func(context.Context, string, *mscp.CreateConference) error { mt.note("create"); return nil },
		DestroyConference: func(context.Context, string) error { mt.note("destroy"); return nil },
		Join:              func(context.Context, *mscp.Join) error { mt.note("join"); return nil },
		Unjoin:            func(context.Context, *mscp.Unjoin) error { mt.note("unjoin"); return nil },
		ConferenceEvent:   func(e *mscp.ConferenceUser) { mt.note("conference event") },
		Notify:            func(e mscp.Element) { _ = server.Notify(context.Background(), e) },
	}
	if change != nil {
		change(mt, &f)
	}
	mt.m = New(f)
	notified := mscp.Config{OnNotification: mt.m.Notified, Strict: true}
	mt.loose, _ = channel(t, mt.m.Handle, mscp.Config{}, notified)
	mt.Client, server = channel(t, mt.m.Handle, mscp.Config{OnNotification: func(e mscp.Element) { mt.notes <- e }, Strict: true}, notified)
	return mt
}

func (mt *mediaTest) note(s string) {
	mt.mu.Lock()
	defer mt.mu.Unlock()
	mt.called = append(mt.called, s)
}

// ask makes a request, checks the name of the response and a part of its
// reason, and returns it. The client is strict, so that its ids are right.
func (mt *mediaTest) ask(req mscp.Element, want, reason string) mscp.Element {
	mt.Helper()
	e, err := mt.Do(mt.Context(), req)
	if err != nil || mscp.Name(e) != want || !strings.Contains(reasonOf(e), reason) {
		mt.Fatalf("%s: %+v, %v", mscp.Name(req), e, err)
	}
	return e
}

// askBad makes a request that is to get 400.
func (mt *mediaTest) askBad(req mscp.Element, reason string) {
	mt.Helper()
	var wire *mscp.Error
	if e, err := mt.loose.Do(mt.Context(), req); !errors.As(err, &wire) || wire.Code != mscp.StatusBadRequest || !strings.Contains(wire.Reason, reason) {
		mt.Fatalf("%s: %+v, %v", mscp.Name(req), e, err)
	}
}

// tell sends a notification, and waits until the MS has taken it: it takes them
// in turn, and answers what comes later.
func (mt *mediaTest) tell(e mscp.Element) {
	mt.Helper()
	if err := mt.Notify(mt.Context(), e); err != nil {
		mt.Fatal(err)
	}
}

func (mt *mediaTest) hear(want string) mscp.Element {
	mt.Helper()
	e := <-mt.notes
	if mscp.Name(e) != want {
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
	mt.ask(&mscp.DialogPrepare{Src: "s", ConnectionID: "c0"}, "errordialognotprepared", "connection identified by c0 does not exist")
	mt.ask(&mscp.DialogPrepare{Src: "s", ConferenceID: "x"}, "errordialognotprepared", "conference identified by x does not exist")
	id := mt.ask(&mscp.DialogPrepare{Src: "digits"}, "dialogprepared", "").(*mscp.DialogPrepared).DialogID
	mt.askBad(&mscp.DialogStart{PreparedDialogID: id}, "neither connectionid nor conferenceid")
	mt.askBad(&mscp.DialogStart{PreparedDialogID: "d0"}, "does not exist")
	mt.askBad(&mscp.DialogStart{Src: "s"}, "neither connectionid nor conferenceid")
	mt.ask(&mscp.DialogStart{PreparedDialogID: id, ConnectionID: "c0"}, "errordialognotstarted", "does not exist")
	mt.ask(&mscp.DialogStart{PreparedDialogID: "d0", ConnectionID: "c1"}, "errordialognotstarted", "dialog identified by d0 does not exist")
	mt.ask(&mscp.Join{ID1: "c1", ID2: id}, "errorconferencejoin", "is prepared, not started")
	mt.ask(&mscp.DialogStart{PreparedDialogID: id, ConnectionID: "c1"}, "dialogstarted", "")
	mt.ask(&mscp.DialogStart{PreparedDialogID: id, ConnectionID: "c1"}, "errordialogwrongstate", "started, not prepared")
	mt.m.DialogExited(id, []mscp.Item{{Name: "digits", Value: "1234"}})
	if e := mt.hear("dialogexit").(*mscp.DialogExit); e.DialogID != id || e.ConnectionID != "c1" || len(e.Namelist) != 1 {
		t.Errorf("%+v", e)
	}
	mt.m.DialogExited(id, nil) // once is enough
	mt.ask(&mscp.DialogStart{PreparedDialogID: id, ConnectionID: "c1"}, "errordialognotstarted", "does not exist")

	bound := mt.ask(&mscp.DialogPrepare{Src: "bound", ConnectionID: "c2"}, "dialogprepared", "").(*mscp.DialogPrepared)
	mt.ask(&mscp.DialogStart{PreparedDialogID: bound.DialogID, ConnectionID: "c3"}, "errordialognotstarted", "for another connection")
	mt.ask(&mscp.DialogStart{PreparedDialogID: bound.DialogID}, "dialogstarted", "")
	mt.m.DialogFailed(bound.DialogID, "hardware error")
	if e := mt.hear("errordialog").(*mscp.ErrorDialog); e.ConnectionID != "c2" || e.Reason != "hardware error" {
		t.Errorf("%+v", e)
	}
	mt.wantCalls("prepare digits", "start digits on c1", "prepare bound", "start bound on c2")
}

// TestDraftConference is sections 6.2 to 6.4.
func TestDraftConference(t *testing.T) {
	mt := newMediaTest(t, nil)
	create := func() string {
		return mt.ask(&mscp.CreateConference{}, "conferencecreated", "").(*mscp.ConferenceCreated).ConferenceID
	}
	conf1, conf2 := create(), create()
	if conf1 == conf2 {
		t.Fatal("one id twice")
	}
	mt.ask(&mscp.Join{ID1: conf1, ID2: "c0"}, "errorconferencejoin", "no connection, dialog or conference is identified by c0")
	mt.ask(&mscp.Join{ID1: conf1, ID2: conf1}, "errorconferencejoin", "the same")
	mt.ask(&mscp.Unjoin{ID1: conf1, ID2: "c1"}, "errorconferenceunjoin", "are not joined")
	mt.ask(&mscp.Join{ID1: conf1, ID2: "c1"}, "conferencejoined", "")
	mt.ask(&mscp.Join{ID1: conf1, ID2: "c1", Streams: []mscp.Stream{{Type: "audio", Direction: "receive"}}}, "conferencejoined", "")
	mt.ask(&mscp.Join{ID1: conf1, ID2: conf2}, "conferencejoined", "")
	d := mt.ask(&mscp.DialogStart{ConferenceID: conf1, Src: "announce"}, "dialogstarted", "").(*mscp.DialogStarted)
	mt.ask(&mscp.Join{ID1: "c1", ID2: d.DialogID}, "conferencejoined", "")
	mt.ask(&mscp.Unjoin{ID1: conf1, ID2: "c1"}, "errorconferenceunjoin", "are not joined") // c1 listens to the dialog: section 5.3, rule 2
	mt.ask(&mscp.Unjoin{ID1: d.DialogID, ID2: "c1"}, "conferenceunjoined", "")
	mt.ask(&mscp.Unjoin{ID1: "c1", ID2: d.DialogID}, "errorconferenceunjoin", "are not joined")
	mt.ask(&mscp.DestroyConference{ConferenceID: "conf9"}, "errorconferencedestroy", "conference identified by conf9 does not exist")
	mt.ask(&mscp.DestroyConference{ConferenceID: conf1}, "conferencedestroyed", "")
	if e := mt.hear("errordialog").(*mscp.ErrorDialog); e.DialogID != d.DialogID || e.ConferenceID != conf1 {
		t.Errorf("%+v", e)
	}
	mt.ask(&mscp.DestroyConference{ConferenceID: conf1}, "errorconferencedestroy", "does not exist")
	mt.ask(&mscp.Unjoin{ID1: conf1, ID2: conf2}, "errorconferenceunjoin", "no connection, dialog or conference")
	mt.wantCalls("create", "create", "join", "join", "join", "start announce on conference", "join", "unjoin", "destroy", "end announce true")
	if len(mt.m.links.links) != 0 {
		t.Errorf("joins %v", mt.m.links.links)
	}
}

// TestDraftEvents is sections 4.6, 4.10 and 5.5, from the AS.
func TestDraftEvents(t *testing.T) {
	events := make(chan string, 10)
	mt := newMediaTest(t, func(_ *mediaTest, f *Functions) {
		f.DialogEvent = func(d Dialog, e mscp.Element) { events <- mscp.Name(e) + " of " + d.Document.Src }
		f.ConferenceEvent = func(e *mscp.ConferenceUser) { events <- "conference " + e.EventName }
	})
	d := mt.ask(&mscp.DialogStart{Src: "s", ConnectionID: "c1"}, "dialogstarted", "").(*mscp.DialogStarted)
	c := mt.ask(&mscp.CreateConference{}, "conferencecreated", "").(*mscp.ConferenceCreated)
	mt.tell(&mscp.DialogUser{EventName: "a", DialogID: "nobody"})
	mt.tell(&mscp.ConferenceUser{EventName: "a", ConferenceID: "nothing"})
	mt.tell(&mscp.DialogUser{EventName: "a", DialogID: d.DialogID})
	mt.tell(&mscp.DialogTransferComplete{DialogID: d.DialogID, Reason: "busy"})
	mt.tell(&mscp.ConferenceUser{EventName: "floor", ConferenceID: c.ConferenceID})
	for _, want := range []string{"dialoguser of s", "dialogtransfercomplete of s", "conference floor"} {
		if got := <-events; got != want {
			t.Errorf("%s in the place of %s", got, want)
		}
	}
}

// TestDraftNotSupported is section 2.1: an MS without media refuses, but first
// says what does not exist.
func TestDraftNotSupported(t *testing.T) {
	mt := newMediaTest(t, func(_ *mediaTest, f *Functions) { *f = Functions{HasConnection: f.HasConnection} })
	const unsupported = "not supported by this media server"
	mt.ask(&mscp.DialogPrepare{Src: "s"}, "errordialognotprepared", unsupported)
	mt.ask(&mscp.DialogStart{Src: "s", ConnectionID: "c1"}, "errordialognotstarted", unsupported)
	mt.ask(&mscp.DialogStart{Src: "s", ConnectionID: "c0"}, "errordialognotstarted", "does not exist")
	mt.ask(&mscp.CreateConference{}, "errorconferencecreate", unsupported)
	mt.ask(&mscp.DestroyConference{ConferenceID: "a"}, "errorconferencedestroy", "does not exist")
	mt.ask(&mscp.Join{ID1: "c1", ID2: "c2"}, "errorconferencejoin", unsupported)
	mt.ask(&mscp.Join{ID1: "c1", ID2: "x"}, "errorconferencejoin", "identified by x")
	mt.ask(&mscp.Unjoin{ID1: "c1", ID2: "c2"}, "errorconferenceunjoin", unsupported)
	mt.tell(&mscp.DialogTerminate{DialogID: "d"})
	mt.askBad(&mscp.RestoreMsg{FromURI: "sip:a@example.com", ToURI: "sip:b@example.com", ConnectionID: "c1"}, "no request of sections 4 and 5")
	if len(mt.m.dialogs)+len(mt.m.conferences)+len(mt.m.links.links) != 0 {
		t.Errorf("%+v", mt.m)
	}
}

// TestMediaFails checks that a function's error is the reason, and that what
// failed is gone.
func TestMediaFails(t *testing.T) {
	bad := errors.New("no resources")
	mt := newMediaTest(t, func(_ *mediaTest, f *Functions) {
		f.PrepareDialog = func(context.Context, Dialog) error { return bad }
		f.StartDialog = func(context.Context, Dialog) error { return bad }
		f.CreateConference = func(context.Context, string, *mscp.CreateConference) error { return bad }
		f.Join = func(context.Context, *mscp.Join) error { return bad }
	})
	mt.ask(&mscp.DialogPrepare{Src: "s"}, "errordialognotprepared", "no resources")
	mt.ask(&mscp.DialogStart{Src: "s", ConnectionID: "c1"}, "errordialognotstarted", "no resources")
	mt.ask(&mscp.CreateConference{}, "errorconferencecreate", "no resources")
	mt.ask(&mscp.Join{ID1: "c1", ID2: "c2"}, "errorconferencejoin", "no resources")
	mt.ask(&mscp.Unjoin{ID1: "c1", ID2: "c2"}, "errorconferenceunjoin", "not joined")
	if len(mt.m.dialogs)+len(mt.m.conferences)+len(mt.m.links.links) != 0 {
		t.Errorf("%+v", mt.m)
	}
}

// TestMediaLimits checks that what an AS can make an MS remember is bounded.
func TestMediaLimits(t *testing.T) {
	f := Functions{
		HasConnection:    func(string) bool { return true },
		PrepareDialog:    func(context.Context, Dialog) error { return nil },
		CreateConference: func(context.Context, string, *mscp.CreateConference) error { return nil },
		Join:             func(context.Context, *mscp.Join) error { return nil },
	}
	for _, tc := range []struct {
		limit    int
		req      func(i int) mscp.Element
		response string
	}{
		{MaxDialogs, func(int) mscp.Element { return &mscp.DialogPrepare{Src: "s"} }, "errordialognotprepared"},
		{MaxConferences, func(int) mscp.Element { return &mscp.CreateConference{} }, "errorconferencecreate"},
		{MaxJoins, func(i int) mscp.Element { return &mscp.Join{ID1: "c", ID2: fmt.Sprint(i)} }, "errorconferencejoin"},
	} {
		m := New(f)
		for i := range tc.limit + 1 {
			e, err := m.Handle(t.Context(), tc.req(i))
			if refused := mscp.Name(e) == tc.response; err != nil || refused != (i == tc.limit) {
				t.Fatalf("%d: %+v, %v", i, e, err)
			}
		}
	}
}
