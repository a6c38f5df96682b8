package store

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// commitOf stores a message and returns its Pending after the wait.
func commitOf(t testing.TB, s *Store, m Meta, body []byte) *Pending {
	t.Helper()
	w, err := s.Begin(context.Background(), m)
	if err == nil {
		_, err = w.Write(body)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := w.Commit()
	if err := p.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDuplicates(t *testing.T) {
	long := testutil.Bytes(3*SegmentSize + 1)
	first := Meta{Recipient: "bob", Sender: "alice", MessageID: "m1"}
	tests := []struct {
		name string
		meta Meta
		body []byte
		want bool
	}{
		{"the same", first, []byte("x"), true},
		{"another body of that size", first, []byte("y"), false},
		{"a longer body", first, []byte("xx"), false},
		{"another Message-ID", Meta{Recipient: "bob", Sender: "alice", MessageID: "m2"}, []byte("x"), false},
		{"another sender", Meta{Recipient: "bob", Sender: "carol", MessageID: "m1"}, []byte("x"), false},
		{"another recipient", Meta{Recipient: "carol", Sender: "alice", MessageID: "m1"}, []byte("x"), false},
		{"of several segments", Meta{Recipient: "bob", Sender: "alice", MessageID: "long"}, long, true},
		{"without Message-ID", Meta{Recipient: "bob", Sender: "alice"}, []byte("none"), false},
	}
	for _, tc := range tests {
		for _, reopen := range []bool{false, true} {
			t.Run(fmt.Sprint(tc.name, " ", reopen), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "ms.db")
				s := openStore(t, path)
				kept := map[string]ID{}
				kept["m1"] = commitOf(t, s, first, []byte("x")).ID()
				kept["long"] = commitOf(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: "long"}, long).ID()
				commitOf(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("none"))
				if reopen {
					s.Close()
					s = openStore(t, path)
				}
				p := commitOf(t, s, tc.meta, tc.body)
				if p.Duplicate() != tc.want || tc.want && p.ID() != kept[tc.meta.MessageID] {
					t.Errorf("duplicate %t of %d, want %t", p.Duplicate(), p.ID(), tc.want)
				}
				if got := s.Stats(); tc.want && got.Messages != 3 || !tc.want && got.Messages != 4 || (got.Duplicates == 1) != tc.want || got.Open != 0 {
					t.Errorf("stats: %+v", got)
				}
				if err := s.Check(t.Context()); err != nil {
					t.Error(err)
				}
				if err := s.Delete(t.Context(), p.ID()); err != nil {
					t.Fatal(err)
				}
				if commitOf(t, s, tc.meta, tc.body).Duplicate() {
					t.Error("a duplicate of a message that was deleted")
				}
			})
		}
	}
}

// TestDuplicatesAtOnce has many writers with the same few messages, in batches
// that hold several of each, also over the border where threads get a map.
func TestDuplicatesAtOnce(t *testing.T) {
	const different, copies = 3 * fewEntries, 8
	s := newStore(t)
	var again atomic.Int32
	var wg sync.WaitGroup
	for i := range different * copies {
		wg.Go(func() {
			n := i % different
			if commitOf(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: fmt.Sprint(n)}, []byte{byte(n)}).Duplicate() {
				again.Add(1)
			}
		})
	}
	wg.Wait()
	if got := len(s.Messages("bob", "")); got != different || again.Load() != different*(copies-1) {
		t.Errorf("%d kept, %d duplicates", got, again.Load())
	}
}

func TestSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path)
	for i := range 4 {
		put(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: fmt.Sprint(i)}, make([]byte, 10))
	}
	put(t, s, Meta{Recipient: "carol", Sender: "dave"}, nil)
	all := s.Messages("bob", "")
	reason := strings.Repeat("ä", MaxReason)
	if err := s.SetAside(t.Context(), reason, all[1].ID, s.Messages("carol", "")[0].ID, 999); err != nil {
		t.Fatal(err)
	}
	if err := s.SetAside(t.Context(), "\xff", all[0].ID); !errors.Is(err, ErrMetaNotUTF8) {
		t.Errorf("a reason that is not UTF-8: %v", err)
	}
	for range 2 {
		if got := s.Messages("bob", "alice"); len(got) != 3 || got[1].ID != all[2].ID {
			t.Errorf("to deliver: %+v", got)
		}
		if got := s.Senders("bob"); len(got) != 1 || got[0].Count != 3 || got[0].Bytes != 30 {
			t.Errorf("senders: %+v", got)
		}
		if got := s.Recipients(); len(got) != 1 || got[0].Recipient != "bob" || len(s.Senders("carol")) != 0 {
			t.Errorf("recipients: %+v", got)
		}
		aside := s.Aside("bob")
		if len(aside) != 1 || aside[0].MessageID != "1" || !strings.HasPrefix(reason, aside[0].Reason) || len(aside[0].Reason) < MaxReason-1 || time.Since(aside[0].Since) > time.Minute {
			t.Errorf("aside: %+v", aside)
		}
		if st := s.Stats(); len(s.Aside("")) != 2 || st.Aside != 2 || st.Messages != 5 {
			t.Errorf("stats: %+v", st)
		}
		s.Close()
		s = openStore(t, path)
	}
	if err := s.Restore(t.Context(), all[1].ID, all[2].ID, 999); err != nil {
		t.Fatal(err)
	}
	if got := s.Messages("bob", "alice"); len(got) != 4 || got[1].ID != all[1].ID {
		t.Errorf("after Restore: %+v", got)
	}
	n, err := s.Purge(t.Context(), Filter{Aside: true}, nil)
	if err != nil || n.Messages != 1 || len(s.Recipients()) != 1 || len(s.Aside("")) != 0 {
		t.Errorf("purge of what is aside: %+v %v", n, err)
	}
	s.Close()
	s = openStore(t, path)
	if st := s.Stats(); st.Messages != 4 || st.Aside != 0 || len(s.Messages("bob", "")) != 4 {
		t.Errorf("after reopening: %+v", st)
	}
}

// TestAsideCountsToLimits, and a batch that sets aside what it deletes leaves no mark.
func TestAsideCountsToLimits(t *testing.T) {
	s := openLimited(t, Limits{MaxRecipientMessages: 1})
	id := commitOf(t, s, Meta{Recipient: "bob", Sender: "alice"}, nil).ID()
	if err := s.SetAside(t.Context(), "r", id); err != nil {
		t.Fatal(err)
	}
	if err := tryPut(t, s, "bob", "alice", 1); !errors.Is(err, ErrLimit) {
		t.Errorf("over the limit: %v", err)
	}
	remove := &removeJob{jobBase: newBase(), ids: []ID{id, id}}
	aside := &markJob{jobBase: newBase(), ids: []ID{id}, mark: &asideMark{Reason: "late"}}
	s.commit([]job{remove, aside}) // the committer sleeps: its queue is empty
	if st := s.Stats(); remove.removed != 1 || st.Aside != 0 || st.Messages != 0 || len(s.Aside("")) != 0 {
		t.Errorf("stats: %+v", st)
	}
	if s.Stats().RefusedBy[LimitRecipient] != 1 {
		t.Errorf("refused: %v", s.Stats().RefusedBy)
	}
}

