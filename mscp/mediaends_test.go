package mscp

import (
	"context"
	"fmt"
	"testing"
)

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
