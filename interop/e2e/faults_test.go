//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/sipua"
)

func softphoneOf(user string) softphone.Config { return softphone.Config{User: user} }

// A victim is what a fault befalls. lose takes it away, back brings it back.
type victim struct {
	name       string
	kamailio   bool
	lose, back func(e *env)
}

// victims are those that are killed with SIGKILL, and started again at once.
var victims = []victim{
	{name: "AS", lose: func(e *env) { e.cluster.AS.Kill() }, back: func(e *env) { e.start(e.cluster.AS) }},
	{name: "MS", lose: func(e *env) { e.cluster.MS[0].Kill() }, back: func(e *env) { e.start(e.cluster.MS[0]) }},
	{name: "Kamailio", kamailio: true, lose: func(e *env) { e.foreign.Kill() }, back: func(e *env) { e.startKamailio(e.proxy, e.cluster.AS.SIP) }},
}

// frozen is a media server that is stopped for a while, and told to go on.
var frozen = victim{
	name: "frozen MS",
	lose: func(e *env) { e.freeze() },
	back: func(e *env) { time.Sleep(freezeTime); e.cluster.MS[0].Thaw() },
}

// freezeTime is how long it is stopped, which is longer than an INVITE to it may take.
const freezeTime = 2 * time.Second

// freeze stops the media server, and waits until it stands still.
func (e *env) freeze() {
	p := e.cluster.MS[0]
	p.Freeze()
	e.eventually("the media server stands still", func() bool {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
		_, rest, _ := strings.Cut(string(stat), ") ")
		return strings.HasPrefix(rest, "T")
	})
}

// faulty is an environment in which what a dead peer leaves behind is found soon.
func faulty(t *testing.T, kamailio bool, more func(*as.Config)) *env {
	e := newEnv(t, envOptions{kamailio: kamailio, configAS: func(c *as.Config) {
		c.Store.InviteTimeout = time.Second
		if more != nil {
			more(c)
		}
	}, configMS: func(_ int, c *ms.Config) {
		c.Orphan = 2 * time.Second
		c.Push.ConnectTimeout, c.Push.ConfirmTimeout = 2*time.Second, 5*time.Second
	}})
	return e
}

// TestFaultInStore has something go wrong in the middle of a store session. What was
// confirmed before or is confirmed after is delivered, and nothing stays behind.
func TestFaultInStore(t *testing.T) {
	for _, v := range append(victims, frozen) {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			e := faulty(t, v.kamailio, nil)
			before := e.warm()
			phone := e.phone(softphoneOf(alice))
			chat, err := phone.Call(e.ctx, bob)
			if err != nil {
				t.Fatal(err)
			}
			if err := send(e.ctx, chat, plain, "one"); err != nil {
				t.Fatal(err)
			}
			confirmed := []string{alice + " one"}
			var sending sync.WaitGroup
			sending.Go(func() {
				ctx, cancel := context.WithTimeout(e.ctx, 5*time.Second)
				defer cancel()
				if send(ctx, chat, plain, "two") == nil {
					confirmed = append(confirmed, alice+" two")
				}
			})
			v.lose(e)
			v.back(e)
			sending.Wait()
			ctx, cancel := context.WithTimeout(e.ctx, 2*time.Second)
			defer cancel()
			_ = chat.Close(ctx) // the dialog may be gone
			phone.Close()
			e.awaitChannels()
			e.leave(carol, bob, "three") // it works on
			e.collectAfterFault(before, append(confirmed, carol+" three"))
		})
	}
}

