package mediaserver

import (
	"context"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/mscp"
)

// TestUniqueIDs checks that no id is given twice, by one MS or by another, as after a
// restart.
func TestUniqueIDs(t *testing.T) {
	f := Functions{
		PrepareDialog:    func(context.Context, Dialog) error { return nil },
		CreateConference: func(context.Context, string, *mscp.CreateConference) error { return nil },
	}
	seen := map[string]bool{}
	for range 3 {
		m := New(f)
		for range 500 {
			for _, req := range []mscp.Element{&mscp.DialogPrepare{Src: "s"}, &mscp.CreateConference{}} {
				e, err := m.Handle(t.Context(), req)
				id := ""
				switch e := e.(type) {
				case *mscp.DialogPrepared:
					id = e.DialogID
				case *mscp.ConferenceCreated:
					id = e.ConferenceID
				}
				if err != nil || id == "" || seen[id] {
					t.Fatalf("%+v, %v", e, err)
				}
				seen[id] = true
			}
		}
	}
}

// TestTwoEndPoints has a Server refuse what no channel lets through.
func TestTwoEndPoints(t *testing.T) {
	mt := newMediaTest(t, nil)
	conf := mt.ask(&mscp.CreateConference{}, "conferencecreated", "").(*mscp.ConferenceCreated).ConferenceID
	for _, req := range []mscp.Element{
		&mscp.DialogPrepare{Src: "s", ConnectionID: "c1", ConferenceID: conf}, &mscp.DialogStart{Src: "s", ConnectionID: "c1", ConferenceID: conf},
	} {
		e, err := mt.m.Handle(t.Context(), req)
		if err != nil || !strings.Contains(reasonOf(e), "are both there") {
			t.Errorf("%+v, %v", e, err)
		}
	}
	for _, req := range []mscp.Element{
		&mscp.DialogPrepare{Src: "s", ConnectionID: "c1"}, &mscp.DialogPrepare{Src: "s", ConferenceID: conf}, &mscp.DialogPrepare{Src: "s"},
	} {
		if e, err := mt.m.Handle(t.Context(), req); err != nil || mscp.Name(e) != "dialogprepared" {
			t.Errorf("%+v, %v", e, err)
		}
	}
	// A prepared dialog, for a conference: both have to agree, or the start names none.
	p := mt.ask(&mscp.DialogPrepare{Src: "s", ConferenceID: conf}, "dialogprepared", "").(*mscp.DialogPrepared).DialogID
	mt.ask(&mscp.DialogStart{PreparedDialogID: p, ConnectionID: "c1"}, "errordialognotstarted", "for another")
	mt.ask(&mscp.DialogStart{PreparedDialogID: p, ConferenceID: "other"}, "errordialognotstarted", "for another")
	if e := mt.ask(&mscp.DialogStart{PreparedDialogID: p}, "dialogstarted", "").(*mscp.DialogStarted); e.ConferenceID != conf || e.DialogID != p {
		t.Errorf("%+v", e)
	}
	p = mt.ask(&mscp.DialogPrepare{Src: "s", ConferenceID: conf}, "dialogprepared", "").(*mscp.DialogPrepared).DialogID
	mt.ask(&mscp.DialogStart{PreparedDialogID: p, ConferenceID: conf}, "dialogstarted", "")
}
