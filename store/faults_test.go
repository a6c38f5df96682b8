package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// damage makes a message's metadata undecodable.
func damage(t *testing.T, s *Store, id ID) {
	t.Helper()
	err := s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(freshBucket).Put(messageKey(id), []byte("{")) })
	if err != nil {
		t.Fatal(err)
	}
}

// TestEndlessBody writes a body that never ends: each limit on bytes stops it
// before much is on disk.
func TestEndlessBody(t *testing.T) {
	const limit = 4 * SegmentSize
	for _, l := range []Limits{{MaxBody: limit}, {MaxRecipientBytes: limit}, {MaxSenderBytes: limit}, {MaxTotalBytes: limit}} {
		s := openLimited(t, l)
		w, err := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		written := 0
		for err == nil && written < 4*limit {
			var n int
			n, err = w.Write(make([]byte, SegmentSize))
			written += n
		}
		if !errors.Is(err, ErrLimit) || written > limit+2*SegmentSize {
			t.Errorf("%+v: %d bytes were taken: %v", l, written, err)
		}
		w.Abort()
		if n := segmentsIn(t, s); n != 0 {
			t.Errorf("%+v: %d segments are left", l, n)
		}
	}
}

func TestMetaNotUTF8(t *testing.T) {
	s := newStore(t)
	for _, m := range []Meta{{Recipient: "\xff"}, {Sender: "\xff"}, {ConnectionID: "\xff"}, {MessageID: "\xff"}, {ContentType: "\xff"}, {SenderName: "\xff"}, {File: &File{Name: "\xff"}}} {
		if _, err := s.Begin(t.Context(), m); !errors.Is(err, ErrMetaNotUTF8) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// TestDamagedMessage has one message whose metadata cannot be decoded: the store
// opens without it, says so, keeps it in the file, and goes on.
func TestDamagedMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path)
	for range 3 {
		put(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("x"))
	}
	bad := s.Messages("bob", "")[1].ID
	damage(t, s, bad)
	if got := s.Messages("bob", ""); len(got) != 2 {
		t.Errorf("%d messages are listed", len(got))
	}
	s.Close()
	for range 2 {
		s = openStore(t, path)
		if st := s.Stats(); st.Unreadable != 1 || st.Messages != 2 {
			t.Errorf("unreadable: %+v", st)
		}
		if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged message") {
			t.Errorf("Check: %v", err)
		}
		put(t, s, Meta{Recipient: "carol", Sender: "alice"}, []byte("y"))
		if err := s.Delete(t.Context(), s.Messages("carol", "")[0].ID); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

func TestIDsAreNotGivenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	var last ID
	for range 3 {
		s := openStore(t, path)
		put(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("x"))
		id := s.Messages("bob", "")[0].ID
		if id <= last {
			t.Fatalf("ID %d after %d", id, last)
		}
		last = id
		if err := s.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

func TestWriterAfterItsEnd(t *testing.T) {
	s := newStore(t)
	for _, end := range []func(*Writer){(*Writer).Abort, func(w *Writer) { _ = w.Commit().Wait(t.Context()) }} {
		w, err := s.Begin(t.Context(), Meta{Recipient: "bob"})
		if err != nil {
			t.Fatal(err)
		}
		end(w)
		if _, err := w.Write(make([]byte, 3*SegmentSize)); !errors.Is(err, ErrEnded) {
			t.Errorf("Write: %v", err)
		}
		if err := w.Commit().Wait(t.Context()); !errors.Is(err, ErrEnded) {
			t.Errorf("Commit: %v", err)
		}
	}
	if n := segmentsIn(t, s); n != 0 {
		t.Errorf("%d segments are left", n)
	}
}
