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

// TestDraftTermination is section 4.3: what is told of dialogs that the AS ends.
func TestDraftTermination(t *testing.T) {
	mt := newMediaTest(t, nil)
	start := func(src string) string {
		return mt.ask(&DialogStart{Src: src, ConnectionID: "c1"}, "dialogstarted", "").(*DialogStarted).DialogID
	}
	ended := make(chan string, 3)
	mt.m.f.EndDialog = func(d Dialog, immediate bool) { ended <- fmt.Sprintf("%s %t", d.Document.Src, immediate) }
	want := func(s string) {
		t.Helper()
		if got := <-ended; got != s {
			t.Errorf("ended %s, not %s", got, s)
		}
	}
	now, soon := start("now"), start("soon")
	ready := mt.ask(&DialogPrepare{Src: "ready"}, "dialogprepared", "").(*DialogPrepared).DialogID
	mt.tell(&DialogTerminate{DialogID: "nobody"})
	mt.tell(&DialogTerminate{DialogID: now, Immediate: "true"})
	want("now true")
	mt.ask(&Join{ID1: now, ID2: "c1"}, "errorconferencejoin", "identified by "+now)
	mt.tell(&DialogTerminate{DialogID: ready})
	want("ready true")
	mt.tell(&DialogTerminate{DialogID: soon})
	want("soon false")
	mt.tell(&DialogTerminate{DialogID: soon})
	mt.m.DialogExited(now, nil) // of which nothing may be told
	mt.m.DialogExited(soon, nil)
	if e := mt.hear("dialogexit").(*DialogExit); e.DialogID != soon {
		t.Errorf("told of %s", e.DialogID)
	}
	mt.ask(&DialogStart{PreparedDialogID: ready, ConnectionID: "c1"}, "errordialognotstarted", "does not exist")
	if mt.wantNoDialogs(); len(ended) != 0 {
		t.Errorf("%d ends", len(ended))
	}
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

// TestShortDialog checks on the wire that a dialog that ends while it starts is
// told of only when the AS knows it.
func TestShortDialog(t *testing.T) {
	as, ms := tcpPair(t)
	var server *Server
	var m *MediaServer
	ready := make(chan struct{})
	m = NewMediaServer(MediaFunctions{
		HasConnection: func(string) bool { return true },
		StartDialog: func(_ context.Context, d Dialog) error {
			<-ready
			m.DialogExited(d.ID, nil)
			return nil
		},
		Notify: func(e Element) { _ = server.Notify(t.Context(), e) },
	})
	server = NewServer(ms, m.Handle, Config{})
	defer server.Close()
	close(ready)
	const dialogs = 50
	for i := range dialogs {
		doc := Document{Kind: Request, Element: &DialogStart{Src: "s", ConnectionID: "c"}}
		if err := (&PDU{Kind: Request, ID: uint64(i), Body: doc.Encode(Draft)}).Write(as); err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]bool{}
	r := NewReader(as)
	for range 2 * dialogs {
		p, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		docs, err := p.Documents(Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		switch e := docs[0].Element.(type) {
		case *DialogStarted:
			known[e.DialogID] = true
		case *DialogExit:
			if !known[e.DialogID] {
				t.Errorf("the end of %s came before its start", e.DialogID)
			}
		}
	}
}

// TestEndedWhileStarting checks dialogs whose connection ends, or which the AS
// terminates, while their start is under way.
func TestEndedWhileStarting(t *testing.T) {
	var ids []string
	what := func(*MediaServer, string) {}
	mt := newMediaTest(t, func(mt *mediaTest, f *MediaFunctions) {
		f.StartDialog = func(_ context.Context, d Dialog) error {
			ids = append(ids, d.ID)
			what(mt.m, d.ID)
			return nil
		}
	})
	what = func(m *MediaServer, _ string) { m.ConnectionEnded("c1") }
	mt.ask(&DialogStart{Src: "gone", ConnectionID: "c1"}, "errordialognotstarted", "has ended")
	what = func(m *MediaServer, id string) { m.Notified(&DialogTerminate{DialogID: id, Immediate: "true"}) }
	mt.ask(&DialogStart{Src: "now", ConnectionID: "c1"}, "errordialognotstarted", "terminated before")
	what = func(m *MediaServer, id string) { m.Notified(&DialogTerminate{DialogID: id}) }
	ended := make(chan bool, 1)
	mt.m.f.EndDialog = func(_ Dialog, immediate bool) { ended <- immediate }
	mt.ask(&DialogStart{Src: "soon", ConnectionID: "c1"}, "dialogstarted", "")
	if <-ended {
		t.Error("ended immediately")
	}
	mt.m.DialogExited(ids[2], nil)
	mt.hear("dialogexit")
	mt.wantCalls("end gone true", "end now true")
	mt.wantNoDialogs()
}

// TestConnectionEnds checks what becomes of dialogs and joins of a connection.
func TestConnectionEnds(t *testing.T) {
	mt := newMediaTest(t, nil)
	conf := mt.ask(&CreateConference{}, "conferencecreated", "").(*ConferenceCreated).ConferenceID
	d := mt.ask(&DialogStart{Src: "s", ConnectionID: "c1"}, "dialogstarted", "").(*DialogStarted)
	mt.ask(&Join{ID1: conf, ID2: "c1"}, "conferencejoined", "")
	mt.m.ConnectionEnded("c1")
	if e := mt.hear("errordialog").(*ErrorDialog); e.DialogID != d.DialogID || e.Reason == "" {
		t.Errorf("%+v", e)
	}
	mt.ask(&Unjoin{ID1: conf, ID2: "c1"}, "errorconferenceunjoin", "not joined")
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

// TestTerminatedBeforeTold terminates a dialog immediately while its events, and its end,
// wait for the response: none of them is sent.
func TestTerminatedBeforeTold(t *testing.T) {
	for _, exits := range []bool{false, true} {
		told, ended := 0, 0
		m := NewMediaServer(MediaFunctions{
			HasConnection: func(string) bool { return true },
			StartDialog:   func(context.Context, Dialog) error { return nil },
			EndDialog:     func(Dialog, bool) { ended++ },
			Notify:        func(Element) { told++ },
		})
		ctx, after := forResponse(t.Context())
		e, err := m.Handle(ctx, &DialogStart{Src: "s", ConnectionID: "c"})
		if err != nil {
			t.Fatal(err)
		}
		id := e.(*DialogStarted).DialogID
		if err := m.DialogNotify(id, &DialogUser{EventName: "e"}); err != nil {
			t.Error(err)
		}
		if exits {
			m.DialogExited(id, nil)
		}
		m.Notified(&DialogTerminate{DialogID: id, Immediate: "true"})
		after.run(true)
		if m.DialogExited(id, nil); told != 0 || ended != 1 && !exits || len(m.dialogs)+len(m.held)+len(m.links.links) != 0 {
			t.Errorf("exits %t: %d told, %d ended, %d dialogs, %d held", exits, told, ended, len(m.dialogs), len(m.held))
		}
	}
}

// TestNoEndDialog checks that a dialog which the media cannot end is over when the AS
// wants its end, and that a prepared one gives its connection back.
func TestNoEndDialog(t *testing.T) {
	var told []string
	m := NewMediaServer(MediaFunctions{
		HasConnection: func(string) bool { return true },
		PrepareDialog: func(context.Context, Dialog) error { return nil },
		StartDialog:   func(context.Context, Dialog) error { return nil },
		Notify:        func(e Element) { told = append(told, Name(e)) },
	})
	ask := func(req Element) Element {
		e, err := m.Handle(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, connection := range []string{"c", ""} { // which dialogprepare names, or not
		id := ask(&DialogPrepare{Src: "s", ConnectionID: connection}).(*DialogPrepared).DialogID
		if e := ask(&DialogStart{PreparedDialogID: id, ConnectionID: "c"}); Name(e) != "dialogstarted" {
			t.Fatalf("%+v", e)
		}
		m.Notified(&DialogTerminate{DialogID: id})
		if len(m.dialogs)+len(m.held) != 0 {
			t.Errorf("%d dialogs, %d held", len(m.dialogs), len(m.held))
		}
	}
	id := ask(&DialogPrepare{Src: "s", ConnectionID: "c"}).(*DialogPrepared).DialogID
	m.Notified(&DialogTerminate{DialogID: id}) // of which nothing is told
	if len(told) != 2 || told[0] != "dialogexit" || told[1] != "dialogexit" || len(m.dialogs)+len(m.held) != 0 {
		t.Errorf("told %v; %d dialogs, %d held", told, len(m.dialogs), len(m.held))
	}
}
