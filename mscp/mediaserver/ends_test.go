package mediaserver

import (
	"context"
	"fmt"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/mscp"
)

// TestDraftTermination is section 4.3: what is told of dialogs that the AS ends.
func TestDraftTermination(t *testing.T) {
	mt := newMediaTest(t, nil)
	start := func(src string) string {
		return mt.ask(&mscp.DialogStart{Src: src, ConnectionID: "c1"}, "dialogstarted", "").(*mscp.DialogStarted).DialogID
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
	ready := mt.ask(&mscp.DialogPrepare{Src: "ready"}, "dialogprepared", "").(*mscp.DialogPrepared).DialogID
	mt.tell(&mscp.DialogTerminate{DialogID: "nobody"})
	mt.tell(&mscp.DialogTerminate{DialogID: now, Immediate: "true"})
	want("now true")
	mt.ask(&mscp.Join{ID1: now, ID2: "c1"}, "errorconferencejoin", "identified by "+now)
	mt.tell(&mscp.DialogTerminate{DialogID: ready})
	want("ready true")
	mt.tell(&mscp.DialogTerminate{DialogID: soon})
	want("soon false")
	mt.tell(&mscp.DialogTerminate{DialogID: soon})
	mt.m.DialogExited(now, nil) // of which nothing may be told
	mt.m.DialogExited(soon, nil)
	if e := mt.hear("dialogexit").(*mscp.DialogExit); e.DialogID != soon {
		t.Errorf("told of %s", e.DialogID)
	}
	mt.ask(&mscp.DialogStart{PreparedDialogID: ready, ConnectionID: "c1"}, "errordialognotstarted", "does not exist")
	if mt.wantNoDialogs(); len(ended) != 0 {
		t.Errorf("%d ends", len(ended))
	}
}

// TestShortDialog checks on the wire that a dialog that ends while it starts is
// told of only when the AS knows it.
func TestShortDialog(t *testing.T) {
	as, ms := testutil.TCPPair(t)
	var server *mscp.Server
	var m *Server
	ready := make(chan struct{})
	m = New(Functions{
		HasConnection: func(string) bool { return true },
		StartDialog: func(_ context.Context, d Dialog) error {
			<-ready
			m.DialogExited(d.ID, nil)
			return nil
		},
		Notify: func(e mscp.Element) { _ = server.Notify(t.Context(), e) },
	})
	server = mscp.NewServer(ms, m.Handle, mscp.Config{})
	defer server.Close()
	close(ready)
	const dialogs = 50
	for i := range dialogs {
		doc := mscp.Document{Kind: mscp.Request, Element: &mscp.DialogStart{Src: "s", ConnectionID: "c"}}
		if err := (&mscp.PDU{Kind: mscp.Request, ID: uint64(i), Body: doc.Encode(mscp.Draft)}).Write(as); err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]bool{}
	r := mscp.NewReader(as)
	for range 2 * dialogs {
		p, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		docs, err := p.Documents(mscp.Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		switch e := docs[0].Element.(type) {
		case *mscp.DialogStarted:
			known[e.DialogID] = true
		case *mscp.DialogExit:
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
	what := func(*Server, string) {}
	mt := newMediaTest(t, func(mt *mediaTest, f *Functions) {
		f.StartDialog = func(_ context.Context, d Dialog) error {
			ids = append(ids, d.ID)
			what(mt.m, d.ID)
			return nil
		}
	})
	what = func(m *Server, _ string) { m.ConnectionEnded("c1") }
	mt.ask(&mscp.DialogStart{Src: "gone", ConnectionID: "c1"}, "errordialognotstarted", "has ended")
	what = func(m *Server, id string) { m.Notified(&mscp.DialogTerminate{DialogID: id, Immediate: "true"}) }
	mt.ask(&mscp.DialogStart{Src: "now", ConnectionID: "c1"}, "errordialognotstarted", "terminated before")
	what = func(m *Server, id string) { m.Notified(&mscp.DialogTerminate{DialogID: id}) }
	ended := make(chan bool, 1)
	mt.m.f.EndDialog = func(_ Dialog, immediate bool) { ended <- immediate }
	mt.ask(&mscp.DialogStart{Src: "soon", ConnectionID: "c1"}, "dialogstarted", "")
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
	conf := mt.ask(&mscp.CreateConference{}, "conferencecreated", "").(*mscp.ConferenceCreated).ConferenceID
	d := mt.ask(&mscp.DialogStart{Src: "s", ConnectionID: "c1"}, "dialogstarted", "").(*mscp.DialogStarted)
	mt.ask(&mscp.Join{ID1: conf, ID2: "c1"}, "conferencejoined", "")
	mt.m.ConnectionEnded("c1")
	if e := mt.hear("errordialog").(*mscp.ErrorDialog); e.DialogID != d.DialogID || e.Reason == "" {
		t.Errorf("%+v", e)
	}
	mt.ask(&mscp.Unjoin{ID1: conf, ID2: "c1"}, "errorconferenceunjoin", "not joined")
}

// TestTerminatedBeforeTold terminates a dialog immediately while its events, and its end,
// wait for the response: none of them is sent.
func TestTerminatedBeforeTold(t *testing.T) {
	for _, exits := range []bool{false, true} {
		told, ended := 0, 0
		m := New(Functions{
			HasConnection: func(string) bool { return true },
			StartDialog:   func(context.Context, Dialog) error { return nil },
			EndDialog:     func(Dialog, bool) { ended++ },
			Notify:        func(mscp.Element) { told++ },
		})
		var id string
		answerTo(t, m.Handle, &mscp.DialogStart{Src: "s", ConnectionID: "c"}, true, func(e mscp.Element) {
			id = e.(*mscp.DialogStarted).DialogID
			if err := m.DialogNotify(id, &mscp.DialogUser{EventName: "e"}); err != nil {
				t.Error(err)
			}
			if exits {
				m.DialogExited(id, nil)
			}
			m.Notified(&mscp.DialogTerminate{DialogID: id, Immediate: "true"})
		})
		if m.DialogExited(id, nil); told != 0 || ended != 1 && !exits || len(m.dialogs)+len(m.held)+len(m.links.links) != 0 {
			t.Errorf("exits %t: %d told, %d ended, %d dialogs, %d held", exits, told, ended, len(m.dialogs), len(m.held))
		}
	}
}

// TestNoEndDialog checks that a dialog which the media cannot end is over when the AS
// wants its end, and that a prepared one gives its connection back.
func TestNoEndDialog(t *testing.T) {
	var told []string
	m := New(Functions{
		HasConnection: func(string) bool { return true },
		PrepareDialog: func(context.Context, Dialog) error { return nil },
		StartDialog:   func(context.Context, Dialog) error { return nil },
		Notify:        func(e mscp.Element) { told = append(told, mscp.Name(e)) },
	})
	ask := func(req mscp.Element) mscp.Element {
		e, err := m.Handle(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, connection := range []string{"c", ""} { // which dialogprepare names, or not
		id := ask(&mscp.DialogPrepare{Src: "s", ConnectionID: connection}).(*mscp.DialogPrepared).DialogID
		if e := ask(&mscp.DialogStart{PreparedDialogID: id, ConnectionID: "c"}); mscp.Name(e) != "dialogstarted" {
			t.Fatalf("%+v", e)
		}
		m.Notified(&mscp.DialogTerminate{DialogID: id})
		if len(m.dialogs)+len(m.held) != 0 {
			t.Errorf("%d dialogs, %d held", len(m.dialogs), len(m.held))
		}
	}
	id := ask(&mscp.DialogPrepare{Src: "s", ConnectionID: "c"}).(*mscp.DialogPrepared).DialogID
	m.Notified(&mscp.DialogTerminate{DialogID: id}) // of which nothing is told
	if len(told) != 2 || told[0] != "dialogexit" || told[1] != "dialogexit" || len(m.dialogs)+len(m.held) != 0 {
		t.Errorf("told %v; %d dialogs, %d held", told, len(m.dialogs), len(m.held))
	}
}
