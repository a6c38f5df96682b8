package ms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
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
		if r.Reason != errSenderMemory.Error() {
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
	if refused == 0 || a.ms.memory.refusedSenders.Load() == 0 {
		t.Errorf("%d sessions were refused, counted %d", refused, a.ms.memory.refusedSenders.Load())
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
	a.ms.memory.mu.Lock()
	defer a.ms.memory.mu.Unlock()
	if n := len(a.ms.memory.senders); n != 0 {
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
	if most := int(share / maxHeldBody); taken > most || taken < most/2 {
		t.Errorf("%d messages were begun, want some %d", taken, most)
	}
	if a.ms.memory.refusedSessions.Load() == 0 {
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
	for deadline := time.Now().Add(10 * time.Second); a.ms.memory.all.Used() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			a.t.Fatalf("%d bytes are held after the end", a.ms.memory.all.Used())
		}
	}
}

// heldBy is what may be held for peers in all.
func heldBy(t *testing.T, a *fakeAS) int64 {
	t.Helper()
	if a.ms.memory.all.Limit() == 0 {
		t.Fatal("there is no limit")
	}
	return a.ms.memory.all.Limit()
}

// TestMemoryForSessions fills the memory for store sessions: a further one gets 503, and a
// push goes on.
func TestMemoryForSessions(t *testing.T) {
	a := newFakeAS(t, func(c *Config) { c.Limits.Memory = minMemory })
	a.leave(text("hello"))
	a.wantNothingHeld()
	left := a.ms.memory.stores.Limit() - a.ms.memory.stores.Used()
	if !a.ms.memory.stores.Take(left) {
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
	a.ms.memory.stores.Give(left)
	a.leave(text("again"))
	a.wantKept(1)
}

// TestHeldWriter takes for a long message no more than the store holds of it.
func TestHeldWriter(t *testing.T) {
	m := newMemory(minMemory)
	b, release := m.sender(alice)
	defer release()
	h := &heldWriter{w: io.Discard, from: b}
	for range 100 {
		if _, err := h.Write(make([]byte, 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.all.Used(); got != maxHeldBody {
		t.Errorf("%d bytes are taken, want %d", got, maxHeldBody)
	}
	h.free()
	if got := m.all.Used(); got != 0 {
		t.Errorf("%d bytes are left", got)
	}
	if none, release := newMemory(0).sender(alice); none != nil {
		t.Error("0 is a limit")
	} else {
		release()
	}
}

// TestKeptWhileUnknown holds that what the store has yet stays taken when its handler ends.
func TestKeptWhileUnknown(t *testing.T) {
	m := newMemory(minMemory)
	b, release := m.sender(alice)
	defer release()
	h := &heldWriter{w: io.Discard, from: b}
	if _, err := h.Write(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	rest := h.keep()
	h.free()
	if got := m.all.Used(); got != heldStep {
		t.Errorf("%d bytes are taken, want %d", got, heldStep)
	}
	rest.free()
	if got := m.all.Used(); got != 0 {
		t.Errorf("%d bytes are left", got)
	}
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

// TestMemoryForBodies fills what deliveries may read into: the only message of a delivery is
// sent all the same, and a second one waits.
func TestMemoryForBodies(t *testing.T) {
	m := newMemory(minMemory)
	m.bodies.Add(m.bodies.Limit())
	full := m.bodies.Used()
	release, err := m.body(t.Context(), store.SegmentSize*2, true)
	if err != nil || m.bodies.Used() != full+store.SegmentSize {
		t.Fatalf("the only one: %v, %d bytes are taken", err, m.bodies.Used()-full)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.body(ctx, 1, false); !errors.Is(err, context.Canceled) {
		t.Errorf("a second one: %v", err)
	}
	release()
	m.bodies.Give(full)
	release, err = m.body(ctx, 1, false)
	if err != nil || m.all.Used() != 1 {
		t.Fatalf("with room: %v, %d bytes are taken", err, m.all.Used())
	}
	release()
	if n := m.all.Used(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

// TestDeliveryTakesMemory holds that a delivery takes from the memory what it has read.
func TestDeliveryTakesMemory(t *testing.T) {
	a := newFakeAS(t, nil)
	a.leave(text("hello"))
	var held int64
	took, resp := a.push([]string{"*"}, func(got) error {
		held = a.ms.memory.bodies.Used()
		return nil
	})
	if _, ok := resp.(*mscp.MsgSended); !ok || bodies(took) != "hello" || held != int64(len("hello")) {
		t.Errorf("took %+v: %+v; %d bytes were held", took, resp, held)
	}
	a.wantNothingHeld()
}
