package store

import (
	"errors"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

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
	for _, m := range []Meta{{Recipient: "\xff"}, {Sender: "\xff"}, {ConnectionID: "\xff"}, {MessageID: "\xff"}, {ContentType: "\xff"}} {
		if _, err := s.Begin(t.Context(), m); !errors.Is(err, ErrMetaNotUTF8) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// TestDamagedMessageFailsAlone deletes one in the same batch as others' jobs.
func TestDamagedMessageFailsAlone(t *testing.T) {
	s := newStore(t)
	put(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("x"))
	id := s.Messages("bob", "")[0].ID
	err := s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(messagesBucket).Put(messageKey(id), []byte("{")) })
	if err != nil {
		t.Fatal(err)
	}
	bad, good := newJob(), newJob()
	bad.remove = []ID{id}
	good.message, good.meta = &MessageInfo{Meta: Meta{Recipient: "carol"}, Body: s.nextBody.Add(1)}, []byte("{}")
	s.commit([]*job{bad, good}) // the committer sleeps: its queue is empty
	if bad.err == nil || good.err != nil || len(s.Messages("carol", "")) != 1 {
		t.Errorf("the damaged one: %v, the other: %v", bad.err, good.err)
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
