package mediaserver_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/mscp/mediaserver"
	"github.com/gomscp/gomscp/mscp/mscptest"
)

// A rawAS is an AS that a test plays, at a media server of its own or another's.
type rawAS struct {
	*mscptest.Peer
	t    *testing.T
	id   uint64
	gone chan struct{} // closed when the MS has given everything back
}

// newRawAS connects an AS to a media server.
func newRawAS(t *testing.T, m *mediaserver.Server) *rawAS {
	peer, c := mscptest.Pair(t)
	var s *mscp.Server
	ready := make(chan struct{})
	owner := m.Owner(func(e mscp.Element) {
		<-ready
		_ = s.Notify(context.Background(), e)
	})
	s = mscp.NewServer(c, owner.Handle, mscp.Config{OnNotification: owner.Notified, Strict: true})
	close(ready)
	a := &rawAS{Peer: peer, t: t, gone: make(chan struct{})}
	go func() {
		<-s.Done()
		owner.Close(context.Background())
		close(a.gone)
		s.Close()
	}()
	t.Cleanup(func() { peer.Conn.Close(); <-a.gone })
	return a
}

// ask makes one request and takes its response, which is next.
func (a *rawAS) ask(req mscp.Element, want string) mscp.Element {
	a.t.Helper()
	a.id++
	a.Request(a.id, req)
	u, d := a.Next()
	if u.ID != a.id || mscp.Name(d.Element) != want {
		a.t.Fatalf("%s: %+v, %+v", mscp.Name(req), u, d.Element)
	}
	return d.Element
}

// A mediaLog is media that take everything, and note what they end.
type mediaLog struct {
	mu    sync.Mutex
	ended []string
	block chan struct{} // requests with "slow" in them wait for its end
	slow  chan struct{} // gets a token for each
}

func (l *mediaLog) end(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = append(l.ended, what)
}

func (l *mediaLog) wait(slow bool) {
	if slow {
		l.slow <- struct{}{}
		<-l.block
	}
}

func (l *mediaLog) functions() mediaserver.Functions {
	return mediaserver.Functions{
		HasConnection: func(id string) bool { return strings.HasPrefix(id, "c") && !strings.HasPrefix(id, "conference") },
		PrepareDialog: func(_ context.Context, d mediaserver.Dialog) error { l.wait(d.Document.Src == "slow"); return nil },
		StartDialog:   func(_ context.Context, d mediaserver.Dialog) error { l.wait(d.Document.Src == "slow"); return nil },
		EndDialog: func(d mediaserver.Dialog, immediate bool) {
			l.end(fmt.Sprintf("dialog %s %t", d.Document.Src, immediate))
		},
		CreateConference: func(_ context.Context, _ string, req *mscp.CreateConference) error {
			l.wait(req.ReservedTalkers == "7")
			return nil
		},
		DestroyConference: func(context.Context, string) error { l.end("conference"); return fmt.Errorf("busy") },
		Join:              func(_ context.Context, req *mscp.Join) error { l.wait(req.ID1 == "c8"); return nil },
		Unjoin:            func(_ context.Context, req *mscp.Unjoin) error { l.end("join"); return fmt.Errorf("busy") },
	}
}

// TestStrangers has one AS try to command what another has created, on the wire.
func TestStrangers(t *testing.T) {
	l := &mediaLog{}
	f := l.functions()
	f.DestroyConference, f.Unjoin = func(context.Context, string) error { return nil }, func(context.Context, *mscp.Unjoin) error { return nil }
	m := mediaserver.New(f)
	one, two := newRawAS(t, m), newRawAS(t, m)
	conf := one.ask(&mscp.CreateConference{}, "conferencecreated").(*mscp.ConferenceCreated).ConferenceID
	ready := one.ask(&mscp.DialogPrepare{Src: "s"}, "dialogprepared").(*mscp.DialogPrepared).DialogID
	bound := one.ask(&mscp.DialogPrepare{Src: "s", ConnectionID: "c5"}, "dialogprepared").(*mscp.DialogPrepared).DialogID
	d := one.ask(&mscp.DialogStart{Src: "s", ConnectionID: "c1"}, "dialogstarted").(*mscp.DialogStarted).DialogID
	one.ask(&mscp.Join{ID1: "c2", ID2: "c3"}, "conferencejoined")
	for _, tc := range []struct {
		req  mscp.Element
		want string
	}{
		{&mscp.DialogStart{PreparedDialogID: ready, ConnectionID: "c9"}, "errordialognotstarted"},
		{&mscp.DialogStart{Src: "s", ConnectionID: "c1"}, "errordialognotstarted"}, // a dialog of one runs there
		{&mscp.DialogStart{Src: "s", ConnectionID: "c2"}, "errordialognotstarted"}, // it is joined by one
		{&mscp.DialogStart{Src: "s", ConferenceID: conf}, "errordialognotstarted"},
		{&mscp.DialogPrepare{Src: "s", ConnectionID: "c5"}, "errordialognotprepared"},
		{&mscp.DialogPrepare{Src: "s", ConferenceID: conf}, "errordialognotprepared"},
		{&mscp.Join{ID1: conf, ID2: "c9"}, "errorconferencejoin"},
		{&mscp.Join{ID1: "c9", ID2: d}, "errorconferencejoin"},
		{&mscp.Join{ID1: "c9", ID2: "c1"}, "errorconferencejoin"},
		{&mscp.Unjoin{ID1: "c2", ID2: "c3"}, "errorconferenceunjoin"},
		{&mscp.Unjoin{ID1: "c1", ID2: d}, "errorconferenceunjoin"},
		{&mscp.DestroyConference{ConferenceID: conf}, "errorconferencedestroy"},
	} {
		two.ask(tc.req, tc.want)
	}
	for _, id := range []string{d, ready, bound} {
		two.Notify(&mscp.DialogTerminate{DialogID: id, Immediate: "true"})
	}
	two.ask(&mscp.Join{ID1: "c9", ID2: d}, "errorconferencejoin") // it comes after the notification
	one.ask(&mscp.Unjoin{ID1: "c1", ID2: d}, "conferenceunjoined")
	one.ask(&mscp.Unjoin{ID1: "c3", ID2: "c2"}, "conferenceunjoined")
	two.ask(&mscp.DialogStart{Src: "s", ConnectionID: "c2"}, "dialogstarted") // one has left it
	one.ask(&mscp.DialogStart{PreparedDialogID: ready, ConnectionID: "c4"}, "dialogstarted")
	one.ask(&mscp.DialogStart{PreparedDialogID: bound}, "dialogstarted")
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ended) != 0 {
		t.Errorf("ended: %v", l.ended)
	}
}

