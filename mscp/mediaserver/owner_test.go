package mediaserver

import (
	"context"
	"testing"

	"github.com/gomscp/gomscp/mscp"
)

// TestOwners checks who is told of what, who may command it, and what becomes of
// it when its AS is gone.
func TestOwners(t *testing.T) {
	destroyed, ended := 0, 0
	m := New(Functions{
		HasConnection:     func(string) bool { return true },
		PrepareDialog:     func(context.Context, Dialog) error { return nil },
		StartDialog:       func(context.Context, Dialog) error { return nil },
		EndDialog:         func(Dialog, bool) { ended++ },
		CreateConference:  func(context.Context, string, *mscp.CreateConference) error { return nil },
		DestroyConference: func(context.Context, string) error { destroyed++; return nil },
		Join:              func(context.Context, *mscp.Join) error { return nil },
		Unjoin:            func(context.Context, *mscp.Unjoin) error { return nil },
	})
	told := map[string][]string{}
	owner := func(name string) *Owner {
		return m.Owner(func(e mscp.Element) { told[name] = append(told[name], mscp.Name(e)) })
	}
	one, two := owner("one"), owner("two")
	ask := func(o *Owner, req mscp.Element, want string) mscp.Element {
		t.Helper()
		e, err := o.Handle(t.Context(), req)
		if err != nil || mscp.Name(e) != want {
			t.Fatalf("%s: %+v, %v", mscp.Name(req), e, err)
		}
		return e
	}
	d := ask(one, &mscp.DialogStart{Src: "s", ConnectionID: "c"}, "dialogstarted").(*mscp.DialogStarted).DialogID
	p := ask(one, &mscp.DialogPrepare{Src: "s"}, "dialogprepared").(*mscp.DialogPrepared).DialogID
	conf := ask(one, &mscp.CreateConference{}, "conferencecreated").(*mscp.ConferenceCreated).ConferenceID
	ask(two, &mscp.DialogStart{PreparedDialogID: p, ConnectionID: "c"}, "errordialognotstarted")
	ask(two, &mscp.DialogStart{Src: "s", ConferenceID: conf}, "errordialognotstarted")
	ask(two, &mscp.Join{ID1: conf, ID2: "c"}, "errorconferencejoin")
	ask(two, &mscp.Unjoin{ID1: "c", ID2: d}, "errorconferenceunjoin")
	ask(two, &mscp.DestroyConference{ConferenceID: conf}, "errorconferencedestroy")
	two.Notified(&mscp.DialogTerminate{DialogID: d, Immediate: "true"})
	if ended != 0 {
		t.Error("another has ended the dialog")
	}
	ask(one, &mscp.Unjoin{ID1: "c", ID2: d}, "conferenceunjoined") // from where it was started: section 4.8.2
	ask(one, &mscp.Unjoin{ID1: "c", ID2: d}, "errorconferenceunjoin")
	ask(one, &mscp.Join{ID1: "c", ID2: d}, "conferencejoined")
	m.DialogExited(d, nil)
	if len(told["one"]) != 1 || told["one"][0] != "dialogexit" || len(told["two"]) != 0 {
		t.Errorf("told: %v", told)
	}
	ask(one, &mscp.DialogStart{Src: "s", ConferenceID: conf}, "dialogstarted")
	theirs := ask(two, &mscp.CreateConference{}, "conferencecreated").(*mscp.ConferenceCreated).ConferenceID
	one.Close(t.Context())
	if len(m.dialogs) != 0 || len(m.conferences) != 1 || len(m.held) != 0 || len(m.links.links) != 0 || destroyed != 1 || ended != 2 {
		t.Errorf("%d dialogs, %d conferences, joins %v, %d destroyed, %d ended", len(m.dialogs), len(m.conferences), m.links.links, destroyed, ended)
	}
	if len(told["one"]) != 1 {
		t.Errorf("told after the end: %v", told)
	}
	ask(two, &mscp.DestroyConference{ConferenceID: theirs}, "conferencedestroyed")
}