func TestExpire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	s, err := Open(path, Options{TimeToLive: 100 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// Out of order, as when the clock was set back.
	for _, n := range []int{50, 10, 90, 10, 30} {
		put(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: fmt.Sprint(n), Received: at(n)}, []byte{byte(n)})
	}
	never := Meta{Recipient: "bob", Sender: "alice", Received: at(1), Expires: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	put(t, s, never, nil)
	if err := s.Delete(t.Context(), s.Messages("bob", "")[0].ID); err != nil { // 50
		t.Fatal(err)
	}
	steps := []struct{ now, expired, left int }{{109, 0, 4}, {110, 1, 3}, {155, 1, 2}, {156, 0, 2}, {1 << 32, 1, 1}}
	for i, step := range steps {
		n, err := s.Expire(t.Context(), at(step.now))
		if err != nil || n != step.expired || len(s.Messages("bob", "")) != step.left {
			t.Fatalf("at %d: %d expired, want %d; %d left: %v", step.now, n, step.expired, len(s.Messages("bob", "")), err)
		}
		if i == 1 { // the times are in the file
			s.Close()
			if s, err = Open(path, Options{}); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
		}
	}
	if st := s.Stats(); st.Expired != 2 || st.Deleted != 2 {
		t.Errorf("stats: %+v", st)
	}
	s.Close()
	if n, err := s.Expire(t.Context(), at(1<<32)); n != 0 || err != nil {
		t.Errorf("nothing due: %d, %v", n, err)
	}
}

// TestExpireFails leaves what is due to the next try.
func TestExpireFails(t *testing.T) {
	s := newStore(t)
	put(t, s, Meta{Recipient: "bob", Sender: "alice", Expires: time.Unix(5, 0)}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.jobs <- &removeJob{jobBase: newBase()} // so that one of both is refused or not: the outcome is the same
	if n, err := s.Expire(ctx, time.Unix(9, 0)); err == nil && n != 1 {
		t.Error(n, err)
	}
	if _, err := s.Expire(t.Context(), time.Unix(9, 0)); err != nil || len(s.Messages("bob", "")) != 0 {
		t.Error("it stayed:", err)
	}
}

// TestExpireWaitsForAnother has a message be due for two calls at the same time: neither
// says that it is gone before that is on disk.
func TestExpireWaitsForAnother(t *testing.T) {
	s := newStore(t)
	put(t, s, Meta{Recipient: "bob", Sender: "alice", Expires: time.Unix(5, 0)}, nil)
	begun, goOn := make(chan struct{}), make(chan struct{})
	s.SetBeforeCommit(func() error { close(begun); <-goOn; return nil })
	results := make(chan int, 2)
	expire := func() {
		n, err := s.Expire(t.Context(), time.Unix(9, 0))
		if err != nil {
			t.Error(err)
		}
		results <- n
	}
	go expire()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Expire(ctx, time.Unix(9, 0)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second did not wait: %v", err)
	}
	s.SetBeforeCommit(func() error { return nil })
	go expire()
	close(goOn)
	if a, b := <-results, <-results; a+b != 1 {
		t.Errorf("%d and %d expired, want one", a, b)
	}
}

// TestDueHeap pops in order, and forgets what is deleted before its time.
func TestDueHeap(t *testing.T) {
	x := newIndex()
	const n = 5000
	for i := range n {
		m := &MessageInfo{ID: ID(i + 1), Meta: Meta{Recipient: "bob", Sender: fmt.Sprint(i % 20), Expires: time.Unix(int64(i*7919%n), 0)}}
		x.add(m, 0)
	}
	for i := range n - 10 {
		x.remove(ID(i + 1))
		x.trimDue()
	}
	if len(x.due) > 1024 {
		t.Errorf("%d left in the heap of 10 messages", len(x.due))
	}
	last := int64(0)
	for len(x.due) > 0 {
		d := heap.Pop(&x.due).(due)
		if d.at < last {
			t.Fatalf("%d after %d", d.at, last)
		}
		last = d.at
	}
}

func TestPurgeSelects(t *testing.T) {
	tests := []struct {
		name   string
		filter Filter
		want   int
	}{
		{"all", Filter{}, 12},
		{"recipient", Filter{Recipient: "r1"}, 6},
		{"sender", Filter{Sender: "s0"}, 4},
		{"both", Filter{Recipient: "r0", Sender: "s0"}, 2},
		{"before", Filter{Before: time.Unix(4, 0)}, 4},
		{"nobody", Filter{Recipient: "r9"}, 0},
		{"aside", Filter{Aside: true}, 2},
		{"aside of one", Filter{Aside: true, Recipient: "r0"}, 1},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s := newStore(t)
			for i := range 12 {
				put(t, s, Meta{Recipient: fmt.Sprint("r", i%2), Sender: fmt.Sprint("s", i%3), Received: time.Unix(int64(i), 0)}, make([]byte, 5))
			}
			if err := s.SetAside(t.Context(), "", s.Messages("r0", "")[0].ID, s.Messages("r1", "")[0].ID); err != nil {
				t.Fatal(err)
			}
			var told Progress
			n, err := s.Purge(t.Context(), tc.filter, func(p Progress) { told = p })
			if err != nil || n.Messages != tc.want || n.Bytes != int64(5*tc.want) || s.Stats().Messages != 12-tc.want {
				t.Errorf("%+v: %v", n, err)
			}
			if tc.want > 0 && told != (Progress{tc.want, int64(5 * tc.want), tc.want}) {
				t.Errorf("progress: %+v", told)
			}
		})
	}
}

