package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestErase has a user purged: the bytes stay in the file until it is compacted,
// and then no trace is left.
func TestErase(t *testing.T) {
	dir := t.TempDir()
	path, compacted := filepath.Join(dir, "ms.db"), filepath.Join(dir, "new.db")
	s := openStore(t, path)
	traces := []string{"sip:erased@example.com", "erased-message-id", "erased short body", "erased long body"}
	for i := range 20 {
		fill := bytes.Repeat([]byte("."), 2*SegmentSize)
		put(t, s, Meta{Recipient: traces[0], Sender: "sip:alice@example.com", MessageID: fmt.Sprint(traces[1], i)}, []byte(traces[2]))
		put(t, s, Meta{Recipient: "sip:bob@example.com", Sender: traces[0]}, append(fill, traces[3]...))
		put(t, s, Meta{Recipient: "sip:bob@example.com", Sender: "sip:alice@example.com", MessageID: fmt.Sprint(i)}, testutil.Bytes(i*9000))
	}
	for _, f := range []Filter{{Recipient: traces[0]}, {Sender: traces[0]}} {
		if n, err := s.Purge(t.Context(), f, nil); err != nil || n.Messages != 20 {
			t.Fatal(n, err)
		}
	}
	if err := s.SetAside(t.Context(), "kept", s.Messages("sip:bob@example.com", "")[0].ID); err != nil {
		t.Fatal(err)
	}
	want := contents(t, s)
	if err := s.Compact(t.Context(), compacted, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("compacting a file in use: %v", err)
	}
	last := s.seq
	s.Close()
	if !contains(t, path, traces[2]) {
		t.Error("the test shows nothing: the bytes went with the purge")
	}
	r, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var told Progress
	if err := r.Compact(t.Context(), compacted, func(p Progress) { told = p }); err != nil || told.Messages != 20 || told.Total != 20 {
		t.Fatalf("told %+v: %v", told, err)
	}
	if err := r.Compact(t.Context(), compacted, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("compacting over a file: %v", err)
	}
	for _, trace := range traces {
		if contains(t, compacted, trace) {
			t.Errorf("%q is in the file still", trace)
		}
	}
	for range 2 {
		s = openStore(t, compacted)
		if got := contents(t, s); got != want {
			t.Errorf("other contents:\n%.500s\n%.500s", got, want)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		id := commitOf(t, s, Meta{Recipient: "sip:bob@example.com"}, []byte("x")).ID()
		if uint64(id) <= last {
			t.Errorf("ID %d after %d", id, last)
		}
		if err := s.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

func contains(t *testing.T, path, text string) bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(b, []byte(text))
}

// TestCompactExtents compacts a file of many extents, with a message that cannot be
// decoded, which comes along.
func TestCompactExtents(t *testing.T) {
	m := newModel(t)
	m.put(2*extentLength + 100)
	m.remove(0.3)
	var some ID
	for id := range m.bodies {
		if n, _ := extentOf(id); n == 2 {
			some = id
		}
	}
	damage(t, m.s, some)
	delete(m.bodies, some)
	m.s.Close()
	r, err := Open(m.path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	dst := filepath.Join(t.TempDir(), "new.db")
	err = r.Compact(t.Context(), dst, nil)
	r.Close()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		m.s = openStore(t, dst)
		if st := m.s.Stats(); st.Unreadable != 1 || st.Messages != len(m.bodies) {
			t.Errorf("%d unreadable, %d messages, want %d", st.Unreadable, st.Messages, len(m.bodies))
		}
		m.s.Close()
	}
}

// contents is all that a store holds, as text.
func contents(t testing.TB, s *Store) string {
	t.Helper()
	var b strings.Builder
	for _, id := range s.Select(Filter{}) {
		m, err := s.Message(id)
		if err != nil {
			t.Fatal(err)
		}
		m.ID, m.Body = 0, 0
		fmt.Fprintf(&b, "%+v %x\n", m, bodyOf(t, s, id))
	}
	for _, a := range s.Aside("") {
		fmt.Fprintln(&b, a.MessageID, a.Reason, a.Since)
	}
	return b.String()
}
