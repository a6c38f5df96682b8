package mediaserver_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/mscp/mediaserver"
)

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
func (p plan) do(m *mediaserver.Server, id string, i int) error {
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

// A planned media server carries out a plan for each of the connections c0, c1 and so on.
func planned(t *testing.T, plans []plan) (m *mediaserver.Server, apps *sync.WaitGroup) {
	apps = &sync.WaitGroup{}
	m = mediaserver.New(mediaserver.Functions{
		HasConnection: func(string) bool { return true },
		StartDialog: func(_ context.Context, d mediaserver.Dialog) error {
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
	return m, apps
}

func startOn(i int) *mscp.Document {
	return &mscp.Document{Kind: mscp.Request, ID: fmt.Sprintf("r%06d", i), Element: &mscp.DialogStart{Src: "s", ConnectionID: fmt.Sprint("c", i)}}
}

// TestDialogNotify starts dialogs whose application sends events in random orders, from
// within StartDialog and beside it: a raw AS gets each dialog's after its dialogstarted,
// in the order of the calls, and the end last. It is one over TCP, and one over INFO.
func TestDialogNotify(t *testing.T) {
	plans := make([]plan, 300)
	for i := range plans {
		plans[i] = randomPlan()
	}
	t.Run("TCP", func(t *testing.T) {
		m, apps := planned(t, plans)
		defer apps.Wait()
		as := newRawAS(t, m)
		go func() {
			for i := range plans {
				_ = (&mscp.PDU{Kind: mscp.Request, ID: uint64(i), Body: startOn(i).Encode(mscp.Draft)}).Write(as.Conn)
			}
		}()
		wantPlans(t, plans, func() *mscp.Document {
			_, d := as.Next()
			return d
		})
	})
	t.Run("INFO", func(t *testing.T) {
		m, apps := planned(t, plans)
		defer apps.Wait()
		infos := make(chan []byte)
		var s *mscp.InfoServer
		owner := m.Owner(func(e mscp.Element) { _ = s.Notify(context.Background(), e) })
		s = mscp.NewInfoServer(func(_ context.Context, body []byte) error { infos <- body; return nil }, owner.Handle,
			mscp.Config{OnNotification: owner.Notified, Strict: true})
		defer s.Close()
		for i := range plans {
			if err := s.Deliver(startOn(i).Encode(mscp.Draft)); err != nil {
				t.Fatal(err)
			}
		}
		wantPlans(t, plans, func() *mscp.Document {
			d, err := mscp.ParseWith(<-infos, mscp.Options{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			return d
		})
	})
}

// wantPlans takes what an AS gets until all dialogs have ended, and checks each one's.
func wantPlans(t *testing.T, plans []plan, next func() *mscp.Document) {
	got := make([][]string, len(plans))
	for left := len(plans); left > 0; {
		d := next()
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
	var m *mediaserver.Server
	var apps sync.WaitGroup
	m = mediaserver.New(mediaserver.Functions{
		HasConnection: func(id string) bool { return strings.HasPrefix(id, "c") },
		StartDialog: func(_ context.Context, d mediaserver.Dialog) error {
			apps.Go(func() {
				for m.DialogNotify(d.ID, event(0, 0)) == nil {
				}
				m.DialogExited(d.ID, nil)
			})
			return nil
		},
		EndDialog: func(mediaserver.Dialog, bool) {},
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
	var m *mediaserver.Server
	told := map[string]int{}
	m = mediaserver.New(mediaserver.Functions{
		HasConnection: func(string) bool { return true },
		PrepareDialog: func(_ context.Context, d mediaserver.Dialog) error {
			if m.DialogNotify(d.ID, event(0, 0)) == nil {
				t.Error("an event of a dialog that is not started")
			}
			return nil
		},
		StartDialog: func(_ context.Context, d mediaserver.Dialog) error {
			for i := range mediaserver.MaxEarlyNotifications + 1 {
				if err := m.DialogNotify(d.ID, event(i%4, i)); (err == nil) != (i < mediaserver.MaxEarlyNotifications) {
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
	if told["dialogexit"] != 1 || told["conferenceuser"] != 1 || told["dialoguser"]+told["dialogdisconnect"]+told["dialogtransfer"]+told["dialogterminatetransfer"] != mediaserver.MaxEarlyNotifications {
		t.Errorf("told: %v", told)
	}
	if m.ConferenceNotify(&mscp.ConferenceUser{EventName: "e", ConferenceID: "x"}) == nil || m.DialogNotify("x", event(0, 0)) == nil {
		t.Error("an event of nothing")
	}
}
