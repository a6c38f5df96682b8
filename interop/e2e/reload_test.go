package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/ms"
)

// logged waits until a process has logged a line with all of these.
func (e *env) logged(p *cluster.Process, parts ...string) {
	e.t.Helper()
	e.eventually(p.Name+" logs "+strings.Join(parts, " "), func() bool {
	lines:
		for line := range strings.Lines(p.LogTail(200)) {
			for _, part := range parts {
				if !strings.Contains(line, part) {
					continue lines
				}
			}
			return true
		}
		return false
	})
}

// TestReload changes the configurations of real processes, with SIGHUP: what can
// change does, what cannot is named, and what is wrong is refused as a whole.
func TestReload(t *testing.T) {
	e := newEnv(t, envOptions{weights: []int{1, 1}})
	server, media := e.cluster.AS, e.cluster.MS[0]
	pid := server.Pid()
	e.leave(alice, bob, "before")

	cfg, err := as.LoadConfig(server.Config())
	if err != nil {
		t.Fatal(err)
	}
	good := cfg
	cfg.MediaServers = cfg.MediaServers[:1]
	cfg.Limits.CallerRate, cfg.Limits.CallerBurst = 0.001, 1
	cfg.SIP.User = "other"
	if err := server.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	e.logged(server, "configuration reloaded", "limits.caller_rate", "media_servers")
	e.logged(server, "restart only", "key=sip.user")
	e.eventually("one media server is left", func() bool {
		page, _ := server.Get(e.ctx, "/media_servers")
		return strings.Count(page, `"name"`) == 1
	})
	e.leave(alice, bob, "within the rate")
	if _, err := e.phone(softphone.Config{User: alice}).Call(e.ctx, bob); err == nil || !strings.Contains(err.Error(), "480") {
		t.Errorf("beyond the rate: %v", err)
	}

	broken := good
	broken.Push.Ring = 0
	if err := server.Reconfigure(broken); err != nil {
		t.Fatal(err)
	}
	e.logged(server, "configuration refused", "push.ring")
	if _, err := e.phone(softphone.Config{User: alice}).Call(e.ctx, bob); err == nil || !strings.Contains(err.Error(), "480") {
		t.Errorf("the rate is gone with a refused configuration: %v", err)
	}
	if err := server.Reconfigure(good); err != nil {
		t.Fatal(err)
	}
	e.awaitChannels()
	e.leave(alice, bob, "after")

	limited, err := ms.LoadConfig(media.Config())
	if err != nil {
		t.Fatal(err)
	}
	limited.Limits.TotalBytes, limited.Store = 1, "elsewhere"
	if err := media.Reconfigure(limited); err != nil {
		t.Fatal(err)
	}
	e.logged(media, "restart only", "key=store")
	if _, err := os.Stat("elsewhere"); err == nil {
		t.Error("the new store was made")
	}
	if server.Pid() != pid {
		t.Error("the application server has been restarted")
	}
	e.wantKept(3)
	b := newInbox()
	e.register(softphone.Config{User: bob}, b)
	b.wantAny(t, alice+" before", alice+" within the rate", alice+" after")
}
