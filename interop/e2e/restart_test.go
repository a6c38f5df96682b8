package e2e

import (
	"testing"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
)

// TestKilledAndRestarted kills each process in turn with messages kept, starts
// it again, and has the recipient register.
func TestKilledAndRestarted(t *testing.T) {
	for name, victims := range map[string]func(*cluster.Cluster) []*cluster.Process{
		"AS":   func(c *cluster.Cluster) []*cluster.Process { return []*cluster.Process{c.AS} },
		"MS":   func(c *cluster.Cluster) []*cluster.Process { return c.MS },
		"both": (*cluster.Cluster).Processes,
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, envOptions{weights: []int{1, 1}})
			chat := e.call(carol, dave) // keeps ms1 busy, so that the next goes to ms2
			e.leave(alice, bob, "one", "two")
			e.leave(carol, bob, "three")
			if err := chat.Close(e.ctx); err != nil {
				t.Error(err)
			}
			e.wantKept(3)
			for _, p := range victims(e.cluster) {
				p.Kill()
			}
			for _, p := range victims(e.cluster) {
				if err := p.Start(); err != nil {
					t.Fatal(err)
				}
			}
			for _, p := range e.cluster.Processes() {
				if err := p.WaitReady(e.ctx); err != nil {
					t.Fatal(err)
				}
			}
			e.awaitChannels() // they come back by themselves
			if n := e.kept(); n != 3 {
				t.Fatalf("%d messages are kept after the restart, want 3", n)
			}
			box := newInbox()
			e.register(softphone.Config{User: bob}, box)
			box.want(t, alice+" one", alice+" two", carol+" three")
			e.wantKept(0)
		})
	}
}

// TestKilledWithASessionOpen kills the application server in the middle of a
// store session: what was confirmed before is delivered.
func TestKilledWithASessionOpen(t *testing.T) {
	e := newEnv(t, envOptions{})
	phone := e.phone(softphone.Config{User: alice})
	chat, err := phone.Call(e.ctx, bob)
	if err != nil {
		t.Fatal(err)
	}
	if err := send(e.ctx, chat, plain, "confirmed"); err != nil {
		t.Fatal(err)
	}
	e.cluster.AS.Kill()
	if err := e.cluster.AS.Start(); err != nil {
		t.Fatal(err)
	}
	if err := e.cluster.AS.WaitReady(e.ctx); err != nil {
		t.Fatal(err)
	}
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	box.want(t, alice+" confirmed")
	e.wantKept(0)
}

// TestPresenceServerRestarted forgets all subscriptions: the application
// server's come back with their next refresh.
func TestPresenceServerRestarted(t *testing.T) {
	t.Parallel()
	e := newEnv(t, envOptions{})
	e.leave(alice, bob, "one")
	addr, asAddr := e.proxy, e.cluster.AS.SIP
	e.server.Close()
	e.startServer(addr, asAddr)
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	box.want(t, alice+" one")
	e.wantKept(0)
}

// TestStopsOnTERM asks the processes to end while a session is open: they end
// it and exit with status 0.
func TestStopsOnTERM(t *testing.T) {
	e := newEnv(t, envOptions{})
	chat := e.call(alice, bob)
	if err := e.cluster.Stop(); err != nil {
		t.Error(err)
	}
	select {
	case <-chat.Dialog().Done():
	case <-e.ctx.Done():
		t.Error("the caller was not told")
	}
}
