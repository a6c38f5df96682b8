package store

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/testutil"
)

func openLimited(t *testing.T, l Limits) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "ms.db"), Options{Limits: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// tryPut stores a message and returns why that failed.
func tryPut(t *testing.T, s *Store, to, from string, size int) error {
	t.Helper()
	w, err := s.Begin(t.Context(), Meta{Recipient: to, Sender: from})
	if err != nil {
		return err
	}
	if _, err := w.Write(make([]byte, size)); err != nil {
		w.Abort()
		return err
	}
	return w.Commit().Wait(t.Context())
}

func TestLimits(t *testing.T) {
	const big = 3 * SegmentSize
	tests := []struct {
		name   string
		limits Limits
		to     string // of the second message; the first is 100 bytes, alice to bob
		from   string
		size   int
		want   Limit // "" is success
	}{
		{"none", Limits{}, "bob", "alice", big, ""},
		{"body at the limit", Limits{MaxBody: 100}, "bob", "alice", 100, ""},
		{"body over", Limits{MaxBody: 100}, "bob", "alice", 101, LimitBody},
		{"recipient's messages", Limits{MaxRecipientMessages: 1}, "bob", "carol", 1, LimitRecipient},
		{"another recipient", Limits{MaxRecipientMessages: 1}, "dave", "alice", 1, ""},
		{"recipient's bytes", Limits{MaxRecipientBytes: 1000}, "bob", "carol", big, LimitRecipient},
		{"recipient's bytes at the limit", Limits{MaxRecipientBytes: 1000}, "bob", "carol", 900, ""},
		{"sender's messages", Limits{MaxSenderMessages: 1}, "bob", "alice", 1, LimitSender},
		{"another sender", Limits{MaxSenderMessages: 1}, "bob", "carol", 1, ""},
		{"sender's bytes", Limits{MaxSenderBytes: 1000}, "bob", "alice", big, LimitSender},
		{"total", Limits{MaxTotalBytes: 1000}, "dave", "carol", big, LimitTotal},
		{"index", Limits{MaxIndexBytes: inboxCost + 20}, "dave", "carol", 1, LimitIndex},
		{"index with room", Limits{MaxIndexBytes: 2 * inboxCost}, "dave", "carol", 1, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			s := openLimited(t, tc.limits)
			if err := tryPut(t, s, "bob", "alice", 100); err != nil {
				t.Fatal(err)
			}
			err := tryPut(t, s, tc.to, tc.from, tc.size)
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var over *LimitError
			if !errors.As(err, &over) || over.Limit != tc.want || !errors.Is(err, ErrLimit) {
				t.Fatalf("got %v, want limit %s", err, tc.want)
			}
			if st := s.Stats(); st.Messages != 1 || st.Bytes != 100 {
				t.Errorf("half-kept: %+v", st)
			}
			if n := segmentsIn(t, s); n != 1 {
				t.Errorf("%d segments are left", n)
			}
		})
	}
}

func segmentsIn(t *testing.T, s *Store) (n int) {
	t.Helper()
	// What Abort gave up goes with a later commit: this one.
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = s.db.View(func(tx *bolt.Tx) error {
		n = tx.Bucket(bodiesBucket).Stats().KeyN
		data := tx.Bucket(dataBucket)
		_ = data.ForEachBucket(func(k []byte) error {
			n += data.Bucket(k).Stats().KeyN
			return nil
		})
		if left := tx.Bucket(openBucket).Stats().KeyN; left != 0 {
			t.Errorf("%d bodies are marked as unfinished", left)
		}
		return nil
	})
	return n
}

func TestDiskLimit(t *testing.T) {
	s := openLimited(t, Limits{MinFree: math.MaxInt64})
	if free, err := freeBytes(s.db.Path()); err != nil || free == math.MaxInt64 {
		t.Skip("free space is not known here", err)
	}
	var over *LimitError
	if err := tryPut(t, s, "bob", "alice", 1); !errors.As(err, &over) || over.Limit != LimitDisk {
		t.Fatalf("got %v", err)
	}
}

// TestLimitIsExact has more writers than places, all in few batches.
func TestLimitIsExact(t *testing.T) {
	const places = 7
	s := openLimited(t, Limits{MaxRecipientMessages: places})
	var stored, refused atomic.Int32
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			switch err := tryPut(t, s, "bob", "alice", 10); {
			case err == nil:
				stored.Add(1)
			case errors.Is(err, ErrLimit):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if stored.Load() != places || len(s.Messages("bob", "")) != places || refused.Load() != 64-places {
		t.Errorf("%d stored, %d refused", stored.Load(), refused.Load())
	}
}

func TestPurge(t *testing.T) {
	s := newStore(t)
	for i := range int64(10) {
		put(t, s, Meta{Recipient: "bob", Sender: "alice", Received: time.Unix(i, 0)}, testutil.Bytes(100))
	}
	n, err := s.Purge(t.Context(), Filter{Before: time.Unix(4, 0)}, nil)
	if n.Messages != 4 || err != nil {
		t.Fatal(n, err)
	}
	if list := s.Messages("bob", ""); len(list) != 6 || list[0].Received.Unix() != 4 {
		t.Errorf("left: %+v", list)
	}
}

// TestBackupAndCheck opens a copy, and then damages it.
func TestBackupAndCheck(t *testing.T) {
	s := newStore(t)
	for _, n := range []int{0, 10, SegmentSize, 3*SegmentSize + 5} {
		put(t, s, Meta{Recipient: "bob", Sender: "alice"}, testutil.Bytes(n))
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	var copied bytes.Buffer
	if _, err := s.Backup(&copied); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, copied.Bytes())
	c := openStore(t, path)
	if got := len(c.Messages("bob", "")); got != 4 {
		t.Fatalf("%d messages in the copy", got)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept := c.Messages("bob", "") // before the store finds them damaged, and sets them aside by itself
	first, last := kept[1].ID, kept[3]
	err := c.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bodiesBucket).Delete(bodyKey(last.Body, 1)) })
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "segment 1 is missing") {
		t.Errorf("a missing segment: %v", err)
	}
	err = c.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(freshBucket).Delete(messageKey(last.ID)) })
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "no such message") {
		t.Errorf("a missing message: %v", err)
	}
	err = c.db.Update(func(tx *bolt.Tx) error {
		n, _ := extentOf(first)
		return tx.Bucket(dataBucket).Bucket(extentKey(n)).Put(messageKey(first), make([]byte, 10))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "does not have its SHA-256") {
		t.Errorf("other bytes of a body: %v", err)
	}
	c.Close()
	if err := c.Check(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Check after Close: %v", err)
	}
}

// TestSubmitDuringClose has writers who come while the store closes: each hears
// of its message's fate.
func TestSubmitDuringClose(t *testing.T) {
	for range 20 {
		s := newStore(t)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for {
					if err := tryPut(t, s, "bob", "alice", 10); err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
