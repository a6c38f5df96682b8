package as

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/mscp"
)

// An inventoryMS answers SendInventory, and gives the test the channel to tell
// on.
func inventoryMS(t *testing.T) (*fakeMS, <-chan string) {
	t.Helper()
	m := newFakeMS(t)
	asked := make(chan string, 10)
	m.change(func(m *fakeMS) {
		m.onRequest = func(_ context.Context, req mscp.Element) (mscp.Element, error) {
			r, ok := req.(*mscp.SendInventory)
			if !ok {
				return nil, errors.New("not in this test")
			}
			asked <- r.InventoryID
			return &mscp.InventoryFollows{InventoryID: r.InventoryID}, nil
		}
	})
	return m, asked
}

func directoryOf(t *testing.T, s *Server) []string {
	t.Helper()
	var list []string
	if err := s.dir.Each(func(p Pair) error {
		list = append(list, p.Sender+" "+p.Recipient)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// TestInventoryRepairsTheDirectory adds what is missing and ends what is not
// kept, but nothing of a session that is under way, or was begun since.
func TestInventoryRepairsTheDirectory(t *testing.T) {
	m, asked := inventoryMS(t)
	s := startAS(t, nil, m)
	ms := s.cluster.Get(m.ua.Addr())
	begin := func(sender string) (end func()) {
		t.Helper()
		end, err := s.mailboxes.Begin(mailbox.Pair{Recipient: testRecipient, Sender: sender, Server: ms.Name(), Since: time.Now()}, sender)
		if err != nil {
			t.Fatal(err)
		}
		return end
	}
	begin("sip:ended@x")()
	begin("sip:kept@x")()
	live := begin("sip:live@x")
	elsewhere, err := s.mailboxes.Begin(mailbox.Pair{Recipient: testRecipient, Sender: "sip:elsewhere@x", Server: "other"}, "e")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere()
	s.AskInventories()
	id := <-asked
	begin("sip:since@x")()
	s.reports.notified(ms, &mscp.Inventory{InventoryID: "another", Batch: 1, Last: true})
	s.reports.notified(ms, &mscp.Inventory{InventoryID: id, Batch: 1, Pairs: []mscp.InventoryPair{
		{FromURI: "sip:new@x", ToURI: "sip:carol@EXAMPLE.com", Messages: 1}, {FromURI: "nonsense", ToURI: "sip:carol@x", Messages: 1},
	}})
	s.reports.notified(ms, &mscp.Inventory{InventoryID: id, Batch: 3, Last: true}) // does not follow
	s.reports.notified(ms, &mscp.Inventory{InventoryID: id, Batch: 2, Last: true, Pairs: []mscp.InventoryPair{
		{FromURI: "sip:kept@x", ToURI: testRecipient, Messages: 2, Oldest: time.Now()},
	}})
	b := testRecipient
	want := []string{"sip:elsewhere@x " + b, "sip:kept@x " + b, "sip:live@x " + b, "sip:new@x sip:carol@example.com", "sip:since@x " + b}
	waitFor(t, "the repair", func() bool { return s.dir.Rebuilt(ms.Name()) })
	if got := directoryOf(t, s); !slices.Equal(got, want) {
		t.Errorf("the directory has %q, want %q", got, want)
	}
	live()
}

// TestInventoryIsAskedFor comes and goes with a channel, for each setting.
func TestInventoryIsAskedFor(t *testing.T) {
	for when, want := range map[string][2]bool{inventoryAlways: {true, true}, inventoryOnce: {true, false}, inventoryNever: {false, false}} {
		t.Run(when, func(t *testing.T) {
			m, asked := inventoryMS(t)
			s := startAS(t, func(c *Config) { c.Inventory = when }, m)
			ms := s.cluster.Get(m.ua.Addr())
			for i, want := range want {
				if want {
					select {
					case id := <-asked:
						s.reports.notified(ms, &mscp.Inventory{InventoryID: id, Batch: 1, Last: true})
					case <-time.After(10 * time.Second):
						t.Fatal("no inventory was asked for")
					}
					waitFor(t, "the inventory to be taken", func() bool { return s.dir.Rebuilt(ms.Name()) })
				}
				if i == 0 {
					m.change(func(m *fakeMS) { m.conn.Close() })
					awaitUp(t, s, m)
				}
			}
			// A request that is answered afterwards shows that none is under way.
			if _, err := ms.Do(testContext(t), &mscp.SendInventory{InventoryID: "own"}); err != nil {
				t.Fatal(err)
			}
			if id := <-asked; id != "own" {
				t.Error("an inventory was asked for")
			}
		})
	}
}

// BenchmarkInventory takes an inventory of 100,000 pairs into an empty directory.
func BenchmarkInventory(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s, _ := newWatchedOffice(b, nil)
		b.StartTimer()
		s.takeWhole(100_000)
		b.StopTimer()
		s.closeOffice()
		b.StartTimer()
	}
}

// BenchmarkInventoryAgain takes one of which everything is known, as after every
// inventory_interval.
func BenchmarkInventoryAgain(b *testing.B) {
	s, _ := newWatchedOffice(b, nil)
	defer s.closeOffice()
	s.takeWhole(100_000)
	for b.Loop() {
		s.takeWhole(100_000)
	}
}

func (s *Server) takeWhole(pairs int) {
	ms := s.cluster.All()[0]
	ms.ExpectInventory("i")
	batches := pairs / mscp.MaxInventoryPairs
	for n := range batches {
		e := &mscp.Inventory{InventoryID: "i", Batch: n + 1, Last: n == batches-1}
		for k := range mscp.MaxInventoryPairs {
			e.Pairs = append(e.Pairs, mscp.InventoryPair{FromURI: "sip:alice@example.com", ToURI: fmt.Sprintf("sip:u%d-%d@example.com", n, k), Messages: 1})
		}
		s.reports.inventoryTold(ms, e)
	}
}

// TestInventoryIsAskedForAgain asks again while the channel is up, also after the media
// server was busy with one, and not of one that knows none.
func TestInventoryIsAskedForAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		refuse error // the first
		again  bool
	}{
		"taken":        {nil, true},
		"busy":         {&mscp.Error{Code: mscp.StatusInternalError, Reason: "under way"}, true},
		"not known":    {&mscp.Error{Code: 400, Reason: "unknown"}, false},
		"not known, 2": {errors.New("unknown"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newFakeMS(t)
			asked := make(chan string, 10)
			m.change(func(m *fakeMS) {
				m.onRequest = func(_ context.Context, req mscp.Element) (mscp.Element, error) {
					r := req.(*mscp.SendInventory)
					asked <- r.InventoryID
					if tc.refuse != nil && len(asked) == 1 {
						return nil, tc.refuse
					}
					return &mscp.InventoryFollows{InventoryID: r.InventoryID}, nil
				}
			})
			startAS(t, func(c *Config) { c.Inventory, c.InventoryInterval = inventoryAlways, minInventoryInterval }, m)
			wait := 10 * time.Second
			if !tc.again {
				wait = 2 * minInventoryInterval
			}
			deadline := time.After(wait)
			for len(asked) < 2 {
				select {
				case <-deadline:
					if tc.again {
						t.Error("not asked again")
					}
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
			if !tc.again {
				t.Error("asked again")
			}
		})
	}
}
