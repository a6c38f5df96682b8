package memory

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/gomscp/gomscp/store"
)

const (
	limit = 32 << 20 // bytes
	alice = "sip:alice@example.com"
)

// TestWriter takes for a long message no more than the store holds of it.
func TestWriter(t *testing.T) {
	m := New(limit, nil)
	b, release := m.Sender(alice)
	defer release()
	h := NewWriter(io.Discard, b)
	for range 100 {
		if _, err := h.Write(make([]byte, 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.All.Used(); got != MaxBody {
		t.Errorf("%d bytes are taken, want %d", got, MaxBody)
	}
	h.Free()
	if got := m.All.Used(); got != 0 {
		t.Errorf("%d bytes are left", got)
	}
	if none, release := New(0, nil).Sender(alice); none != nil {
		t.Error("0 is a limit")
	} else {
		release()
	}
}

// TestKeptWhileUnknown holds that what the store has yet stays taken when its handler ends.
func TestKeptWhileUnknown(t *testing.T) {
	m := New(limit, nil)
	b, release := m.Sender(alice)
	defer release()
	h := NewWriter(io.Discard, b)
	if _, err := h.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	rest := h.Split()
	h.Free()
	if got := m.All.Used(); got != step {
		t.Errorf("%d bytes are taken, want %d", got, step)
	}
	rest.Free()
	if got := m.All.Used(); got != 0 {
		t.Errorf("%d bytes are left", got)
	}
}

// TestMemoryForBodies fills what deliveries may read into: the only message of a delivery is
// sent all the same, and a second one waits.
func TestMemoryForBodies(t *testing.T) {
	m := New(limit, nil)
	m.Bodies.Add(m.Bodies.Limit())
	full := m.Bodies.Used()
	release, err := m.Body(t.Context(), store.SegmentSize*2, true)
	if err != nil || m.Bodies.Used() != full+store.SegmentSize {
		t.Fatalf("the only one: %v, %d bytes are taken", err, m.Bodies.Used()-full)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Body(ctx, 1, false); !errors.Is(err, context.Canceled) {
		t.Errorf("a second one: %v", err)
	}
	release()
	m.Bodies.Give(full)
	release, err = m.Body(ctx, 1, false)
	if err != nil || m.All.Used() != 1 {
		t.Fatalf("with room: %v, %d bytes are taken", err, m.All.Used())
	}
	release()
	if n := m.All.Used(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

// TestLongMessage writes a long message to a store: with memory left it holds more than
// MaxBody, in proportion to what has come, and with little left it does not.
func TestLongMessage(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "ms.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, tc := range []struct {
		name       string
		taken      int64 // by others, of what the sender may have, in percent
		size, want int64
	}{
		{"short", 0, store.SegmentSize, store.SegmentSize},
		{"two segments", 0, 2 * store.SegmentSize, MaxBody},
		{"four segments", 0, 4 * store.SegmentSize, 4 * store.SegmentSize},
		{"long", 0, 40 * store.SegmentSize, (store.MaxAhead + 1) * store.SegmentSize},
		{"long, and little is left", 50, 40 * store.SegmentSize, MaxBody},
	} {
		m := New(limit, nil)
		b, release := m.Sender(alice)
		taken := b.Limit() * tc.taken / 100
		b.Add(taken)
		w, err := s.Begin(t.Context(), store.Meta{Recipient: "sip:bob@example.com", Sender: alice})
		if err != nil {
			t.Fatal(err)
		}
		h := NewWriter(w, b)
		for range tc.size / (32 << 10) {
			if _, err := h.Write(make([]byte, 32<<10)); err != nil {
				t.Fatal(err)
			}
		}
		if got := b.Used() - taken; got != tc.want {
			t.Errorf("%s: %d KB are held, want %d", tc.name, got>>10, tc.want>>10)
		}
		w.Abort()
		h.Free()
		if got := b.Used() - taken; got != 0 {
			t.Errorf("%s: %d bytes are left", tc.name, got)
		}
		release()
	}
}
