package archive

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"github.com/gomscp/gomscp/store"
)

func openStore(t testing.TB, path string, opt store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newStore(t testing.TB) *store.Store {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "ms.db"), store.Options{})
}

// put stores a message, waits for it and returns its ID.
func put(t testing.TB, s *store.Store, m store.Meta, body []byte) store.ID {
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
	return p.ID()
}

func bodyOf(t testing.TB, s *store.Store, id store.ID) []byte {
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
