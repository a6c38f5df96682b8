package ms

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// describe is the caller's end of a session as an offer, in front of what more adds.
func (a *fakeAS) describe(change func(*msrp.Media), more string) (msrp.URI, []byte) {
	a.t.Helper()
	local := a.msrp.NewURI("")
	m := &msrp.Media{Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: []string{"*"}, Setup: msrp.SetupActive, SessionVersion: 2}
	if change != nil {
		change(m)
	}
	offer, err := m.Offer()
	if err != nil {
		a.t.Fatal(err)
	}
	return local, append(offer, more...)
}

func (a *fakeAS) read(answer []byte, err error) *msrp.Media {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("re-INVITE: %v", err)
	}
	m, err := msrp.ParseSDP(answer)
	if err != nil {
		a.t.Fatalf("%v in\n%s", err, answer)
	}
	return m
}

// dial connects to where an answer says, and sends a text.
func (a *fakeAS) dial(local msrp.URI, m *msrp.Media, text string) *msrp.Session {
	a.t.Helper()
	session, err := msrp.Dial(a.ctx(), msrp.Config{}, msrp.SessionConfig{Local: local, Remote: m.Path})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { session.Close() })
	if err := send(a.ctx(), session, text); err != nil {
		a.t.Fatalf("%q: %v", text, err)
	}
	return session
}

// TestReofferThatMovesNothing offers a store session anew: as it was, on hold, and
// with another session-id and with audio beside it. The session stays, and so does
// its path.
func TestReofferThatMovesNothing(t *testing.T) {
	a := newFakeAS(t, nil)
	_, offer := a.describe(nil, "m=audio 4000 RTP/AVP 0\r\n")
	call := a.invite(offer)
	if err := call.Ack(a.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
	first := a.read(call.RemoteBody(), nil)
	if !strings.Contains(string(call.RemoteBody()), "m=audio 0 RTP/AVP 0\r\n") {
		t.Errorf("audio is not refused in\n%s", call.RemoteBody())
	}
	a.restore(call, alice, bob)
	local := a.msrp.NewURI("")
	session := a.dial(local, first, "one")
	if again, err := call.Reinvite(a.ctx(), offer, sdpType); err != nil || string(again) != string(call.RemoteBody()) {
		t.Errorf("the same offer is answered with\n%s%v", again, err)
	}
	version := first.SessionVersion
	for theirs, want := range map[msrp.Direction]msrp.Direction{msrp.SendOnly: msrp.RecvOnly, msrp.Inactive: msrp.Inactive, "": ""} {
		_, hold := a.describe(func(m *msrp.Media) { m.Direction = theirs }, "m=audio 4000 RTP/AVP 0\r\n")
		answer, err := call.Update(a.ctx(), hold, sdpType)
		m := a.read(answer, err)
		version++
		if m.Direction != want || m.Path.String() != first.Path.String() || m.SessionID != first.SessionID || m.SessionVersion != version {
			t.Errorf("%q is answered with\n%s", theirs, answer)
		}
		if !strings.Contains(string(answer), "m=audio 0 RTP/AVP 0\r\n") {
			t.Errorf("audio is not refused in\n%s", answer)
		}
		if err := send(a.ctx(), session, "more"); err != nil {
			t.Errorf("%q: %v", theirs, err)
		}
	}
	a.wantKept(4)
	var status *sipua.StatusError
	if _, err := call.Reinvite(a.ctx(), []byte("nonsense"), sdpType); !errors.As(err, &status) || status.Code != 488 {
		t.Errorf("nonsense: %v", err)
	}
	if err := send(a.ctx(), session, "after nonsense"); err != nil {
		t.Error(err)
	}
	// Asked for an offer, the media server repeats itself.
	repeated, answer, err := call.AskOffer(a.ctx())
	if m := a.read(repeated, err); m.Path.String() != first.Path.String() {
		t.Errorf("it offers\n%s", repeated)
	}
	if err := answer(a.ctx(), offer, sdpType); err != nil {
		t.Error(err)
	}
	if err := send(a.ctx(), session, "after its offer"); err != nil {
		t.Error(err)
	}
	if err := call.Bye(a.ctx()); err != nil {
		t.Error(err)
	}
	await(t, "end of the session", session.Done())
}

func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s", what)
	}
}

