package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/msrp"
)

// TestFullDisk fills the media server's disk, which is a small one of its own,
// and kills the server then. Everything confirmed arrives, nothing that was
// refused does, and there is room again.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("gomscp-test", disk, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("a small disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	e := newEnv(t, envOptions{configMS: func(_ int, c *ms.Config) {
		c.Store, c.Limits.MinFree = filepath.Join(disk, "ms.db"), 0
	}})
	confirmed, refused := e.fillDisk()
	if confirmed < 10 || refused < 10 {
		t.Fatalf("%d messages confirmed, %d refused: that shows nothing", confirmed, refused)
	}
	t.Logf("%d messages confirmed, %d refused", confirmed, refused)
	e.restart(e.cluster.MS[0])
	e.awaitChannels()

	box := newInbox()
	phone := e.register(softphone.Config{User: bob, OnMessage: func(ctx context.Context, m *softphone.Message) error {
		if m.Size < 100 {
			return box.take(ctx, m)
		}
		n, err := io.Copy(io.Discard, m)
		if err == nil && n != diskMessage {
			t.Errorf("a message has %d bytes", n)
		}
		return err
	}}, nil)
	e.eventually("the disk is empty enough", func() bool { return e.kept() == 0 })
	if got := e.metric(e.cluster.MS[0], "mscp_mediaserver_messages_delivered_total"); got != fmt.Sprint(confirmed) {
		t.Errorf("%s messages were delivered, want %d", got, confirmed)
	}
	if err := phone.Unregister(e.ctx); err != nil {
		t.Fatal(err)
	}
	e.leave(alice, bob, "there is room again")
	if err := phone.Register(e.ctx, patience); err != nil {
		t.Fatal(err)
	}
	box.want(t, alice+" there is room again")
	e.wantKept(0)
}

// diskMessage is the size of the messages that fill the disk, in bytes.
const diskMessage = 100_000

// fillDisk leaves messages until several were refused, one by one or by a call
// that is not taken.
func (e *env) fillDisk() (confirmed, refused int) {
	e.t.Helper()
	phone := e.phone(softphone.Config{User: alice})
	for refused < 20 && e.ctx.Err() == nil {
		chat, err := phone.Call(e.ctx, bob)
		if err != nil {
			refused++
			continue
		}
		for refused < 20 {
			err := send(e.ctx, chat, msrp.Message{}, strings.Repeat("x", diskMessage))
			var status *msrp.StatusError
			if errors.As(err, &status) {
				refused++
				continue
			}
			if err != nil {
				break
			}
			confirmed++
		}
		_ = chat.Close(e.ctx)
	}
	return confirmed, refused
}
