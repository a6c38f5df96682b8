package mscp

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// orderTest is a server that writes down what it is given, by target.
type orderTest struct {
	mu  sync.Mutex
	got map[string][]string
}

func (o *orderTest) add(e Element) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range appendTargets(nil, e) {
		o.got[id] = append(o.got[id], describe(e))
	}
}

func describe(e Element) string {
	switch e := e.(type) {
	case *Join:
		return e.ID1 + "+" + e.ID2 + " " + e.EnterTone
	case *DialogUser:
		return "event " + e.EventName
	}
	return Name(e)
}

// TestOrder pipelines requests and notifications about a few targets, and
// checks that each target's came in their order, however long each took.
func TestOrder(t *testing.T) {
	o := &orderTest{got: map[string][]string{}}
	as, ms := testutil.TCPPair(t)
	s := NewServer(ms, func(_ context.Context, req Element) (Element, error) {
		if j := req.(*Join); strings.HasSuffix(j.EnterTone, "7") {
			time.Sleep(time.Millisecond) // so that those behind it could overtake
		}
		o.add(req)
		j := req.(*Join)
		return &ConferenceJoined{ID1: j.ID1, ID2: j.ID2}, nil
	}, Config{OnNotification: o.add})
	defer s.Close()
	const requests = 2000
	want := map[string][]string{}
	sent := make(chan error, 1)
	var all []Element
	for i := range requests {
		e := Element(&Join{ID1: fmt.Sprintf("conf%d", i%3), ID2: fmt.Sprintf("c%d", i%7), EnterTone: fmt.Sprint("http://a/", i)})
		if i%5 == 4 {
			e = &DialogUser{EventName: fmt.Sprint(i), DialogID: "d", ConnectionID: fmt.Sprintf("c%d", i%7)}
		}
		all = append(all, e)
		for _, id := range appendTargets(nil, e) {
			want[id] = append(want[id], describe(e))
		}
	}
	go func() {
		for i, e := range all {
			p := &PDU{Kind: kindOf(e), ID: uint64(i)}
			doc := Document{Kind: p.Kind, Element: e}
			p.Body = doc.Encode(Draft)
			if err := p.Write(as); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	r := NewReader(as)
	for range requests - requests/5 {
		if _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	s.Close() // what was read is shown first
	for id := range want {
		if len(o.got[id]) != len(want[id]) {
			t.Fatalf("%s: %d of %d", id, len(o.got[id]), len(want[id]))
		}
		for i := range want[id] {
			if o.got[id][i] != want[id][i] {
				t.Fatalf("%s: %q in the place of %q", id, o.got[id][i], want[id][i])
			}
		}
	}
}

// TestOrderLetsOthersPass checks that what waits for its turn holds up neither
// requests nor notifications about something else.
func TestOrderLetsOthersPass(t *testing.T) {
	release, notes := make(chan struct{}), make(chan string, 10)
	c, _ := channel(t, func(_ context.Context, req Element) (Element, error) {
		m := req.(*SendMsg)
		if m.FromURI == "slow" {
			<-release
		}
		return &MsgSended{m.FromURI, m.ToURI, m.ConnectionID}, nil
	}, Config{}, Config{OnNotification: func(e Element) { notes <- e.(*DialogUser).EventName }})
	var wg sync.WaitGroup
	defer wg.Wait()
	slow := make(chan struct{})
	wg.Go(func() {
		defer close(slow)
		if _, err := c.Do(t.Context(), &SendMsg{"slow", "b", "c1"}); err != nil {
			t.Error(err)
		}
	})
	for len(c.slots) == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := c.Do(t.Context(), &SendMsg{"a", "b", "c2"}); err != nil { // it is behind the slow one on the wire
		t.Fatal(err)
	}
	_ = c.Notify(t.Context(), &DialogUser{EventName: "waits", DialogID: "d", ConnectionID: "c1"})
	_ = c.Notify(t.Context(), &DialogUser{EventName: "passes", DialogID: "e"})
	if got := <-notes; got != "passes" {
		t.Errorf("%s came first", got)
	}
	close(release)
	<-slow
	if got := <-notes; got != "waits" {
		t.Errorf("%s came last", got)
	}
}

// TestOrderOverInfo checks the same order over INFO.
func TestOrderOverInfo(t *testing.T) {
	var mu sync.Mutex
	var got []string
	add := func(s string) { mu.Lock(); got = append(got, s); mu.Unlock() }
	answered := make(chan struct{}, 300)
	s := NewInfoServer(func(context.Context, []byte) error { answered <- struct{}{}; return nil },
		func(_ context.Context, req Element) (Element, error) {
			add(req.(*Unjoin).ID2)
			return Refuse(req, "no"), nil
		}, Config{OnNotification: func(e Element) { add(e.(*DialogUser).EventName) }})
	var want []string
	requests := 0
	for i := range 300 {
		e := Element(&Unjoin{ID1: "d", ID2: fmt.Sprint(i)})
		if i%3 == 2 {
			e = &DialogUser{EventName: fmt.Sprint(i), DialogID: "d"}
		} else {
			requests++
		}
		doc := Document{Kind: kindOf(e), Element: e}
		for s.Deliver(doc.Encode(Draft)) != nil { // more than wait
			time.Sleep(time.Millisecond)
		}
		want = append(want, fmt.Sprint(i))
	}
	for range requests {
		<-answered
	}
	s.Close()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s", got)
	}
}

// TestTargetsEnd checks that nothing is remembered of targets whose jobs are
// finished.
func TestTargetsEnd(t *testing.T) {
	c, s := channel(t, echo, Config{}, Config{})
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() { _, _ = c.Do(t.Context(), &RestoreMsg{"a", "b", fmt.Sprint(i % 20), "", ""}) })
	}
	wg.Wait()
	_ = s.Shutdown(t.Context())
	if len(s.order.last) != 0 {
		t.Errorf("%d targets are remembered", len(s.order.last))
	}
}
