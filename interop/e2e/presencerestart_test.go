package e2e

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/kamailio"
	"github.com/gomscp/gomscp/sipua"
)

// TestPresenceServerRestarts kills a Kamailio, which keeps its subscriptions in memory,
// while a thousand recipients wait whose refreshes are not due for minutes, and starts
// it again: all who register then are called.
func TestPresenceServerRestarts(t *testing.T) {
	const count = 1000
	directory := filepath.Join(t.TempDir(), "as.db")
	e := newEnv(t, envOptions{kamailio: true, keepAlone: true, configAS: func(c *as.Config) {
		c.Directory, c.Inventory = directory, "never"
		c.Presence.Server, c.Presence.Expires = c.OutboundProxy+";transport=tcp", 10*time.Minute
		c.Push.RetryMin, c.Push.RetryMax = time.Minute, 5*time.Minute // one call for each
	}})
	fillDirectory(t, directory, count)
	if err := e.cluster.Start(e.ctx); err != nil {
		t.Fatal(err)
	}
	e.awaitChannels()
	e.eventually("all are subscribed to", func() bool {
		n, _ := strconv.Atoi(e.metric(e.cluster.AS, `mscp_as_presence_notifications_total{state="closed"}`))
		return n >= count
	})
	e.foreign.Kill()
	k, err := kamailio.Start(e.ctx, kamailio.Options{ // whose users have no passwords
		Addr: e.proxy, Domain: domain, AppServer: e.cluster.AS.SIP, Dir: t.TempDir(), Log: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Stop)

	called := make(chan string, 2*count)
	phone, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "everybody"}, sipua.Handlers{Invite: func(in *sipua.IncomingCall) {
		called <- in.To
		_ = in.Reject(486, "")
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	began := time.Now()
	registerAll(e, phone, count)
	registered := time.Since(began)
	seen := map[string]bool{}
	for deadline := time.After(2 * patience); len(seen) < count; {
		select {
		case to := <-called:
			seen[to] = true
		case <-deadline:
			t.Fatalf("%d of %d recipients were called", len(seen), count)
		}
	}
	t.Logf("%d recipients were called %v after the presence server was back; they were registered within %v", count, time.Since(began), registered)
}

// fillDirectory has messages from alice wait for as many recipients.
func fillDirectory(t *testing.T, path string, count int) {
	t.Helper()
	dir, err := as.OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []as.Pair
	for i := range count {
		pairs = append(pairs, as.Pair{Recipient: fmt.Sprintf("sip:u%d@%s", i, domain), Sender: alice, Server: "ms1", Since: time.Now()})
	}
	if _, err := dir.AddAll(pairs); err != nil {
		t.Fatal(err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
}

// registerAll registers the recipients, all with one device.
func registerAll(e *env, phone *sipua.UA, count int) {
	e.t.Helper()
	var wg sync.WaitGroup
	users := make(chan int)
	for range 20 {
		wg.Go(func() {
			for i := range users {
				aor := fmt.Sprintf("sip:u%d@%s", i, domain)
				if _, err := phone.Register(e.ctx, sipua.RegisterRequest{Registrar: "sip:" + domain, AOR: aor, Expires: 10 * time.Minute, Destination: e.proxy}); err != nil {
					e.t.Errorf("%s: %v", aor, err)
				}
			}
		})
	}
	for i := range count {
		users <- i
	}
	close(users)
	wg.Wait()
}
