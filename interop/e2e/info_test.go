package e2e

import (
	"strings"
	"testing"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/internal/softphone"
)

// TestOverInfo stores and pushes with MSCP in SIP INFO, over TCP and UDP. The media
// server is killed in between: the channel comes back.
func TestOverInfo(t *testing.T) {
	t.Parallel()
	for _, over := range []string{";transport=tcp", ""} {
		t.Run("SIP"+over, func(t *testing.T) {
			e := newEnv(t, envOptions{configAS: func(c *as.Config) {
				c.Control.Transport = "info"
				uri, _, _ := strings.Cut(c.MediaServers[0].URI, ";")
				c.MediaServers[0].URI = uri + over
			}})
			e.leave(alice, bob, "one", "two")
			e.wantKept(2)
			if log := e.cluster.MS[0].LogTail(100); !strings.Contains(log, "control channel over INFO is up") {
				t.Errorf("the media server's log:\n%s", log)
			}
			e.restart(e.cluster.MS[0])
			e.eventually("the application server has noticed", func() bool {
				return strings.Contains(e.cluster.AS.LogTail(100), "ended the control dialog")
			})
			e.awaitChannels()
			e.leave(carol, bob, "three")
			box := newInbox()
			e.register(softphone.Config{User: bob}, box)
			box.want(t, alice+" one", alice+" two", carol+" three")
			e.wantKept(0)
			e.eventually("the directory is empty", func() bool { return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" })
		})
	}
}