// start starts a process that was killed, and waits until it can serve.
func (e *env) start(p *cluster.Process) {
	e.t.Helper()
	if err := p.Start(); err != nil {
		e.t.Fatal(err)
	}
	if err := p.WaitReady(e.ctx); err != nil {
		e.t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code int) {
	t.Helper()
	var status *sipua.StatusError
	if !errors.As(err, &status) || status.Code != code {
		t.Errorf("the call ended with %v, want %d", err, code)
	}
}

// collectAfterFault registers bob, who is to get all that was confirmed, and waits
// until nothing of it is left in the servers.
func (e *env) collectAfterFault(before map[string]residue, confirmed []string) {
	e.t.Helper()
	box := newInbox()
	phone := e.register(softphoneOf(bob), box)
	// Of several senders, whose mail comes in the order of its oldest message.
	box.wantAll(e.t, confirmed...)
	e.atRest()
	if err := phone.Unregister(e.ctx); err != nil {
		e.t.Error(err)
	}
	phone.Close()
	e.wantNoMoreThan(before)
}

// TestFaultInPush has something go wrong between two messages of a push: the user
// agent has the first and is about to confirm the second.
func TestFaultInPush(t *testing.T) {
	for _, v := range append(victims, frozen) {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			e := faulty(t, v.kamailio, nil)
			before := e.warm()
			e.leave(alice, bob, "one", "two", "three")
			e.wantKept(3)
			box := newInbox()
			second, goOn := make(chan struct{}), make(chan struct{})
			var once sync.Once
			phone := e.register(softphone.Config{User: bob, OnMessage: func(ctx context.Context, m *softphone.Message) error {
				err := box.take(ctx, m)
				if len(box.texts()) == 2 {
					once.Do(func() { close(second) })
					select {
					case <-goOn:
					case <-ctx.Done():
					}
				}
				return err
			}}, nil)
			select {
			case <-second:
			case <-e.ctx.Done():
				t.Fatal("the push has not begun")
			}
			v.lose(e)
			v.back(e)
			close(goOn)
			e.awaitChannels()
			if v.kamailio { // it has forgotten who is registered
				if err := phone.Register(e.ctx, time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			box.wantAll(t, alice+" one", alice+" two", alice+" three")
			e.atRest()
			if err := phone.Unregister(e.ctx); err != nil {
				t.Error(err)
			}
			phone.Close()
			e.wantNoMoreThan(before)
		})
	}
}

func (b *inbox) texts() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.got...)
}

// TestFrozenInSetUp calls while the only media server is stopped: the caller gets
// 503, and a call after it has gone on works.
func TestFrozenInSetUp(t *testing.T) {
	t.Parallel()
	e := faulty(t, false, nil)
	before := e.warm()
	e.freeze()
	phone := e.phone(softphoneOf(alice))
	_, err := phone.Call(e.ctx, bob)
	wantCode(t, err, http.StatusServiceUnavailable)
	phone.Close()
	e.cluster.MS[0].Thaw()
	e.leave(alice, bob, "one")
	e.collectAfterFault(before, []string{alice + " one"})
}

// TestFrozenAtTheEnd ends a call while its media server is stopped, for longer than
// the application server waits: its count is right at once, and the media server's
// as soon as that goes on.
func TestFrozenAtTheEnd(t *testing.T) {
	t.Parallel()
	e := faulty(t, false, nil)
	before := e.warm()
	chat := e.call(alice, bob)
	if err := send(e.ctx, chat, plain, "one"); err != nil {
		t.Fatal(err)
	}
	e.freeze()
	if err := chat.Dialog().Bye(e.ctx); err != nil {
		t.Error(err)
	}
	e.eventually("the application server counts no session", func() bool {
		return e.metric(e.cluster.AS, `mscp_as_store_sessions{ms="ms1"}`) == "0"
	})
	e.cluster.MS[0].Thaw()
	_ = chat.Close(e.ctx)
	e.collectAfterFault(before, []string{alice + " one"})
}

// inNamespace runs a test in a network namespace of its own, where the servers have
// addresses that can be taken away. It returns false to the caller outside.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if !testutil.InNamespace(t) {
		return false
	}
	for _, args := range [][]string{{"link", "set", "lo", "up"}, {"addr", "add", asHost + "/32", "dev", "lo"}, {"addr", "add", msHost + "/32", "dev", "lo"}} {
		if out, err := ip(args...); err != nil {
			t.Skipf("ip %v: %v: %s", args, err, out)
		}
	}
	return true
}

