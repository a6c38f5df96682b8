package mscp

import (
	"context"
	"testing"
)

// TestOwners checks who is told of what, who may command it, and what becomes of
// it when its AS is gone.
func TestOwners(t *testing.T) {
	destroyed, ended := 0, 0
	m := NewMediaServer(MediaFunctions{
		HasConnection:     func(string) bool { return true },
		PrepareDialog:     func(context.Context, Dialog) error { return nil },
		StartDialog:       func(context.Context, Dialog) error { return nil },
		EndDialog:         func(Dialog, bool) { ended++ },
		CreateConference:  func(context.Context, string, *CreateConference) error { return nil },
		DestroyConference: func(context.Context, string) error { destroyed++; return nil },
		Join:              func(context.Context, *Join) error { return nil },
		Unjoin:            func(context.Context, *Unjoin) error { return nil },
	})
	told := map[string][]string{}
	owner := func(name string) *Owner {
		return m.Owner(func(e Element) { told[name] = append(told[name], Name(e)) })
	}
	one, two := owner("one"), owner("two")
	ask := func(o *Owner, req Element, want string) Element {
		t.Helper()
		e, err := o.Handle(t.Context(), req)
		if err != nil || Name(e) != want {
			t.Fatalf("%s: %+v, %v", Name(req), e, err)
		}
		return e
	}
	d := ask(one, &DialogStart{Src: "s", ConnectionID: "c"}, "dialogstarted").(*DialogStarted).DialogID
	p := ask(one, &DialogPrepare{Src: "s"}, "dialogprepared").(*DialogPrepared).DialogID
	conf := ask(one, &CreateConference{}, "conferencecreated").(*ConferenceCreated).ConferenceID
	ask(two, &DialogStart{PreparedDialogID: p, ConnectionID: "c"}, "errordialognotstarted")
	ask(two, &DialogStart{Src: "s", ConferenceID: conf}, "errordialognotstarted")
	ask(two, &Join{ID1: conf, ID2: "c"}, "errorconferencejoin")
	ask(two, &Unjoin{ID1: "c", ID2: d}, "errorconferenceunjoin")
	ask(two, &DestroyConference{ConferenceID: conf}, "errorconferencedestroy")
	two.Notified(&DialogTerminate{DialogID: d, Immediate: "true"})
	if ended != 0 {
		t.Error("another has ended the dialog")
	}
	ask(one, &Unjoin{ID1: "c", ID2: d}, "conferenceunjoined") // from where it was started: section 4.8.2
	ask(one, &Unjoin{ID1: "c", ID2: d}, "errorconferenceunjoin")
	ask(one, &Join{ID1: "c", ID2: d}, "conferencejoined")
	m.DialogExited(d, nil)
	if len(told["one"]) != 1 || told["one"][0] != "dialogexit" || len(told["two"]) != 0 {
		t.Errorf("told: %v", told)
	}
	ask(one, &DialogStart{Src: "s", ConferenceID: conf}, "dialogstarted")
	theirs := ask(two, &CreateConference{}, "conferencecreated").(*ConferenceCreated).ConferenceID
	one.Close(t.Context())
	if len(m.dialogs) != 0 || len(m.conferences) != 1 || len(m.held) != 0 || len(m.links.links) != 0 || destroyed != 1 || ended != 2 {
		t.Errorf("%d dialogs, %d conferences, joins %v, %d destroyed, %d ended", len(m.dialogs), len(m.conferences), m.links.links, destroyed, ended)
	}
	if len(told["one"]) != 1 {
		t.Errorf("told after the end: %v", told)
	}
	ask(two, &DestroyConference{ConferenceID: theirs}, "conferencedestroyed")
}
