package memory

import (
	"context"
	"errors"
	"io"
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
