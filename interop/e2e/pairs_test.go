package e2e

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/ms/operator"
	"github.com/gomscp/gomscp/store"
)

// TestStoreChangedByAnOperator purges, and imports, on a running media server: the
// application server forgets the recipient, and calls it again, without a restart.
func TestStoreChangedByAnOperator(t *testing.T) {
	e := newEnv(t, envOptions{configAS: func(c *as.Config) { c.InventoryInterval = 0 }})
	e.leave(alice, bob, "one", "two")
	e.leave(carol, bob, "three")
	e.wantKept(3)
	box := operator.Dial(e.cluster.MS[0].Admin)
	defer box.Close()
	var file bytes.Buffer
	if err := box.Export(e.ctx, &file, store.Filter{}); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Purge(e.ctx, store.Filter{}, nil); err != nil {
		t.Fatal(err)
	}
	e.eventually("the recipient is forgotten", func() bool { return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" })
	inbox := newInbox()
	e.register(softphone.Config{User: bob}, inbox)
	if _, err := box.Import(e.ctx, &file, nil); err != nil {
		t.Fatal(err)
	}
	inbox.wantAny(t, alice+" one", alice+" two", carol+" three")
	e.wantKept(0)
	e.eventually("the recipient is forgotten", func() bool { return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" })
}

// TestKilledWhileASenderGoesOn kills the application server, and takes its directory
// away, while a caller's session is open: what comes before and after is delivered to a
// recipient who is there all the time.
func TestKilledWhileASenderGoesOn(t *testing.T) {
	var directory string
	e := newEnv(t, envOptions{configAS: func(c *as.Config) { directory = c.Directory }})
	phone := e.phone(softphone.Config{User: alice})
	chat, err := phone.Call(e.ctx, bob)
	if err != nil {
		t.Fatal(err)
	}
	if err := send(e.ctx, chat, plain, "before"); err != nil {
		t.Fatal(err)
	}
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
	inbox := newInbox()
	e.register(softphone.Config{User: bob}, inbox)
	inbox.want(t, alice+" before")
	e.wantKept(0)
	if err := send(e.ctx, chat, plain, "after"); err != nil {
		t.Fatal(err)
	}
	inbox.want(t, alice+" before", alice+" after")
	e.wantKept(0)
}

// TestStoreReplaced gives a media server that is stopped an older copy of its store: what
// the copy has is delivered, without a restart of the application server.
func TestStoreReplaced(t *testing.T) {
	var path string
	e := newEnv(t, envOptions{
		configAS: func(c *as.Config) { c.InventoryInterval = time.Second },
		configMS: func(_ int, c *ms.Config) { path = c.Store },
	})
	e.leave(alice, bob, "one")
	e.wantKept(1)
	server := e.cluster.MS[0]
	box := operator.Dial(server.Admin)
	defer box.Close()
	var file bytes.Buffer
	if err := box.Backup(e.ctx, &file); err != nil {
		t.Fatal(err)
	}
	inbox := newInbox()
	e.register(softphone.Config{User: bob}, inbox)
	inbox.want(t, alice+" one")
	e.wantKept(0)
	e.eventually("the recipient is forgotten", func() bool { return e.metric(e.cluster.AS, "mscp_as_recipients") == "0" })
	server.Kill()
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	inbox.want(t, alice+" one", alice+" one") // again: nothing says that it was delivered
	e.wantKept(0)
}
