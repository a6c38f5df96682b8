package store

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestAhead has the committer wait: a Writer goes on until so many segments are on their
// way, and never has more.
func TestAhead(t *testing.T) {
	for _, tc := range []struct{ set, want int }{{-1, 1}, {1, 1}, {5, 5}, {MaxAhead, MaxAhead}, {MaxAhead + 1, MaxAhead}} {
		s := newStore(t)
		w, err := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		w.SetAhead(tc.set)
		tx, err := s.db.Begin(true)
		if err != nil {
			t.Fatal(err)
		}
		body := testutil.Bytes((tc.want + 1) * SegmentSize)
		if _, err := w.Write(body); err != nil || len(w.flight) != tc.want {
			t.Errorf("SetAhead(%d): %d segments are on their way, %v", tc.set, len(w.flight), err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			more := testutil.Bytes(SegmentSize)
			if _, err := w.Write(more); err != nil || len(w.flight) > tc.want {
				t.Fatalf("SetAhead(%d): %d segments are on their way, %v", tc.set, len(w.flight), err)
			}
			body = append(body, more...)
		}
		p := w.Commit()
		if err := p.Wait(t.Context()); err != nil || !bytes.Equal(bodyOf(t, s, p.ID()), body) {
			t.Errorf("SetAhead(%d): %v, or another body", tc.set, err)
		}
	}
}

// TestAnySegmentFails has one segment of several fail that are on their way: the message
// is not kept, and nothing of it.
func TestAnySegmentFails(t *testing.T) {
	for i := range 3 {
		s := newStore(t)
		w, err := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		w.SetAhead(4)
		if _, err := w.Write(testutil.Bytes(4 * SegmentSize)); err != nil || len(w.flight) != 3 {
			t.Fatalf("%d segments, %v", len(w.flight), err)
		}
		for _, j := range w.flight {
			<-j.done
		}
		w.flight[i].err = errors.ErrUnsupported
		if err := w.Commit().Wait(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("segment %d: %v", i, err)
		}
		put(t, s, Meta{Recipient: "bob", Sender: "alice"}, []byte("x")) // after what is discarded
		if got := s.Messages("bob", ""); len(got) != 1 {
			t.Errorf("segment %d: %d messages are kept", i, len(got))
		}
		if n := segmentsIn(t, s); n != 1 {
			t.Errorf("segment %d: %d segments are left", i, n)
		}
	}
}
