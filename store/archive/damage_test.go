package archive

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/store"
)

// TestExportDamagedPages damages one page of a file at a time: Export writes all that can
// be read, and its error counts the messages that it leaves out.
func TestExportDamagedPages(t *testing.T) {
	const pageSize, total = 8 << 10, 60
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path, store.Options{})
	for n := range total / 2 {
		put(t, s, store.Meta{Recipient: "bob", Sender: "alice", MessageID: fmt.Sprint("short", n)}, testutil.Bytes(500))
		put(t, s, store.Meta{Recipient: "bob", Sender: "alice", MessageID: fmt.Sprint("long", n)}, testutil.Bytes(store.SegmentSize+n))
	}
	s.Close()
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	exported, incomplete := 0, 0
	pages := len(image) / pageSize
	for n := 2; n < pages; n += 1 + pages/60 {
		path := filepath.Join(t.TempDir(), "ms.db")
		damaged := slices.Clone(image)
		copy(damaged[n*pageSize:], bytes.Repeat([]byte{0xA5}, 16)) // the header of a page
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(path, store.Options{ReadOnly: true})
		if err != nil {
			continue // a root page
		}
		unreadable := int(s.Stats().Unreadable)
		var out bytes.Buffer
		done, err := Export(t.Context(), s, &out, store.Filter{}, nil)
		lost := 0
		if err != nil {
			incomplete++
			if _, serr := fmt.Sscanf(err.Error(), "store: export: %d messages cannot be read", &lost); serr != nil || !errors.Is(err, store.ErrDamaged) {
				t.Errorf("page %d: Export: %v", n, err)
			}
		}
		if done.Messages+lost+unreadable < total {
			t.Errorf("page %d: %d exported, %d left out, %d unreadable, of %d", n, done.Messages, lost, unreadable, total)
		}
		s.Close()
		exported++
	}
	if exported < 10 || incomplete == 0 {
		t.Errorf("%d files were exported, %d of them incomplete", exported, incomplete)
	}
}

// TestExportZeroedPages zeroes one page of a file at a time, also one in the middle of a
// body: whatever Export writes can be imported to its end.
func TestExportZeroedPages(t *testing.T) {
	const pageSize, total = 8 << 10, 40
	path := filepath.Join(t.TempDir(), "ms.db")
	s := openStore(t, path, store.Options{})
	for n := range total {
		put(t, s, store.Meta{Recipient: "bob", Sender: "alice", MessageID: fmt.Sprint("long", n)}, testutil.Bytes(store.SegmentSize/2+n))
	}
	s.Close()
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := 0                                     // files with a body that is not what was stored
	used := total * store.SegmentSize / 2 / pageSize // about; the rest of the file is free
	for n := 2; n < used; n += 4 {
		path := filepath.Join(t.TempDir(), "ms.db")
		damaged := slices.Clone(image)
		clear(damaged[n*pageSize : min((n+1)*pageSize, len(damaged))])
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(path, store.Options{ReadOnly: true})
		if err != nil {
			continue // a root page
		}
		var out bytes.Buffer
		done, err := Export(t.Context(), s, &out, store.Filter{}, nil)
		s.Close()
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("page %d: Export: %v", n, err)
		}
		if err != nil && done.Messages == total-1 {
			changed++
		}
		if got, err := Import(t.Context(), newStore(t), &out, nil); err != nil || got.Stored != done.Messages {
			t.Errorf("page %d: %d were exported, and %d imported: %v", n, done.Messages, got.Stored, err)
		}
	}
	if changed == 0 {
		t.Error("no body was damaged")
	}
}
