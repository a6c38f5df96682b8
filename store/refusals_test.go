package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRefusals notes that messages were refused: they stay in the lists, the first
// refusal counts, and it outlives the process and a compaction.
func TestRefusals(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := openStore(t, filepath.Join(dir, "ms.db"))
	for _, id := range []string{"one", "two", "three"} {
		put(t, s, Meta{Recipient: "bob", Sender: "alice", MessageID: id, ContentType: "text/plain", Received: time.Unix(1, 0)}, []byte(id))
	}
	list := s.Messages("bob", "alice")
	one, two, three := list[0].ID, list[1].ID, list[2].ID
	if r, ok := s.Refusal(one); ok {
		t.Fatalf("before: %+v", r)
	}
	began := time.Now()
	if err := s.NoteRefusal(ctx, "415 first", one, two, 99); err != nil {
		t.Fatal(err)
	}
	if err := s.NoteRefusal(ctx, "415 second", one, three); err != nil {
		t.Fatal(err)
	}
	want := func(s *Store, id ID, reason string) {
		t.Helper()
		r, ok := s.Refusal(id)
		if ok != (reason != "") || r.Reason != reason || ok && (r.First.Before(began.Add(-time.Second)) || r.First.After(time.Now())) {
			t.Errorf("message %d: %+v, %v", id, r, ok)
		}
	}
	want(s, one, "415 first")
	want(s, three, "415 second")
	want(s, 99, "")
	if n := len(s.Messages("bob", "alice")); n != 3 || len(s.Aside("")) != 0 || s.Stats().Aside != 0 {
		t.Errorf("%d of 3 are listed, %+v", n, s.Stats())
	}

	if err := s.SetAside(ctx, "given up", two); err != nil {
		t.Fatal(err)
	}
	want(s, two, "")
	if err := s.NoteRefusal(ctx, "late", two); err != nil {
		t.Fatal(err)
	}
	want(s, two, "")
	if err := s.Restore(ctx, two, three); err != nil {
		t.Fatal(err)
	}
	want(s, three, "")
	if err := s.SetAside(ctx, "given up", two); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, three); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, err := Open(filepath.Join(dir, "ms.db"), Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	want(s, one, "415 first")
	compacted := filepath.Join(dir, "new.db")
	if err := s.Compact(ctx, compacted, nil); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = openStore(t, compacted)
	want(s, one, "415 first")
	if aside := s.Aside("bob"); len(aside) != 1 || !strings.Contains(aside[0].Reason, "given up") || len(s.Messages("bob", "alice")) != 1 {
		t.Errorf("after: %+v", aside)
	}
}