func ip(args ...string) ([]byte, error) { return exec.Command("ip", args...).CombinedOutput() }

const asHost, msHost = "10.9.0.1", "10.9.0.2"

// TestNetworkCut takes the network between the application server and the media
// server away for a while, in a store session and in a push.
func TestNetworkCut(t *testing.T) {
	t.Parallel()
	if !inNamespace(t) {
		return
	}
	e := newEnv(t, envOptions{keepAlone: true, configAS: func(c *as.Config) {
		c.SIP.Listen = asHost + c.SIP.Listen[len("127.0.0.1"):]
		c.Store.InviteTimeout = time.Second
		c.MediaServers[0].URI = "sip:ms@" + msHost + ":15090;transport=tcp"
		c.Access.Peers = append(c.Access.Peers, asHost, msHost)
		c.Control.RetryMax = time.Second
	}, configMS: func(_ int, c *ms.Config) {
		c.SIP.Listen, c.Control.Host = msHost+":15090", msHost  // MSRP stays where users are
		c.Access.Peers = append(c.Access.Peers, asHost, msHost) // between addresses of one machine, either is the source
		c.Orphan = 2 * time.Second
		c.Push.ConnectTimeout, c.Push.ConfirmTimeout = 2*time.Second, 5*time.Second
	}})
	addr := e.proxy
	e.server.Close()
	e.startServer(addr, e.cluster.AS.SIP) // which has another address here
	if err := e.cluster.Start(e.ctx); err != nil {
		t.Fatal(err)
	}
	e.awaitChannels()
	before := e.warm()

	chat := e.call(alice, bob)
	if err := send(e.ctx, chat, plain, "one"); err != nil {
		t.Fatal(err)
	}
	e.cut(true)
	if err := send(e.ctx, chat, plain, "two"); err != nil { // straight to the media server
		t.Errorf("while cut: %v", err)
	}
	if err := chat.Close(e.ctx); err != nil {
		t.Error(err)
	}
	e.eventually("the application server counts no session", func() bool {
		return e.metric(e.cluster.AS, `mscp_as_store_sessions{ms="ms1"}`) == "0"
	})
	_, err := e.phone(softphoneOf(carol)).Call(e.ctx, bob)
	wantCode(t, err, http.StatusServiceUnavailable)
	e.cut(false)
	e.awaitChannels()
	e.eventually("a call goes through", func() bool {
		ctx, cancel := context.WithTimeout(e.ctx, 5*time.Second)
		defer cancel()
		again, err := e.phone(softphoneOf(carol)).Call(ctx, bob)
		if err != nil {
			return false
		}
		defer again.Close(e.ctx)
		return send(e.ctx, again, plain, "three") == nil
	})

	box := newInbox()
	first := make(chan struct{})
	var once sync.Once
	phone := e.register(softphone.Config{User: bob, OnMessage: func(ctx context.Context, m *softphone.Message) error {
		err := box.take(ctx, m)
		once.Do(func() {
			e.cut(true)
			close(first)
		})
		return err
	}}, nil)
	select {
	case <-first:
	case <-e.ctx.Done():
		t.Fatal("no push")
	}
	time.Sleep(freezeTime)
	e.cut(false)
	box.wantAll(t, alice+" one", alice+" two", carol+" three")
	e.atRest()
	if err := phone.Unregister(e.ctx); err != nil {
		t.Error(err)
	}
	phone.Close()
	e.wantNoMoreThan(before)
}

// cut takes the media server's address away, without a word to anybody, or gives it
// back.
func (e *env) cut(on bool) {
	op := "add"
	if on {
		op = "del"
	}
	if out, err := ip("addr", op, msHost+"/32", "dev", "lo"); err != nil {
		e.t.Errorf("ip addr %s: %v: %s", op, err, out)
	}
}
