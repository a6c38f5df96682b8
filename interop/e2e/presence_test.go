package e2e

import (
	"strconv"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/internal/softphone"
)

// TestPresenceWays delivers in each way in which the application server learns
// who is reachable: to a user who comes, goes and comes again, after a restart
// of the application server, and to one whose registration runs out.
func TestPresenceWays(t *testing.T) {
	for _, way := range []string{"presence", "reg", "register"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, envOptions{presence: way, configAS: func(c *as.Config) { c.Push.Delay = 300 * time.Millisecond }})
			e.leave(alice, bob, "one")
			box := newInbox()
			phone := e.register(softphone.Config{User: bob}, box)
			box.want(t, alice+" one")
			e.wantKept(0)
			if err := phone.Unregister(e.ctx); err != nil {
				t.Fatal(err)
			}
			e.leave(carol, bob, "two")
			e.restart(e.cluster.AS)
			e.awaitChannels()
			e.wantKept(1)
			if err := phone.Register(e.ctx, time.Minute); err != nil {
				t.Fatal(err)
			}
			box.want(t, alice+" one", carol+" two")
			e.wantKept(0)

			// dave's device is there and gone without a word: calls to it fail until
			// its registration ends, and after that none is made.
			e.leave(alice, dave, "three")
			e.wantKept(1)
			gone := e.phone(softphone.Config{User: dave})
			if err := gone.Register(e.ctx, 2*time.Second); err != nil {
				t.Fatal(err)
			}
			gone.Close()
			e.eventually("a push to the device that is gone fails", func() bool {
				return e.metric(e.cluster.AS, `mscp_as_pushes_total{outcome="recipient"}`) != ""
			})
			e.eventually("its registration ends", func() bool {
				closed := e.metric(e.cluster.AS, `mscp_as_presence_notifications_total{state="closed"}`)
				return closed != "" && closed != "0"
			})
			daves := newInbox()
			e.register(softphone.Config{User: dave}, daves)
			daves.want(t, alice+" three")
			e.wantKept(0)
		})
	}
}

// TestPresenceWaysBehindKamailio is the same with a registrar of another make: a
// user comes, goes, and comes again.
func TestPresenceWaysBehindKamailio(t *testing.T) {
	for _, way := range []string{"reg", "register"} { // TestStoreAndPush has the presence package
		t.Run(way, func(t *testing.T) {
			e := newEnv(t, envOptions{presence: way, kamailio: true, configAS: func(c *as.Config) { c.Push.Delay = 300 * time.Millisecond }})
			e.leave(alice, bob, "one")
			box := newInbox()
			phone := e.register(softphone.Config{User: bob}, box)
			box.want(t, alice+" one")
			e.wantKept(0)
			if err := phone.Unregister(e.ctx); err != nil {
				t.Fatal(err)
			}
			e.leave(carol, bob, "two")
			e.wantKept(1)
			if err := phone.Register(e.ctx, time.Minute); err != nil {
				t.Fatal(err)
			}
			box.want(t, alice+" one", carol+" two")
			e.wantKept(0)
		})
	}
}

// TestTwoDevices has one of a user's two devices come and go before the call:
// the other one gets it.
func TestTwoDevices(t *testing.T) {
	for _, way := range []string{"presence", "reg", "register"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, envOptions{presence: way, configAS: func(c *as.Config) { c.Push.Delay = 300 * time.Millisecond }})
			e.leave(alice, bob, "to the other")
			box := newInbox()
			e.register(softphone.Config{User: bob}, box)
			second := e.register(softphone.Config{User: bob}, nil)
			if err := second.Unregister(e.ctx); err != nil {
				t.Fatal(err)
			}
			box.want(t, alice+" to the other")
			e.wantKept(0)
		})
	}
}

// TestLeftWhileBack has a recipient come back while a sender has begun a session
// and left nothing yet: what is left then arrives at once, and no call is made
// for nothing.
func TestLeftWhileBack(t *testing.T) {
	e := newEnv(t, envOptions{})
	chat := e.call(alice, bob)
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	e.eventually("the application server knows that bob is back", func() bool {
		open := e.metric(e.cluster.AS, `mscp_as_presence_notifications_total{state="open"}`)
		return open != "" && open != "0"
	})
	var want []string
	for _, text := range []string{"one", "two", "three"} {
		began := time.Now()
		if err := send(e.ctx, chat, plain, text); err != nil {
			t.Fatal(err)
		}
		want = append(want, alice+" "+text)
		box.want(t, want...)
		t.Logf("%s: %v from the sender's first byte to the recipient, by way of the disk and a call", text, time.Since(began))
		e.wantKept(0)
		e.eventually("its push is over", func() bool {
			return e.metric(e.cluster.AS, `mscp_as_pushes_total{outcome="delivered"}`) == strconv.Itoa(len(want))
		})
	}
	if err := chat.Close(e.ctx); err != nil {
		t.Error(err)
	}
	e.eventually("nobody is left to be called", func() bool { return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" })
	if n := e.metric(e.cluster.AS, `mscp_as_pushes_total{outcome="delivered"}`); n != "3" {
		t.Errorf("%s pushes for 3 messages", n)
	}
}
