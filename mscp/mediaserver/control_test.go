package mediaserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/mscp"
)

// TestControl moves, loses and gets back the connection of a control dialog: the AS goes
// on with its dialog, and is told of what happened meanwhile, in its order. The end of
// the control dialog gives all back.
func TestControl(t *testing.T) {
	ended := make(chan string, 10)
	m := New(Functions{
		HasConnection: func(id string) bool { return id == "c" },
		StartDialog:   func(context.Context, Dialog) error { return nil },
		EndDialog:     func(d Dialog, _ bool) { ended <- d.Document.Src },
		Join:          func(context.Context, *mscp.Join) error { return nil },
	})
	lost := make(chan struct{}, 10)
	a := &mscp.Acceptor{Host: "127.0.0.1", Ended: func(*mscp.Server) { lost <- struct{}{} }}
	owner := m.Control(a, mscp.Config{})
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	over := make(chan error, 1)
	go func() { over <- a.Run(ctx) }()
	events := make(chan string, 1000)
	as := &mscp.Connector{Host: "127.0.0.1", Config: mscp.Config{OnNotification: func(e mscp.Element) {
		name := ""
		if user, ok := e.(*mscp.DialogUser); ok {
			name = user.EventName
		}
		events <- mscp.Name(e) + " " + name
	}}}
	connect := func() *mscp.Client {
		c, err := as.Connect(t.Context(), func(_ context.Context, offer []byte) ([]byte, error) { return a.Answer(offer) })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	start := func(c *mscp.Client, src string) string {
		e, err := c.Do(t.Context(), &mscp.DialogStart{Src: src, ConnectionID: "c"})
		d, ok := e.(*mscp.DialogStarted)
		if err != nil || !ok {
			t.Fatalf("%+v, %v", e, err)
		}
		return d.DialogID
	}
	tell := func(id, event string) {
		if err := m.DialogNotify(id, &mscp.DialogUser{EventName: event}); err != nil {
			t.Error(err)
		}
	}
	want := func(list ...string) {
		t.Helper()
		for _, s := range list {
			if got := <-events; got != s {
				t.Errorf("%s in the place of %s", got, s)
			}
		}
	}
	one := connect()
	d := start(one, "first")
	tell(d, "1")
	want("dialoguser 1")
	two := connect() // moved
	tell(start(two, "second"), "2")
	want("dialoguser 2")
	<-one.Done()
	tell(d, "3")
	want("dialoguser 3")
	two.Close() // lost
	<-lost      // one
	<-lost      // two: the acceptor knows
	var late []string
	for i := range mscp.MaxNotifications + 5 {
		tell(d, fmt.Sprint(i))
		if i < mscp.MaxNotifications {
			late = append(late, fmt.Sprint("dialoguser ", i))
		}
	}
	three := connect()
	defer three.Close()
	want(late...)
	if e, err := three.Do(t.Context(), &mscp.Join{ID1: "c", ID2: d}); err != nil || mscp.Name(e) != "conferencejoined" {
		t.Errorf("the dialog: %+v, %v", e, err)
	}
	m.DialogExited(d, nil)
	want("dialogexit ")
	hangUp()
	if err := <-over; err != nil {
		t.Error(err)
	}
	owner.Close(t.Context())
	if src := <-ended; src != "second" || len(ended) != 0 || len(m.dialogs) != 0 {
		t.Errorf("ended: %s, %d more; %d dialogs", src, len(ended), len(m.dialogs))
	}
	if _, err := a.Answer(offerOf(t, "new")); !errors.Is(err, mscp.ErrChannelClosed) {
		t.Errorf("an offer after the end: %v", err)
	}
}

// TestLostResponses loses the connection while requests are under way: what their
// responses would have told the AS of is ended, since nobody can name it, though the
// control dialog goes on. A dialog that was prepared has been named, and stays.
func TestLostResponses(t *testing.T) {
	ended, slow, block := make(chan string, 10), make(chan struct{}), make(chan struct{})
	wait := func(is bool) {
		if is {
			slow <- struct{}{}
			<-block
		}
	}
	m := New(Functions{
		HasConnection:     func(id string) bool { return id == "c" },
		PrepareDialog:     func(_ context.Context, d Dialog) error { wait(d.Document.Src == "lost"); return nil },
		StartDialog:       func(_ context.Context, d Dialog) error { wait(true); return nil },
		EndDialog:         func(d Dialog, now bool) { ended <- fmt.Sprint("dialog ", d.Document.Src, now) },
		CreateConference:  func(context.Context, string, *mscp.CreateConference) error { wait(true); return nil },
		DestroyConference: func(context.Context, string) error { ended <- "conference"; return nil },
	})
	owner := m.Owner(nil)
	defer owner.Close(t.Context())
	as, ms := testutil.TCPPair(t)
	s := mscp.NewServer(ms, owner.Handle, mscp.Config{})
	c := mscp.NewClient(as, mscp.Config{})
	e, err := c.Do(t.Context(), &mscp.DialogPrepare{Src: "known"})
	if err != nil {
		t.Fatal(err)
	}
	id := e.(*mscp.DialogPrepared).DialogID
	for _, req := range []mscp.Element{
		&mscp.DialogPrepare{Src: "lost"}, &mscp.DialogStart{Src: "started", ConnectionID: "c"}, &mscp.CreateConference{},
	} {
		go func() { _, _ = c.Do(t.Context(), req) }()
		<-slow
	}
	c.Close()
	<-s.Done()
	close(block)
	s.Close()
	got := []string{<-ended, <-ended, <-ended}
	slices.Sort(got)
	if !slices.Equal(got, []string{"conference", "dialog losttrue", "dialog startedtrue"}) || len(m.conferences) != 0 || len(m.dialogs) != 1 || len(m.links.links) != 0 {
		t.Errorf("ended %s; %d conferences, %d dialogs, links %v", got, len(m.conferences), len(m.dialogs), m.links.links)
	}
	go func() { <-slow }()
	answerTo(t, owner.Handle, &mscp.DialogStart{PreparedDialogID: id, ConnectionID: "c"}, false, func(e mscp.Element) {
		if mscp.Name(e) != "dialogstarted" {
			t.Errorf("%+v", e)
		}
	})
	if len(m.dialogs) != 1 || len(ended) != 0 {
		t.Errorf("%d dialogs, %d ended", len(m.dialogs), len(ended))
	}
	owner.Notified(&mscp.DialogTerminate{DialogID: id})
	if got := <-ended; got != "dialog knownfalse" {
		t.Errorf("ended %s", got)
	}
}
