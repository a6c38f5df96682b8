package ms

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/store"
)

// next waits for a notification.
func (a *fakeAS) next() mscp.Element {
	a.t.Helper()
	select {
	case e := <-a.notified:
		return e
	case <-a.ctx().Done():
		a.t.Fatal("no notification came")
		return nil
	}
}

// TestInventory tells of what is kept, in batches within their limits, and of a
// session that has left nothing yet; two channels at a time do not mix.
func TestInventory(t *testing.T) {
	const recipients = 300
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, 1000)
	want := map[mscp.InventoryPair]bool{{FromURI: alice, ToURI: bob}: true}
	received := time.Unix(1_700_000_000, 0).UTC()
	for i := range recipients {
		to := fmt.Sprintf("sip:u%d@example.com", i)
		for n := range 1 + i%2 {
			w, err := a.ms.Store().Begin(a.ctx(), store.Meta{Recipient: to, Sender: alice, MessageID: fmt.Sprint(n), Received: received})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Commit().Wait(a.ctx()); err != nil {
				t.Fatal(err)
			}
		}
		want[mscp.InventoryPair{FromURI: alice, ToURI: to, Messages: 1 + i%2, Oldest: received}] = true
	}
	call, _ := a.storeLeg()
	a.restore(call, alice, bob)
	for _, id := range []string{"first", "second"} {
		if r, ok := a.do(&mscp.SendInventory{InventoryID: id}).(*mscp.InventoryFollows); !ok || r.InventoryID != id {
			t.Fatalf("the answer is %+v", r)
		}
		got := map[mscp.InventoryPair]bool{}
		for batch := 1; ; batch++ {
			e, ok := a.next().(*mscp.Inventory)
			if !ok || e.InventoryID != id || e.Batch != batch || len(e.Pairs) > mscp.MaxInventoryPairs {
				t.Fatalf("batch %d is %+v", batch, e)
			}
			for _, p := range e.Pairs {
				got[p] = true
			}
			if e.Last {
				if batch < 2 {
					t.Error("all in one batch")
				}
				break
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d pairs, want %d", len(got), len(want))
		}
	}
}

// TestInventoryIsOneAtATime asks again while the first is under way.
func TestInventoryIsOneAtATime(t *testing.T) {
	a := newFakeAS(t, nil)
	asker := a.ms.controls.answerer.newAsker() // of no channel yet: its inventory waits
	ctx := a.ctx()
	if _, err := asker.handle(ctx, &mscp.SendInventory{}); err != nil {
		t.Fatal(err)
	}
	var refused *mscp.Error
	if _, err := asker.handle(ctx, &mscp.SendInventory{}); !errors.As(err, &refused) || refused.Code != mscp.StatusInternalError {
		t.Errorf("the second: %v", err)
	}
	asker.bind(a) // which takes it, and the next can be asked for
	asker.busy <- struct{}{}
	<-asker.busy
	if _, err := asker.handle(ctx, &mscp.SendInventory{}); err != nil {
		t.Errorf("the third: %v", err)
	}
}

// Notify makes a fakeAS where an asker's notifications may go.
func (a *fakeAS) Notify(context.Context, mscp.Element) error { return nil }

// TestArrivals leaves messages in one session: the AS is told of the first, and
// of the first after a push.
func TestArrivals(t *testing.T) {
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, 10)
	call, session := a.storeLeg()
	a.restore(call, alice, bob)
	send := func(s string) {
		t.Helper()
		receipt, err := session.Send(a.ctx(), text(s))
		if err != nil {
			t.Fatal(err)
		}
		if err := receipt.Wait(a.ctx()); err != nil {
			t.Fatal(err)
		}
	}
	want := func(session, messages string) {
		t.Helper()
		o, ok := a.next().(*mscp.MsgKept)
		if !ok || o.Session != session || session == "store" && strconv.Itoa(o.Messages) != messages {
			t.Fatalf("notified of %+v, want session %s with %s", o, session, messages)
		}
	}
	send("one")
	want("open", "1")
	send("two")
	if took, resp := a.push([]string{"*"}, nil); len(took) != 2 {
		t.Fatalf("took %+v: %+v", took, resp)
	}
	send("three")
	want("open", "1")
	if err := call.Bye(a.ctx()); err != nil {
		t.Fatal(err)
	}
	want("store", "1")
}

