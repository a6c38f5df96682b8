package mscptest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/mscp"
)

func serve(t *testing.T, cfg mscp.Config) *Peer {
	p, c := Pair(t)
	s := mscp.NewServer(c, func(_ context.Context, req mscp.Element) (mscp.Element, error) {
		return mscp.Refuse(req, "not here"), nil
	}, cfg)
	t.Cleanup(func() { s.Close() })
	return p
}

// TestStrictServer checks that ids rise and that strict reading wants whole documents.
func TestStrictServer(t *testing.T) {
	p := serve(t, mscp.Config{Strict: true})
	send := &mscp.SendMsg{FromURI: "a", ToURI: "b", ConnectionID: "c"}
	for _, tc := range []struct {
		id     uint64
		status int
	}{{5, 200}, {6, 200}, {6, 400}, {3, 400}, {4, 200}} {
		p.Request(tc.id, send)
		if u, _ := p.Next(); u.Status != tc.status || u.ID != tc.id {
			t.Errorf("request %d: %+v", tc.id, u)
		}
	}
	p.Request(9, &mscp.Join{ID1: "a", ID2: "b", DTMFClamp: "perhaps"})
	if u, d := p.Next(); u.Status != 400 || !strings.Contains(reasonOf(d), "dtmfclamp") {
		t.Errorf("got %+v, %+v", u, d)
	}
}

func TestLenientServer(t *testing.T) {
	p := serve(t, mscp.Config{})
	for _, status := range []int{200, 400} { // a repeated id is refused
		p.Request(5, &mscp.Unjoin{ID1: "a", ID2: "b"})
		u, d := p.Next()
		if e, ok := d.Element.(*mscp.ErrorConferenceUnjoin); u.Status != status || !ok || e.ID2 != "b" {
			t.Errorf("got %+v, %+v", u, d.Element)
		}
	}
	p.Raw("\x16\x03\x01 this is no MSCP\r\n\r\n")
	p.WantClosed()
}

// TestClient checks that a client gets over what a foreign MS may do wrong.
func TestClient(t *testing.T) {
	p, c := Pair(t)
	got := make(chan mscp.Element, 8)
	cl := mscp.NewClient(c, mscp.Config{OnNotification: func(e mscp.Element) { got <- e }})
	defer cl.Close()
	type result struct {
		e   mscp.Element
		err error
	}
	done := make(chan result, 1)
	do := func() uint64 {
		go func() {
			e, err := cl.Do(t.Context(), &mscp.Join{ID1: "a", ID2: "b"})
			done <- result{e, err}
		}()
		u, _ := p.Next()
		return u.ID
	}
	id := do()
	p.Notify(&mscp.DialogExit{DialogID: "d"})
	p.Respond(id+1, 200, &mscp.ConferenceJoined{ID1: "x", ID2: "y"}) // nobody asked
	p.Respond(id, 200, &mscp.ConferenceJoined{ID1: "a", ID2: "b"})
	if r := <-done; r.err != nil || r.e.(*mscp.ConferenceJoined).ID1 != "a" {
		t.Errorf("got %+v", r)
	}
	if e, ok := (<-got).(*mscp.DialogExit); !ok || e.DialogID != "d" {
		t.Errorf("notification %+v", e)
	}
	p.Respond(do(), 500, &mscp.ErrorConferenceJoin{ID1: "a", ID2: "b", Reason: "on fire"})
	var wire *mscp.Error
	if r := <-done; !errors.As(r.err, &wire) || wire.Code != 500 || wire.Reason != "on fire" {
		t.Errorf("got %+v", r)
	}
	do()
	p.Raw("nonsense\r\n")
	if r := <-done; !errors.Is(r.err, mscp.ErrChannelClosed) {
		t.Errorf("got %+v", r)
	}
	p.WantClosed()
}

func reasonOf(d *mscp.Document) string {
	reason, _ := mscp.ErrorReason(d.Element)
	return reason
}
