package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/internal/softphone"
)

// TestDirectoryLost takes the application server's directory away between store
// and push: the media servers tell what they keep, over either way that carries
// MSCP, and a server that asks only once asks again.
func TestDirectoryLost(t *testing.T) {
	for name, config := range map[string]func(*as.Config){
		"TCP":  func(*as.Config) {},
		"INFO": func(c *as.Config) { c.Control.Transport = "info" },
		"once": func(c *as.Config) { c.Inventory = "once" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var directory string
			e := newEnv(t, envOptions{weights: []int{1, 1}, configAS: func(c *as.Config) {
				directory = c.Directory
				config(c)
			}})
			chat := e.call(carol, dave) // keeps ms1 busy, so that the next goes to ms2
			e.leave(alice, bob, "one", "two")
			if err := chat.Close(e.ctx); err != nil {
				t.Error(err)
			}
			e.leave(carol, bob, "three")
			e.wantKept(3)
			e.cluster.AS.Kill()
			if err := os.Remove(directory); err != nil {
				t.Fatal(err)
			}
			if err := e.cluster.AS.Start(); err != nil {
				t.Fatal(err)
			}
			if err := e.cluster.AS.WaitReady(e.ctx); err != nil {
				t.Fatal(err)
			}
			box := newInbox()
			e.register(softphone.Config{User: bob}, box)
			box.wantAny(t, alice+" one", alice+" two", carol+" three")
			e.wantKept(0)
			e.eventually("both inventories are taken", func() bool {
				return e.metric(e.cluster.AS, `mscp_as_inventories_total{outcome="complete"}`) == "2"
			})
		})
	}
}

// TestDirectoryTooFull gives the application server entries that no media server
// keeps anything for: they end without a call to anybody.
func TestDirectoryTooFull(t *testing.T) {
	var directory string
	e := newEnv(t, envOptions{configAS: func(c *as.Config) { directory = c.Directory }})
	e.leave(alice, bob, "one")
	e.wantKept(1)
	e.cluster.AS.Kill()
	d, err := as.OpenDirectory(directory)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Add(as.Pair{Recipient: dave, Sender: alice, Server: "ms1"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.cluster.AS.Start(); err != nil {
		t.Fatal(err)
	}
	e.eventually("the false entry ends", func() bool {
		return e.metric(e.cluster.AS, `mscp_as_directory_repairs_total{change="removed"}`) == "1"
	})
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	box.want(t, alice+" one")
	e.wantKept(0)
}

// operate runs a command of mscp-as against the running server.
func (e *env) operate(args ...string) string {
	e.t.Helper()
	args = append(args, "-admin", e.cluster.AS.Admin)
	out, err := exec.CommandContext(e.ctx, binaries.AS, args...).CombinedOutput()
	if err != nil {
		e.t.Fatalf("mscp-as %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestMediaServerRenamed renames a media server that keeps messages, and one that is lost,
// under the lowest limit of recipients. Inventories do not help.
func TestMediaServerRenamed(t *testing.T) {
	t.Parallel()
	e := newEnv(t, envOptions{weights: []int{1, 1}, configAS: func(c *as.Config) {
		c.Inventory, c.Store.MaxRecipients = "never", 2
	}})
	chat := e.call(carol, dave) // keeps ms1 busy, so that the next goes to ms2
	e.leave(alice, bob, "kept by the one that is renamed")
	if err := chat.Close(e.ctx); err != nil {
		t.Error(err)
	}
	e.wantKept(1)
	cfg, err := as.LoadConfig(e.cluster.AS.Config())
	if err != nil {
		t.Fatal(err)
	}
	cfg.MediaServers[1].Name = "new name"
	if err := e.cluster.AS.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	e.logged(e.cluster.AS, "not configured", "ms2 (1)")
	e.awaitChannels()
	if n := e.metric(e.cluster.AS, `mscp_as_unserved_entries{ms="ms2"}`); n != "1" {
		t.Errorf("unserved entries: %q, want 1", n)
	}
	if out := e.operate("directory", "list"); !strings.Contains(out, "not configured") {
		t.Errorf("directory list:\n%s", out)
	}
	// They take no place: two others may get messages.
	for _, to := range []string{carol, dave} {
		e.leave(alice, to, "for "+to)
	}
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	if out := e.operate("directory", "rename", "ms2", "new name"); out != "1 entries renamed\n" {
		t.Errorf("rename: %q", out)
	}
	box.want(t, alice+" kept by the one that is renamed")
	for _, user := range []string{carol, dave} {
		other := newInbox()
		e.register(softphone.Config{User: user}, other)
		other.want(t, alice+" for "+user)
	}
	e.wantKept(0)
}