// TestReofferOfANewConnection moves a store session: after its connection was lost,
// and because the caller is somewhere else. What is
// sent on the old connection until then counts.
func TestReofferOfANewConnection(t *testing.T) {
	for name, tc := range map[string]struct {
		lose   bool
		change func(*msrp.Media)
	}{
		"lost":       {lose: true},
		"other port": {change: func(m *msrp.Media) { m.Port++; m.Path[0].Port++ }},
	} {
		t.Run(name, func(t *testing.T) {
			a := newFakeAS(t, nil)
			call, old := a.storeLeg()
			a.restore(call, alice, bob)
			if err := send(a.ctx(), old, "one"); err != nil {
				t.Fatal(err)
			}
			if tc.lose {
				old.Close()
			}
			var m *msrp.Media
			var local msrp.URI
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) { // the loss has to be noticed
				var offer []byte
				local, offer = a.describe(tc.change, "")
				m = a.read(call.Reinvite(a.ctx(), offer, sdpType))
				if m.Path.String() != a.read(call.RemoteBody(), nil).Path.String() {
					break
				}
				if !tc.lose || time.Now().After(end) {
					t.Fatalf("the path is still %s", m.Path)
				}
			}
			if !tc.lose {
				if err := send(a.ctx(), old, "still here"); err != nil {
					t.Errorf("on the old connection: %v", err)
				}
			}
			session := a.dial(local, m, "two")
			await(t, "end of the old session", old.Done())
			if err := call.Bye(a.ctx()); err != nil {
				t.Error(err)
			}
			await(t, "end of the new session", session.Done())
			want := 3
			if tc.lose {
				want = 2
			}
			a.wantKept(want)
		})
	}
}

