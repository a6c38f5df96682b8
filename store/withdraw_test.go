package store

import (
	"context"
	"errors"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gomscp/gomscp/internal/testutil"
)

// stick makes each commit of the store wait from now on, and tells when one has
// begun. goOn lets them end.
func stick(t *testing.T, s *Store) (begun <-chan struct{}, goOn func()) {
	t.Helper()
	start, end := make(chan struct{}, 100), make(chan struct{})
	closed := false
	goOn = func() {
		if !closed {
			closed = true
			close(end)
		}
	}
	t.Cleanup(goOn)
	s.commitTx = func(tx *bolt.Tx) error {
		start <- struct{}{}
		<-end
		return tx.Commit()
	}
	return start, goOn
}

func written(t *testing.T, s *Store, sender string, body []byte) *Writer {
	t.Helper()
	w, err := s.Begin(t.Context(), Meta{Recipient: "bob", Sender: sender})
	if err == nil {
		_, err = w.Write(body)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A message can be withdrawn while it waits for the committer, and then nothing is
// kept of it; the one that is being written cannot.
func TestWithdraw(t *testing.T) {
	s := newStore(t)
	long := written(t, s, "long", testutil.Bytes(3*SegmentSize))
	put(t, s, Meta{Recipient: "bob", Sender: "before"}, []byte("x")) // its segments are in the file
	begun, goOn := stick(t, s)
	taken := written(t, s, "taken", []byte("x")).Commit()
	<-begun
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	pending := []*Pending{written(t, s, "short", []byte("x")).Commit(), long.Commit(), written(t, s, "stays", []byte("x")).Commit()}
	if err := taken.Wait(ended); !errors.Is(err, context.Canceled) || taken.Withdraw() {
		t.Errorf("what is being written: %v, or it was withdrawn", err)
	}
	for _, p := range pending[:2] {
		for range 2 {
			if !p.Withdraw() {
				t.Error("what waits was not withdrawn")
			}
		}
	}
	goOn()
	for i, p := range append(pending, taken) {
		want := error(nil)
		if i < 2 {
			want = ErrWithdrawn
		}
		if err := p.Wait(t.Context()); !errors.Is(err, want) || i >= 2 && p.Withdraw() {
			t.Errorf("%d: %v", i, err)
		}
	}
	var senders []string
	for _, m := range s.Messages("bob", "") {
		senders = append(senders, m.Sender)
	}
	if len(senders) != 3 || segmentsIn(t, s) != len(senders) || s.openBytes() != 0 {
		t.Errorf("kept: %q, %d segments, %d bytes", senders, segmentsIn(t, s), s.openBytes())
	}
}

// Abort does not wait for a disk that stands still, and the space is given back when
// it goes on.
func TestAbortDoesNotWait(t *testing.T) {
	s := newStore(t)
	long := written(t, s, "long", testutil.Bytes(3*SegmentSize))
	put(t, s, Meta{Recipient: "bob", Sender: "before"}, []byte("x"))
	begun, goOn := stick(t, s)
	written(t, s, "taken", []byte("x")).Commit()
	<-begun
	for range cap(s.jobs) {
		written(t, s, "queue", []byte("x")).Commit()
	}
	aborted := make(chan struct{})
	go func() { long.Abort(); close(aborted) }()
	select {
	case <-aborted:
	case <-time.After(10 * time.Second):
		t.Error("Abort waits")
	}
	goOn()
	put(t, s, Meta{Recipient: "bob", Sender: "after"}, []byte("x"))
	for s.openBytes() != 0 && t.Context().Err() == nil { // the job may come behind that message
		if err := s.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n, kept := segmentsIn(t, s), s.Stats().Messages; n != kept {
		t.Errorf("%d segments are left of %d messages", n, kept)
	}
}
