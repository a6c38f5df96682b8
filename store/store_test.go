package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/testutil"
)

func openStore(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newStore(t testing.TB) *Store { return openStore(t, filepath.Join(t.TempDir(), "ms.db")) }

// put stores a message and waits for it.
func put(t testing.TB, s *Store, m Meta, body []byte) {
	t.Helper()
	w, err := s.Begin(context.Background(), m)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Commit().Wait(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func bodyOf(t testing.TB, s *Store, id ID) []byte {
	t.Helper()
	r, err := s.OpenBody(id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBodies stores bodies around the segment's borders and reads them back,
// before and after reopening.
func TestBodies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path)
	sizes := []int{0, 1, 1000, SegmentSize - 1, SegmentSize, SegmentSize + 1, 2 * SegmentSize, 5*SegmentSize + 77}
	for _, n := range sizes {
		put(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: fmt.Sprint(n), ContentType: "text/plain", Received: time.Unix(1, 0)}, testutil.Bytes(n))
	}
	for range 2 {
		list := s.Messages("bob", "alice")
		if len(list) != len(sizes) {
			t.Fatalf("%d messages, want %d", len(list), len(sizes))
		}
		for i, m := range list {
			if m.MessageID != fmt.Sprint(sizes[i]) || m.Size != int64(sizes[i]) || m.ContentType != "text/plain" || m.Received.Unix() != 1 {
				t.Errorf("message %d is %+v", i, m)
			}
			if !bytes.Equal(bodyOf(t, s, m.ID), testutil.Bytes(sizes[i])) {
				t.Errorf("the body of %d bytes changed", sizes[i])
			}
		}
		s.Close()
		s = openStore(t, path)
	}
}

func TestListsAndDelete(t *testing.T) {
	s := newStore(t)
	for i, from := range []string{"carol", "alice", "carol", "dave"} {
		put(t, s, Meta{Recipient: "bob", Sender: from, Received: time.Unix(int64(i), 0)}, make([]byte, 10))
	}
	put(t, s, Meta{Recipient: "eve", Sender: "alice"}, nil)
	var order []string
	for _, x := range s.Senders("bob") {
		order = append(order, fmt.Sprintf("%s %d %d", x.Sender, x.Count, x.Bytes))
	}
	if got := fmt.Sprint(order); got != "[carol 2 20 alice 1 10 dave 1 10]" {
		t.Errorf("senders: %s", got)
	}
	if r := s.Recipients(); len(r) != 2 || r[0].Recipient != "bob" || r[0].Count != 4 || r[0].Bytes != 40 {
		t.Errorf("recipients: %+v", r)
	}
	all := s.Messages("bob", "")
	if len(all) != 4 || all[0].Sender != "carol" || all[3].Sender != "dave" {
		t.Errorf("messages: %+v", all)
	}
	if err := s.Delete(t.Context(), all[0].ID, all[3].ID, 9999); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenBody(all[0].ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("a deleted message: %v", err)
	}
	if got := s.Messages("bob", ""); len(got) != 2 || got[0].ID != all[1].ID {
		t.Errorf("after Delete: %+v", got)
	}
	if st := s.Stats(); st.Messages != 3 || st.Stored != 5 || st.Deleted != 2 {
		t.Errorf("stats: %+v", st)
	}
}

func TestDeleteWhileReading(t *testing.T) {
	s := newStore(t)
	put(t, s, Meta{Recipient: "bob", Sender: "alice"}, testutil.Bytes(3*SegmentSize))
	r, err := s.OpenBody(s.Messages("bob", "")[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), s.Messages("bob", "")[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, ErrNotFound) {
		t.Errorf("reading on: %v", err)
	}
}

// TestUnfinished looks at what messages that were not committed leave behind.
func TestUnfinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path)
	for range 3 {
		w, err := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(testutil.Bytes(4 * SegmentSize)); err != nil {
			t.Fatal(err)
		}
	}
	w, _ := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"})
	_, _ = w.Write(testutil.Bytes(4 * SegmentSize))
	w.Abort()
	w.Abort()
	put(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: "whole"}, testutil.Bytes(2*SegmentSize))
	if got := s.Messages("bob", ""); len(got) != 1 {
		t.Errorf("%d messages are seen", len(got))
	}
	s.Close()

	s = openStore(t, path)
	if got := s.Messages("bob", ""); len(got) != 1 || !bytes.Equal(bodyOf(t, s, got[0].ID), testutil.Bytes(2*SegmentSize)) {
		t.Errorf("after reopening: %+v", got)
	}
	if err := s.Delete(t.Context(), s.Messages("bob", "")[0].ID); err != nil {
		t.Fatal(err)
	}
	_ = s.db.View(func(tx *bolt.Tx) error {
		if n := tx.Bucket(bodiesBucket).Stats().KeyN; n != 0 {
			t.Errorf("%d segments are left of nothing", n)
		}
		return nil
	})
}

// TestOrderIsThatOfCommit has a message that began first commit last.
func TestOrderIsThatOfCommit(t *testing.T) {
	s := newStore(t)
	first, _ := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice", MessageID: "late"})
	_, _ = first.Write(testutil.Bytes(3 * SegmentSize))
	second, _ := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice", MessageID: "early"})
	_, _ = second.Write([]byte("x"))
	p2, p1 := second.Commit(), first.Commit()
	if err := errors.Join(p2.Wait(t.Context()), p1.Wait(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got := s.Messages("bob", "alice"); got[0].MessageID != "early" || got[1].MessageID != "late" {
		t.Errorf("order: %s, %s", got[0].MessageID, got[1].MessageID)
	}
}

func TestManyWriters(t *testing.T) {
	s := newStore(t)
	const writers, each = 32, 20
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range each {
				put(t, s, Meta{Recipient: fmt.Sprint("r", i%4), Sender: fmt.Sprint("s", i), MessageID: fmt.Sprint(n)}, testutil.Bytes(100*n))
				if n%5 == 4 {
					oldest := s.Messages(fmt.Sprint("r", i%4), fmt.Sprint("s", i))[0]
					if err := s.Delete(context.Background(), oldest.ID); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for i := range writers {
		list := s.Messages(fmt.Sprint("r", i%4), fmt.Sprint("s", i))
		if len(list) != each-each/5 {
			t.Fatalf("writer %d: %d messages", i, len(list))
		}
		for k, m := range list {
			if m.MessageID != fmt.Sprint(k+each/5) {
				t.Fatalf("writer %d: message %s in place %d", i, m.MessageID, k)
			}
		}
	}
	if st := s.Stats(); st.Commits >= st.Jobs {
		t.Errorf("no transaction was shared: %d commits for %d jobs", st.Commits, st.Jobs)
	}
}

func TestClosed(t *testing.T) {
	s := newStore(t)
	w, _ := s.Begin(t.Context(), Meta{Recipient: "bob"})
	s.Close()
	if err := w.Commit().Wait(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Commit: %v", err)
	}
	if _, err := s.Begin(t.Context(), Meta{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Begin: %v", err)
	}
	if err := s.Delete(t.Context(), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("Delete: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}
