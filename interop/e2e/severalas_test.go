package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/interop/internal/testenv"
)

// another starts a further application server over the same media servers.
func (e *env) another(name, addr string, config func(*as.Config)) *cluster.Process {
	e.t.Helper()
	o := e.options
	o.ASAddr = addr
	usual := o.ConfigAS
	o.ConfigAS = func(c *as.Config) {
		usual(c)
		if config != nil {
			config(c)
		}
	}
	p, err := e.cluster.AddAS(o, name)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(p.Kill)
	e.t.Cleanup(func() {
		if e.t.Failed() {
			e.t.Logf("--- %s\n%s", p.Name, p.LogTail(40))
		}
	})
	if err := p.Start(); err != nil {
		e.t.Fatal(err)
	}
	if err := p.WaitReady(e.ctx); err != nil {
		e.t.Fatal(err)
	}
	return p
}

// TestStandby has a second application server take over from one that was
// killed: at its address with its directory file, or with nothing but what the
// media servers tell; or from an address of its own, where it has been running
// all the time and is told to ask.
func TestStandby(t *testing.T) {
	for _, way := range []string{"file", "inventory", "running"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			var directory string
			second := testenv.FreeAddr(t)
			e := newEnv(t, envOptions{moreAS: []string{second}, configAS: func(c *as.Config) {
				if c.Name == "as" {
					directory = c.Directory
				}
			}})
			never := func(c *as.Config) { c.Inventory = "never" }
			var standby *cluster.Process
			if way == "running" {
				standby = e.another("standby", second, never)
			}
			e.leave(alice, bob, "one", "two")
			e.wantKept(2)
			e.cluster.AS.Kill()
			switch way {
			case "file":
				standby = e.another("standby", e.cluster.AS.SIP, func(c *as.Config) {
					never(c)
					c.Directory = directory
				})
			case "inventory":
				standby = e.another("standby", e.cluster.AS.SIP, nil)
			case "running":
				e.post(standby, "/inventory")
			}
			e.eventually("the standby knows the recipient", func() bool { return e.metric(standby, "mscp_as_recipients") == "1" })
			box := newInbox()
			e.register(softphone.Config{User: bob}, box)
			box.want(t, alice+" one", alice+" two")
			e.wantKept(0)
			e.eventually("it has no recipient left", func() bool { return e.metric(standby, "mscp_as_recipients") == "0" })
		})
	}
}

func (e *env) post(p *cluster.Process, path string) {
	e.t.Helper()
	resp, err := http.Post("http://"+p.Admin+path, "", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
		e.t.Fatalf("%s: %s %s", path, resp.Status, body)
	}
}

// TestTwoActive has two application servers share the media servers. Each
// pushes what came by it, or, if both ask for inventories, each pushes all:
// every message arrives once all the same.
func TestTwoActive(t *testing.T) {
	for _, inventory := range []string{"once", "always"} {
		t.Run(inventory, func(t *testing.T) {
			t.Parallel()
			second := testenv.FreeAddr(t)
			e := newEnv(t, envOptions{weights: []int{1, 1}, moreAS: []string{second}, configAS: func(c *as.Config) { c.Inventory = inventory }})
			other := e.another("other", second, nil)
			e.eventually("both have taken the inventories", func() bool {
				name := `mscp_as_inventories_total{outcome="complete"}`
				return e.metric(e.cluster.AS, name) == "2" && e.metric(other, name) == "2"
			})
			through := func(p *cluster.Process, from, to string) *softphone.Chat {
				t.Helper()
				phone, err := softphone.New(softphone.Config{User: from, Proxy: p.SIP, Password: "-"})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { phone.Close() })
				chat, err := phone.Call(e.ctx, to)
				if err != nil {
					t.Fatal(err)
				}
				return chat
			}
			var want []string
			var chats []*softphone.Chat
			for i, p := range []*cluster.Process{e.cluster.AS, other} {
				for k := range 3 {
					from := fmt.Sprintf("sip:s%d%d@%s", i, k, domain)
					chat := through(p, from, bob)
					if err := send(e.ctx, chat, plain, "hello"); err != nil {
						t.Fatal(err)
					}
					want, chats = append(want, from+" hello"), append(chats, chat)
				}
			}
			// Each balances its own: three sessions of each are 2 and 1, with the
			// lowest index first, so that 4 and 2 it is in sum.
			t.Logf("live sessions: ms1 %s, ms2 %s", e.metric(e.cluster.MS[0], "mscp_mediaserver_store_sessions"), e.metric(e.cluster.MS[1], "mscp_mediaserver_store_sessions"))
			for _, chat := range chats {
				if err := chat.Close(e.ctx); err != nil {
					t.Error(err)
				}
			}
			e.wantKept(6)
			if inventory == "always" { // both come to know all
				e.post(e.cluster.AS, "/inventory")
				e.post(other, "/inventory")
				e.eventually("both have taken the inventories again", func() bool {
					name := `mscp_as_inventories_total{outcome="complete"}`
					return e.metric(e.cluster.AS, name) == "4" && e.metric(other, name) == "4"
				})
			}
			box := newInbox()
			e.register(softphone.Config{User: bob}, box)
			box.wantAny(t, want...)
			e.wantKept(0)
			e.eventually("nobody is left to be called", func() bool {
				return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" && e.metric(other, "mscp_as_recipients") == "0"
			})
			box.wantAny(t, want...)
			calls := 0
			for _, p := range []*cluster.Process{e.cluster.AS, other} {
				page, _ := p.Get(e.ctx, "/metrics")
				for line := range strings.Lines(page) {
					if strings.HasPrefix(line, "mscp_as_pushes_total{") {
						n := 0
						_, _ = fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n)
						calls += n
						t.Logf("%s: %s", p.Name, strings.TrimSpace(line))
					}
				}
			}
			t.Logf("%d pushes for %d messages of as many senders", calls, len(want))
			if inventory == "once" && calls != len(want) {
				t.Errorf("%d pushes for %d senders", calls, len(want))
			}
		})
	}
}
