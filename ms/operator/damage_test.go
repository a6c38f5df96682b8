package operator

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/store"
)

// TestExportAroundDamage exports a store of which the page with one body is
// damaged: the rest is written whole, and the error names what is missing, from a
// file at rest and over HTTP alike.
func TestExportAroundDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"good", strings.Repeat("broken ", 2*store.SegmentSize/7), "good"} {
		w, err := s.Begin(t.Context(), store.Meta{Recipient: bob, Sender: alice, ContentType: "text/plain"})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(body))
		if err := w.Commit().Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	breakPages(t, path, "broken broken")

	rest, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	checkDamaged(t, "file", rest)
	rest.Close()

	if s, err = store.Open(path, store.Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	running := Dial(serve(t, s))
	defer running.Close()
	checkDamaged(t, "HTTP", running)
}

func checkDamaged(t *testing.T, name string, s Store) {
	t.Helper()
	var out bytes.Buffer
	err := s.Export(t.Context(), &out, store.Filter{})
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "[2]") {
		t.Errorf("%s: %v", name, err)
	}
	if text := out.String(); strings.Count(text, "\ngood\n") != 2 || !strings.Contains(text, `"end":true,"messages":2,"bytes":8,"damaged":1`) {
		t.Errorf("%s: exported %.300q", name, text)
	}
}

// breakPages clears the header of each page that holds the text.
func breakPages(t *testing.T, path, text string) {
	t.Helper()
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 8 << 10
	begin := 0
	for at := 0; at < len(image); at += page {
		if binary.NativeEndian.Uint64(image[at:]) == uint64(at/page) {
			begin = at
		}
		if bytes.Contains(image[at:at+page], []byte(text)) {
			clear(image[begin:][:16])
		}
	}
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
}
