package e2e

import (
	"testing"

	"github.com/gomscp/gomscp/interop/internal/sipp"
	"github.com/gomscp/gomscp/interop/internal/softphone"
)

// TestForeignCaller has sipp make 50 calls through Kamailio: every session
// begins and ends, and nothing that was counted stays counted.
func TestForeignCaller(t *testing.T) {
	t.Parallel()
	if err := sipp.Available(); err != nil {
		missing(t, err)
	}
	overProxies(t, func(t *testing.T, kamailio bool) {
		e := newEnv(t, envOptions{weights: []int{1, 2}, kamailio: kamailio})
		err := sipp.Call(e.ctx, sipp.Options{
			Target: e.proxy, Domain: domain, From: "dave", To: "bob", Calls: 50, Rate: 25, Dir: t.TempDir(),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range e.cluster.MS {
			e.eventually("no session is left", func() bool {
				return e.metric(p, "mscp_mediaserver_store_sessions") == "0" && e.metric(e.cluster.AS, `mscp_as_store_sessions{ms="`+p.Name+`"}`) == "0"
			})
		}
		if got := e.metric(e.cluster.AS, `mscp_as_calls_total{code="200"}`); got != "50" {
			t.Errorf("the application server took %s calls, want 50", got)
		}
		// It works on, for callers that do send.
		e.leave(alice, bob, "after sipp")
		box := newInbox()
		e.register(softphone.Config{User: bob}, box)
		box.want(t, alice+" after sipp")
	})
}