// TestRefusedIsNoArrival has a device refuse what is kept while the sender's session goes
// on: the AS is told of the next message only, as it would call again for each word.
func TestRefusedIsNoArrival(t *testing.T) {
	a := newFakeAS(t, nil)
	a.notified = make(chan mscp.Element, 10)
	call, session := a.storeLeg()
	a.restore(call, alice, bob)
	for i := range 3 {
		receipt, err := session.Send(a.ctx(), text(fmt.Sprint(i)))
		if err == nil {
			err = receipt.Wait(a.ctx())
		}
		if err != nil {
			t.Fatal(err)
		}
		o, ok := a.next().(*mscp.MsgKept)
		if want := fmt.Sprint(i + 1); !ok || o.Session != "open" || strconv.Itoa(o.Messages) != want {
			t.Fatalf("notified of %+v, want an open session with %s", o, want)
		}
		_, resp := a.push([]string{"*"}, func(got) error { return &msrp.StatusError{Code: 413, Reason: "Nope"} })
		wantDevice(t, resp, "Nope")
	}
}

// A countingChannel is a channel's end that counts what goes out.
type countingChannel struct {
	bytes, pairs int
	last         chan struct{}
}

func (c *countingChannel) Notify(_ context.Context, e mscp.Element) error {
	doc := mscp.Document{Kind: mscp.Notification, Element: e}
	c.bytes += len(doc.Encode(mscp.Draft))
	inv := e.(*mscp.Inventory)
	if c.pairs += len(inv.Pairs); inv.Last {
		close(c.last)
	}
	return nil
}

// BenchmarkInventory tells an inventory of 100,000 pairs.
func BenchmarkInventory(b *testing.B) {
	const pairs = 100_000
	a := newFakeAS(b, nil)
	var last *store.Pending
	for i := range pairs {
		w, err := a.ms.Store().Begin(a.ctx(), store.Meta{Recipient: fmt.Sprintf("sip:user%06d@example.com", i), Sender: alice, Received: time.Now()})
		if err != nil {
			b.Fatal(err)
		}
		if last = w.Commit(); i%1000 == 999 {
			if err := last.Wait(a.ctx()); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		c := &countingChannel{last: make(chan struct{})}
		asker := a.ms.controls.answerer.newAsker()
		asker.bind(c)
		go asker.tell(a.ctx(), "i", func() {})
		<-c.last
		if c.pairs != pairs {
			b.Fatalf("%d pairs", c.pairs)
		}
		b.ReportMetric(float64(c.bytes), "bytes/inventory")
	}
}

// A slowNotifier is a channel on which a notification goes out when another one may.
type slowNotifier struct{ came, may chan struct{} }

func (n slowNotifier) Notify(context.Context, mscp.Element) error {
	n.came <- struct{}{}
	<-n.may
	return nil
}

// TestInventoriesAreBounded has more channels ask than may be told at the same time.
func TestInventoriesAreBounded(t *testing.T) {
	a := newFakeAS(t, nil)
	const channels = maxInventories + 2
	n := slowNotifier{make(chan struct{}, channels), make(chan struct{})}
	var told sync.WaitGroup
	for range channels {
		asker := a.ms.controls.answerer.newAsker()
		asker.bind(n)
		told.Go(func() { asker.tell(a.ctx(), "", func() {}) })
	}
	for range maxInventories {
		<-n.came
	}
	select {
	case <-n.came:
		t.Errorf("more than %d inventories are sent at the same time", maxInventories)
	case <-time.After(50 * time.Millisecond):
	}
	close(n.may)
	told.Wait()
}
