package arrivals

import (
	"testing"

	"github.com/gomscp/gomscp/store"
)

// TestArrivals follows a pair through a store session and a delivery.
func TestArrivals(t *testing.T) {
	var a Arrivals
	p := store.Pair{Sender: "sip:alice@example.com", Recipient: "sip:bob@example.com"}
	want := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	want("the first message is new", a.Note(p), true)
	want("the second one is not", a.Note(p), false)
	want("another pair is", a.Note(store.Pair{Sender: p.Recipient, Recipient: p.Sender}), true)
	want("the second has come since", a.Forget(p), true)
	want("nothing is left of the pair", a.Forget(p), false)

	a.Look(p)
	want("a delivery begins", a.Note(p), true)
	a.Note(p)
	a.Look(p)
	want("it has seen all", a.Forget(p), false)
}