// TestVanishedAS closes the connection of an AS that has something of everything, and
// requests under way: all is given back, though the media refuse to end it.
func TestVanishedAS(t *testing.T) {
	l := &mediaLog{block: make(chan struct{}), slow: make(chan struct{})}
	m := mediaserver.New(l.functions())
	one := newRawAS(t, m)
	conf := one.ask(&mscp.CreateConference{}, "conferencecreated").(*mscp.ConferenceCreated).ConferenceID
	one.ask(&mscp.DialogPrepare{Src: "prepared", ConnectionID: "c5"}, "dialogprepared")
	d := one.ask(&mscp.DialogStart{Src: "started", ConnectionID: "c1"}, "dialogstarted").(*mscp.DialogStarted).DialogID
	one.ask(&mscp.DialogStart{Src: "on conference", ConferenceID: conf}, "dialogstarted")
	ending := one.ask(&mscp.DialogStart{Src: "ending", ConnectionID: "c6"}, "dialogstarted").(*mscp.DialogStarted).DialogID
	one.Notify(&mscp.DialogTerminate{DialogID: ending})
	one.ask(&mscp.Join{ID1: "c2", ID2: "c3"}, "conferencejoined")
	one.ask(&mscp.Join{ID1: conf, ID2: "c2"}, "conferencejoined")
	one.ask(&mscp.Join{ID1: ending, ID2: "c6"}, "conferencejoined") // after the notification
	for i, req := range []mscp.Element{
		&mscp.CreateConference{ReservedTalkers: "7"}, &mscp.DialogStart{Src: "slow", ConnectionID: "c7"},
		&mscp.DialogPrepare{Src: "slow"}, &mscp.Join{ID1: "c8", ID2: "c10"},
	} {
		one.Request(uint64(1000+i), req)
		<-l.slow
	}
	one.Conn.Close()
	<-one.gone
	close(l.block)

	two := newRawAS(t, m)
	for _, id := range []string{"c1", "c2", "c3", "c5", "c6"} {
		if flows := m.Flows(id); len(flows) != 0 {
			t.Errorf("%s has %v", id, flows)
		}
		two.ask(&mscp.DialogStart{Src: "two's", ConnectionID: id}, "dialogstarted")
	}
	if err := m.DialogNotify(d, &mscp.DialogUser{EventName: "e"}); err == nil {
		t.Error("the dialog is still there")
	}
	m.DialogExited(d, nil) // tells nobody
	want := []string{"conference", "conference", "dialog ending false", "dialog ending true", "dialog on conference true", "dialog prepared true",
		"dialog slow true", "dialog slow true", "dialog started true", "join", "join"}
	for got := []string(nil); !slices.Equal(got, want); { // what was under way undoes itself
		l.mu.Lock()
		got = slices.Sorted(slices.Values(l.ended))
		l.mu.Unlock()
		if len(got) > len(want) || t.Context().Err() != nil {
			t.Fatalf("ended: %v", got)
		}
	}
	for _, id := range []string{"c7", "c8", "c10"} {
		two.ask(&mscp.DialogStart{Src: "two's", ConnectionID: id}, "dialogstarted")
	}
}

// TestLimitsGivenBack fills a media server up, and vanishes: another AS finds room.
func TestLimitsGivenBack(t *testing.T) {
	m := mediaserver.New((&mediaLog{}).functions())
	one := m.Owner(nil)
	for i := range mediaserver.MaxDialogs + 1 {
		e, err := one.Handle(t.Context(), &mscp.DialogPrepare{Src: "s"})
		if want := i < mediaserver.MaxDialogs; err != nil || (mscp.Name(e) == "dialogprepared") != want {
			t.Fatalf("%d: %+v, %v", i, e, err)
		}
		if e, err = one.Handle(t.Context(), &mscp.CreateConference{}); err != nil || (mscp.Name(e) == "conferencecreated") != (i < mediaserver.MaxConferences) {
			t.Fatalf("%d: %+v, %v", i, e, err)
		}
	}
	one.Close(t.Context())
	one.Close(t.Context())
	two := newRawAS(t, m)
	two.ask(&mscp.DialogPrepare{Src: "s"}, "dialogprepared")
	two.ask(&mscp.CreateConference{}, "conferencecreated")
	for _, req := range []mscp.Element{&mscp.DialogPrepare{Src: "s"}, &mscp.CreateConference{}, &mscp.Join{ID1: "c1", ID2: "c2"}, &mscp.DialogStart{Src: "s", ConnectionID: "c1"}} {
		if e, err := one.Handle(t.Context(), req); err != nil || !strings.HasPrefix(mscp.Name(e), "error") {
			t.Errorf("after its end: %+v, %v", e, err)
		}
	}
}
