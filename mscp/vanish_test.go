package mscp_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomscp/gomscp/mscp"
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
func newRawAS(t *testing.T, m *mscp.MediaServer) *rawAS {
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

func (l *mediaLog) functions() mscp.MediaFunctions {
	return mscp.MediaFunctions{
		HasConnection: func(id string) bool { return strings.HasPrefix(id, "c") && !strings.HasPrefix(id, "conference") },
		PrepareDialog: func(_ context.Context, d mscp.Dialog) error { l.wait(d.Document.Src == "slow"); return nil },
		StartDialog:   func(_ context.Context, d mscp.Dialog) error { l.wait(d.Document.Src == "slow"); return nil },
		EndDialog:     func(d mscp.Dialog, immediate bool) { l.end(fmt.Sprintf("dialog %s %t", d.Document.Src, immediate)) },
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
	m := mscp.NewMediaServer(f)
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
	m := mscp.NewMediaServer(l.functions())
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
	m := mscp.NewMediaServer((&mediaLog{}).functions())
	one := m.Owner(nil)
	for i := range mscp.MaxDialogs + 1 {
		e, err := one.Handle(t.Context(), &mscp.DialogPrepare{Src: "s"})
		if want := i < mscp.MaxDialogs; err != nil || (mscp.Name(e) == "dialogprepared") != want {
			t.Fatalf("%d: %+v, %v", i, e, err)
		}
		if e, err = one.Handle(t.Context(), &mscp.CreateConference{}); err != nil || (mscp.Name(e) == "conferencecreated") != (i < mscp.MaxConferences) {
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

// A plan is what an application does with one dialog: events, by their kinds, of which
// so many come before StartDialog returns, and the end.
type plan struct {
	kinds []int
	early int
	fails bool
}

func randomPlan() plan {
	p := plan{kinds: make([]int, rand.IntN(12)), fails: rand.IntN(4) == 0}
	for i := range p.kinds {
		p.kinds[i] = rand.IntN(4)
	}
	p.early = rand.IntN(len(p.kinds) + 2) // one more: the end, too
	return p
}

// event is the i-th of a dialog; kind -1 is its end.
func event(kind, i int) mscp.Element {
	names := []mscp.Item{{Name: "i", Value: fmt.Sprint(i)}}
	switch kind {
	case 0:
		return &mscp.DialogUser{EventName: "e", Namelist: names}
	case 1:
		return &mscp.DialogDisconnect{Namelist: names}
	case 2:
		return &mscp.DialogTransfer{Type: "bridge", URI: "sip:a@example.com", MaxTime: "0s", ConnectTimeout: "1s", Namelist: names}
	}
	return &mscp.DialogTerminateTransfer{Reason: "near_end_disconnect"}
}

// do tells the i-th event, or the end.
func (p plan) do(m *mscp.MediaServer, id string, i int) error {
	switch {
	case i < len(p.kinds):
		return m.DialogNotify(id, event(p.kinds[i], i))
	case p.fails:
		m.DialogFailed(id, "r")
	default:
		m.DialogExited(id, nil)
	}
	return nil
}

// want are the elements that the AS gets, in their order.
func (p plan) want() string {
	names := []string{"dialogstarted"}
	for i, k := range p.kinds {
		names = append(names, describeEvent(event(k, i)))
	}
	return strings.Join(append(names, map[bool]string{true: "errordialog", false: "dialogexit"}[p.fails]), " ")
}

func describeEvent(e mscp.Element) string {
	var items []mscp.Item
	switch e := e.(type) {
	case *mscp.DialogUser:
		items = e.Namelist
	case *mscp.DialogDisconnect:
		items = e.Namelist
	case *mscp.DialogTransfer:
		items = e.Namelist
	}
	if len(items) > 0 {
		return mscp.Name(e) + "/" + items[0].Value
	}
	return mscp.Name(e)
}

// TestDialogNotify starts dialogs whose application sends events in random orders, from
// within StartDialog and beside it: a raw AS gets each dialog's after its dialogstarted,
// in the order of the calls, and the end last.
func TestDialogNotify(t *testing.T) {
	const dialogs = 300
	plans := make([]plan, dialogs)
	for i := range plans {
		plans[i] = randomPlan()
	}
	var m *mscp.MediaServer
	var apps sync.WaitGroup
	m = mscp.NewMediaServer(mscp.MediaFunctions{
		HasConnection: func(string) bool { return true },
		StartDialog: func(_ context.Context, d mscp.Dialog) error {
			var n int
			_, _ = fmt.Sscanf(d.ConnectionID, "c%d", &n)
			p := plans[n]
			run := func(from, to int) {
				for i := from; i < to; i++ {
					if err := p.do(m, d.ID, i); err != nil {
						t.Errorf("%s: event %d of %+v: %v", d.ConnectionID, i, p, err)
					}
				}
			}
			run(0, p.early)
			apps.Go(func() { run(p.early, len(p.kinds)+1) })
			return nil
		},
	})
	as := newRawAS(t, m)
	go func() {
		for i := range dialogs {
			doc := mscp.Document{Kind: mscp.Request, Element: &mscp.DialogStart{Src: "s", ConnectionID: fmt.Sprint("c", i)}}
			_ = (&mscp.PDU{Kind: mscp.Request, ID: uint64(i), Body: doc.Encode(mscp.Draft)}).Write(as.Conn)
		}
	}()
	got := make([][]string, dialogs)
	for left := dialogs; left > 0; {
		_, d := as.Next()
		if err := mscp.ValidateElement(d.Element); err != nil {
			t.Fatalf("%+v: %v", d.Element, err)
		}
		if name := mscp.Name(d.Element); name == "dialogexit" || name == "errordialog" {
			left--
		}
		var n int
		_, _ = fmt.Sscanf(connectionOf(d.Element), "c%d", &n)
		got[n] = append(got[n], describeEvent(d.Element))
	}
	apps.Wait()
	for i, p := range plans {
		if s := strings.Join(got[i], " "); s != p.want() {
			t.Errorf("%d of %d early:\n%s\n%s", p.early, len(p.kinds), s, p.want())
		}
	}
}

func connectionOf(e mscp.Element) string {
	switch e := e.(type) {
	case *mscp.DialogStarted:
		return e.ConnectionID
	case *mscp.DialogUser:
		return e.ConnectionID
	case *mscp.DialogDisconnect:
		return e.ConnectionID
	case *mscp.DialogTransfer:
		return e.ConnectionID
	case *mscp.DialogTerminateTransfer:
		return e.ConnectionID
	case *mscp.DialogExit:
		return e.ConnectionID
	case *mscp.ErrorDialog:
		return e.ConnectionID
	}
	return ""
}

// TestNothingAfterTermination terminates dialogs immediately whose application goes on
// sending events: a raw AS gets none after a response that comes after the termination.
func TestNothingAfterTermination(t *testing.T) {
	var m *mscp.MediaServer
	var apps sync.WaitGroup
	m = mscp.NewMediaServer(mscp.MediaFunctions{
		HasConnection: func(id string) bool { return strings.HasPrefix(id, "c") },
		StartDialog: func(_ context.Context, d mscp.Dialog) error {
			apps.Go(func() {
				for m.DialogNotify(d.ID, event(0, 0)) == nil {
				}
				m.DialogExited(d.ID, nil)
			})
			return nil
		},
		EndDialog: func(mscp.Dialog, bool) {},
		Join:      func(context.Context, *mscp.Join) error { return nil },
	})
	as := newRawAS(t, m)
	const dialogs = 20
	over := map[string]bool{} // those whose termination was taken
	for i := range dialogs {
		as.Request(uint64(10*i), &mscp.DialogStart{Src: "s", ConnectionID: fmt.Sprint("c", i)})
		id := ""
		for !over[id] || id == "" {
			switch _, d := as.Next(); e := d.Element.(type) {
			case *mscp.DialogStarted:
				id = e.DialogID
				as.Notify(&mscp.DialogTerminate{DialogID: id, Immediate: "true"})
				as.Request(uint64(10*i+1), &mscp.Join{ID1: id, ID2: "c"})
			case *mscp.ErrorConferenceJoin:
				over[e.ID1] = true
			case *mscp.DialogUser, *mscp.DialogExit: // an application that sends too many early ends
				if over[id] {
					t.Fatalf("%s was told of after its end: %+v", id, e)
				}
			default:
				t.Fatalf("got %+v", e)
			}
		}
	}
	apps.Wait()
	as.id = 10 * dialogs
	as.ask(&mscp.Unjoin{ID1: "a", ID2: "b"}, "errorconferenceunjoin") // and nothing before it
}

// TestEarlyNotifications checks the bound of what waits for a response, and that what is
// no event of a dialog is refused.
func TestEarlyNotifications(t *testing.T) {
	var m *mscp.MediaServer
	told := map[string]int{}
	m = mscp.NewMediaServer(mscp.MediaFunctions{
		HasConnection: func(string) bool { return true },
		PrepareDialog: func(_ context.Context, d mscp.Dialog) error {
			if m.DialogNotify(d.ID, event(0, 0)) == nil {
				t.Error("an event of a dialog that is not started")
			}
			return nil
		},
		StartDialog: func(_ context.Context, d mscp.Dialog) error {
			for i := range mscp.MaxEarlyNotifications + 1 {
				if err := m.DialogNotify(d.ID, event(i%4, i)); (err == nil) != (i < mscp.MaxEarlyNotifications) {
					t.Errorf("%d: %v", i, err)
				}
			}
			m.DialogExited(d.ID, nil) // for which there is room
			if m.DialogNotify(d.ID, event(0, 0)) == nil {
				t.Error("an event after the end")
			}
			return nil
		},
		CreateConference: func(_ context.Context, id string, _ *mscp.CreateConference) error {
			return m.ConferenceNotify(&mscp.ConferenceUser{EventName: "e", ConferenceID: id})
		},
		Notify: func(e mscp.Element) { told[mscp.Name(e)]++ },
	})
	for _, req := range []mscp.Element{&mscp.DialogPrepare{Src: "s"}, &mscp.DialogStart{Src: "s", ConnectionID: "c"}, &mscp.CreateConference{}} {
		if e, err := m.Handle(t.Context(), req); err != nil || strings.HasPrefix(mscp.Name(e), "error") {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if told["dialogexit"] != 1 || told["conferenceuser"] != 1 || told["dialoguser"]+told["dialogdisconnect"]+told["dialogtransfer"]+told["dialogterminatetransfer"] != mscp.MaxEarlyNotifications {
		t.Errorf("told: %v", told)
	}
	if m.ConferenceNotify(&mscp.ConferenceUser{EventName: "e", ConferenceID: "x"}) == nil || m.DialogNotify("x", event(0, 0)) == nil {
		t.Error("an event of nothing")
	}
}
