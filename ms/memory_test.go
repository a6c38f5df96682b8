package ms

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

const carol = "sip:carol@example.com"

// fill sends the beginnings of n messages of size bytes, and returns how many were taken.
func (l *rawLeg) fill(n, size int) (taken int) {
	l.t.Helper()
	part := strings.Repeat("x", size)
	for i := range n {
		l.Send(fmt.Sprintf("MSRP fill%d SEND", i), "To-Path: "+l.theirs, "From-Path: "+l.ours, fmt.Sprintf("Message-ID: f%d", i),
			fmt.Sprintf("Byte-Range: 1-%d/1000000", size), "Content-Type: text/plain", "", part, fmt.Sprintf("-------fill%d+", i))
	}
	for range n {
		switch f := l.Next(); f.Code {
		case 200:
			taken++
		case 413:
		default:
			l.t.Fatalf("got %+v", f)
		}
	}
	return taken
}

// tryStore is rawStore for a session that may be refused for want of memory; nil then.
func (a *fakeAS) tryStore(t *testing.T, from, to string) *rawLeg {
	t.Helper()
	call := a.invite(rawSDP(rawPath, "accept-types:*"))
	if err := call.Ack(a.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
	l := &rawLeg{t: t, call: call, ours: rawPath, theirs: attribute(t, string(call.RemoteBody()), "path")}
	switch r := a.restore(call, from, to).(type) {
	case *mscp.MsgRestored:
		l.dial()
		return l
	case *mscp.MsgNotRestored:
		if r.Reason != memory.ErrSender.Error() {
			t.Errorf("refused: %s", r.Reason)
		}
	}
	a.bye(l)
	return nil
}

// TestMemoryOfASender has one sender begin more sessions and messages than an eighth of the
// memory holds: what is more is refused, another's message is taken, and so is a push.
// When all have ended nothing is held.
func TestMemoryOfASender(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Limits.Memory = minMemory })
	share := heldBy(t, a) / 8
	var legs []*rawLeg
	taken := 0
	refused := 0
	for range 12 {
		l := a.tryStore(t, alice, bob)
		if l == nil {
			refused++
			continue
		}
		taken += l.fill(16, 60_000)
		legs = append(legs, l)
	}
	if counted := a.counterOf("mscp_mediaserver_held_refused_total", "sender"); refused == 0 || counted == 0 {
		t.Errorf("%d sessions were refused, counted %v", refused, counted)
	}
	if most := int(share / 60_000); taken > most || taken < most/2 {
		t.Errorf("%d messages were begun, want some %d", taken, most)
	}
	other := a.rawStore(t, carol, bob, "accept-types:*")
	other.send("c1", "hello", "Content-Type: text/plain")
	other.want("c1", 200)
	a.bye(other)
	took, resp := a.pushTo(carol, bob, []string{"*"}, nil)
	if _, ok := resp.(*mscp.MsgSended); !ok || bodies(took) != "hello" {
		t.Errorf("took %+v: %+v", took, resp)
	}
	for _, l := range legs {
		a.bye(l)
	}
	a.wantNothingHeld()
	if n := a.ms.memory.Senders(); n != 0 {
		t.Errorf("%d senders are left", n)
	}
}

// TestMemoryOfASession has one session begin long messages: it gets half of what its
// sender may have, and another session of that sender goes on.
func TestMemoryOfASession(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Limits.Memory = minMemory })
	share := heldBy(t, a) / 16
	l := a.rawStore(t, alice, bob, "accept-types:*")
	taken := l.fill(16, 200_000)
	if most := int(share / memory.MaxBody); taken > most || taken < most/2 {
		t.Errorf("%d messages were begun, want some %d", taken, most)
	}
	if a.counterOf("mscp_mediaserver_held_refused_total", "session") == 0 {
		t.Error("no refusal was counted")
	}
	other := a.rawStore(t, alice, bob, "accept-types:*")
	other.send("c1", "hello", "Content-Type: text/plain")
	other.want("c1", 200)
	a.bye(other)
	a.bye(l)
	a.wantNothingHeld()
}

// wantNothingHeld waits until all sessions have given their memory back.
func (a *fakeAS) wantNothingHeld() {
	a.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); a.ms.memory.All.Used() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			a.t.Fatalf("%d bytes are held after the end", a.ms.memory.All.Used())
		}
	}
}

// heldBy is what may be held for peers in all.
func heldBy(t *testing.T, a *fakeAS) int64 {
	t.Helper()
	if a.ms.memory.All.Limit() == 0 {
		t.Fatal("there is no limit")
	}
	return a.ms.memory.All.Limit()
}

// TestMemoryForSessions fills the memory for store sessions: a further one gets 503, and a
// push goes on.
func TestMemoryForSessions(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Limits.Memory = minMemory })
	a.leave(text("hello"))
	a.wantNothingHeld()
	left := a.ms.memory.Stores.Limit() - a.ms.memory.Stores.Used()
	if !a.ms.memory.Stores.Take(left) {
		t.Fatal("not taken")
	}
	uri := "sip:ms@" + a.ms.Addr()
	_, err := a.ua.Invite(a.ctx(), sipua.InviteRequest{URI: uri, From: a.ua.Contact(), To: uri, Body: rawSDP(rawPath, "accept-types:*"), ContentType: sdpType})
	var status *sipua.StatusError
	if !errors.As(err, &status) || status.Code != 503 {
		t.Errorf("a store session without memory: %v", err)
	}
	took, resp := a.push([]string{"*"}, nil)
	if _, ok := resp.(*mscp.MsgSended); !ok || bodies(took) != "hello" {
		t.Errorf("took %+v: %+v", took, resp)
	}
	a.ms.memory.Stores.Give(left)
	a.leave(text("again"))
	a.wantKept(1)
}

// TestIndexHasItsPart fills the part of the memory that is for the store's index: messages
// are refused, and so are new sessions, until something is delivered.
func TestIndexHasItsPart(t *testing.T) {
	a := newFakeAS(t, nil)
	limits := a.ms.store.Limits()
	if want := a.ms.cfg.Limits.Memory / 8; limits.MaxIndexBytes != want || want == 0 {
		t.Fatalf("the index may take %d bytes, want %d", limits.MaxIndexBytes, want)
	}
	a.leave(text("first"))
	limits.MaxIndexBytes = a.ms.store.Stats().Index + 50
	a.ms.store.SetLimits(limits)
	if err := a.ms.store.Room(); err == nil {
		t.Error("there is room")
	}
	took, resp := a.push([]string{"*"}, nil)
	if _, ok := resp.(*mscp.MsgSended); !ok || bodies(took) != "first" {
		t.Errorf("took %+v: %+v", took, resp)
	}
	a.leave(text("second"))
	a.wantKept(1)
}

// TestDeliveryTakesMemory holds that a delivery takes from the memory what it has read.
func TestDeliveryTakesMemory(t *testing.T) {
	a := newFakeAS(t, nil)
	a.leave(text("hello"))
	var held int64
	took, resp := a.push([]string{"*"}, func(got) error {
		held = a.ms.memory.Bodies.Used()
		return nil
	})
	if _, ok := resp.(*mscp.MsgSended); !ok || bodies(took) != "hello" || held != int64(len("hello")) {
		t.Errorf("took %+v: %+v; %d bytes were held", took, resp, held)
	}
	a.wantNothingHeld()
}