func TestPage(t *testing.T) {
	s := newStore(t)
	for i := range 10 {
		put(t, s, Meta{Recipient: "bob", Sender: fmt.Sprint(i % 3), MessageID: fmt.Sprint(i)}, nil)
	}
	for _, sender := range []string{"", "1"} {
		all := s.Messages("bob", sender)
		var got []MessageInfo
		for after := ID(0); ; after = got[len(got)-1].ID {
			page := s.Page("bob", sender, after, 2)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			if err := s.Delete(t.Context(), page[len(page)-1].ID); err != nil {
				t.Fatal(err)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(all) {
			t.Errorf("sender %q: %v, want %v", sender, got, all)
		}
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	if _, err := Open(path, Options{ReadOnly: true}); err == nil {
		t.Error("a file that is not there was opened")
	}
	s := openStore(t, path)
	put(t, s, Meta{Recipient: "bob", Sender: "alice", Expires: time.Unix(1, 0)}, []byte("x"))
	for _, ro := range []bool{false, true} {
		if _, err := Open(path, Options{ReadOnly: ro, LockWait: time.Millisecond}); !errors.Is(err, ErrLocked) {
			t.Errorf("read-only %t, while it is held: %v", ro, err)
		}
	}
	s.Close()
	for range 2 { // both at once
		r, err := Open(path, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		id := r.Messages("bob", "")[0].ID
		if string(bodyOf(t, r, id)) != "x" || r.Check(t.Context()) != nil {
			t.Error("it cannot be read")
		}
		if _, err := r.Begin(t.Context(), Meta{Recipient: "bob"}); !errors.Is(err, ErrReadOnly) {
			t.Errorf("Begin: %v", err)
		}
		for name, err := range map[string]error{
			"Delete": r.Delete(t.Context(), id), "SetAside": r.SetAside(t.Context(), "", id), "Restore": r.Restore(t.Context(), id),
		} {
			if !errors.Is(err, ErrReadOnly) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestUnfinishedCounts has a long message that is not finished leave less room.
func TestUnfinishedCounts(t *testing.T) {
	s := openLimited(t, Limits{MaxTotalBytes: 4 * SegmentSize})
	w, err := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"})
	if err == nil {
		_, err = w.Write(make([]byte, 3*SegmentSize+1))
	}
	if err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Open != 3*SegmentSize {
		t.Errorf("%d bytes are open", st.Open)
	}
	if err := tryPut(t, s, "carol", "dave", SegmentSize+1); !errors.Is(err, ErrLimit) {
		t.Errorf("over the total with what is unfinished: %v", err)
	}
	if err := w.Commit().Wait(t.Context()); err != nil { // its own part does not count twice
		t.Fatal(err)
	}
	if st := s.Stats(); st.Open != 0 || st.Bytes != 3*SegmentSize+1 {
		t.Errorf("stats: %+v", st)
	}
	if err := tryPut(t, s, "carol", "dave", SegmentSize-1); err != nil {
		t.Error(err)
	}
	w, _ = s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"})
	w.Abort()
	if st := s.Stats(); st.Open != 0 {
		t.Errorf("%d bytes are open after Abort", st.Open)
	}
}

func TestStats(t *testing.T) {
	s := newStore(t)
	for i := range 5 {
		put(t, s, Meta{Recipient: "bob", Sender: "alice", Received: time.Unix(int64(100+i), 0)}, []byte("x"))
	}
	if err := s.Delete(t.Context(), s.Messages("bob", "")[0].ID); err != nil {
		t.Fatal(err)
	}
	st := s.Stats()
	if st.Oldest.Unix() != 101 || st.FileBytes == 0 || st.QueueSize != 0 || st.Queue != 0 {
		t.Errorf("stats: %+v", st)
	}
	for name, h := range map[string]Histogram{"time": st.CommitSeconds, "group": st.GroupSize} {
		if h.Count != st.Commits || len(h.Counts) != len(h.Bounds) || h.Sum <= 0 || h.Counts[len(h.Counts)-1] > h.Count {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if g := st.GroupSize; g.Counts[0] != 6 || g.Counts[len(g.Counts)-1] != 6 { // each alone, counted up
		t.Errorf("group sizes: %+v", g)
	}
}