// TestReofferWhereWeConnect moves the end that the media server has connected to.
func TestReofferWhereWeConnect(t *testing.T) {
	a := newFakeAS(t, nil)
	accept := func(local msrp.URI) *msrp.Session {
		s, err := a.msrp.Accept(msrp.SessionConfig{Local: local})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// No offer should say passive (RFC 6135, 4.2.2), but some do.
	describe := func() (msrp.URI, []byte) {
		local, offer := a.describe(nil, "")
		return local, bytes.Replace(offer, []byte("a=setup:active"), []byte("a=setup:passive"), 1)
	}
	local, offer := describe()
	first := accept(local)
	call := a.invite(offer)
	if err := call.Ack(a.ctx(), nil, ""); err != nil {
		t.Fatal(err)
	}
	await(t, "connection", first.Bound())
	a.restore(call, alice, bob)
	first.SetRemote(a.read(call.RemoteBody(), nil).Path)
	if err := send(a.ctx(), first, "one"); err != nil {
		t.Fatal(err)
	}
	local, offer = describe()
	second := accept(local)
	m := a.read(call.Reinvite(a.ctx(), offer, sdpType))
	await(t, "new connection", second.Bound())
	second.SetRemote(m.Path)
	if err := send(a.ctx(), second, "two"); err != nil {
		t.Fatal(err)
	}
	await(t, "end of the old session", first.Done())
	a.wantKept(2)
	if err := call.Bye(a.ctx()); err != nil {
		t.Error(err)
	}
}

// TestReofferEndsTheSession refuses the m-line in a re-offer: the session ends, and
// a further one begins anew.
func TestReofferEndsTheSession(t *testing.T) {
	a := newFakeAS(t, nil)
	call, session := a.storeLeg()
	a.restore(call, alice, bob)
	_, offer := a.describe(func(m *msrp.Media) { m.Port, m.Path = 0, nil }, "")
	if m := a.read(call.Reinvite(a.ctx(), offer, sdpType)); !m.Rejected() {
		t.Errorf("answered with %+v", m)
	}
	await(t, "end of the session", session.Done())
	local, offer := a.describe(nil, "")
	a.dial(local, a.read(call.Reinvite(a.ctx(), offer, sdpType)), "again")
	a.wantKept(1)
	if err := call.Bye(a.ctx()); err != nil {
		t.Error(err)
	}
}

// TestHeldPush has the user agent put a push session on hold: nothing is sent until
// it resumes.
func TestHeldPush(t *testing.T) {
	a := newFakeAS(t, nil)
	call, session := a.storeLeg()
	a.restore(call, alice, bob)
	if err := send(a.ctx(), session, "one"); err != nil {
		t.Fatal(err)
	}
	if err := call.Bye(a.ctx()); err != nil {
		t.Error(err)
	}
	came := make(chan string, 1)
	leg := a.invite(nil)
	local := a.msrp.NewURI("")
	user, err := a.msrp.Accept(msrp.SessionConfig{Local: local, Remote: a.read(leg.RemoteBody(), nil).Path, Handler: func(_ context.Context, m *msrp.Incoming) error {
		b, err := io.ReadAll(m)
		came <- string(b)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	describe := func(d msrp.Direction) []byte {
		m := &msrp.Media{Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: []string{"*"}, Setup: msrp.SetupPassive, Direction: d}
		answer, err := m.Answer(leg.RemoteBody())
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if err := leg.Ack(a.ctx(), describe(msrp.SendOnly), sdpType); err != nil {
		t.Fatal(err)
	}
	done := make(chan mscp.Element, 1)
	go func() {
		resp, _ := a.channel.Do(a.ctx(), &mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: leg.ID().String()})
		done <- resp
	}()
	select {
	case text := <-came:
		t.Errorf("%q was sent on a session that is held", text)
	case resp := <-done:
		t.Fatalf("the push ended with %+v", resp)
	case <-time.After(100 * time.Millisecond): // it must not happen, so there is no event
	}
	if m := a.read(leg.Reinvite(a.ctx(), describe(msrp.SendRecv), sdpType)); m.Direction != msrp.SendRecv {
		t.Errorf("answered with direction %q", m.Direction)
	}
	if text := <-came; text != "one" {
		t.Errorf("got %q", text)
	}
	if _, ok := (<-done).(*mscp.MsgSended); !ok {
		t.Error("the push did not end well")
	}
	if err := leg.Bye(a.ctx()); err != nil {
		t.Error(err)
	}
}

// TestStoreWithoutOffer has a caller leave the offer to the media server.
func TestStoreWithoutOffer(t *testing.T) {
	a := newFakeAS(t, nil)
	call := a.invite(nil)
	if _, ok := a.restore(call, alice, bob).(*mscp.MsgRestored); !ok {
		t.Fatal("RestoreMsg is refused")
	}
	offer := a.read(call.RemoteBody(), nil)
	local := a.msrp.NewURI("")
	answer, err := (&msrp.Media{Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: []string{"*"}, Setup: msrp.SetupActive}).Answer(call.RemoteBody())
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Ack(a.ctx(), answer, sdpType); err != nil {
		t.Fatal(err)
	}
	a.dial(local, offer, "one")
	a.wantKept(1)
	if n, _ := a.ms.sessions.dialogs.counts(); n != 1 {
		t.Errorf("%d store sessions are counted", n)
	}
	if r, ok := a.do(&mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: call.ID().String()}).(*mscp.MsgNotSended); !ok {
		t.Errorf("SendMsg for a store session: %+v", r)
	}
	if err := call.Bye(a.ctx()); err != nil {
		t.Error(err)
	}
}

// TestStoreDecidedLate has a caller connect before RestoreMsg says that the dialog is for a
// store session: from then on the dialog is no orphan.
func TestStoreDecidedLate(t *testing.T) {
	const orphan = time.Second
	a := newFakeAS(t, func(c *Config) { c.Orphan = orphan })
	call := a.invite(nil)
	offer := a.read(call.RemoteBody(), nil)
	local := a.msrp.NewURI("")
	answer, err := (&msrp.Media{Host: local.Host, Port: local.Port, Path: msrp.Path{local}, AcceptTypes: []string{"*"}, Setup: msrp.SetupActive}).Answer(call.RemoteBody())
	if err != nil {
		t.Fatal(err)
	}
	if err := call.Ack(a.ctx(), answer, sdpType); err != nil {
		t.Fatal(err)
	}
	session, err := msrp.Dial(a.ctx(), msrp.Config{}, msrp.SessionConfig{Local: local, Remote: offer.Path})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Send(a.ctx(), msrp.Message{}); err != nil { // its answer shows that the session is bound
		t.Fatal(err)
	}
	if _, ok := a.restore(call, alice, bob).(*mscp.MsgRestored); !ok {
		t.Fatal("RestoreMsg is refused")
	}
	select {
	case <-call.Done():
		t.Error("the dialog has ended")
	case <-time.After(orphan + orphan/2):
	}
	if err := call.Bye(a.ctx()); err != nil {
		t.Error(err)
	}
}
