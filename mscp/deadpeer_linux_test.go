package mscp

import (
	"context"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestDeadPeer takes the network away under a channel, in a network namespace
// of its own, once while the channel is idle and once while a request is
// outstanding.
func TestDeadPeer(t *testing.T) {
	if !testutil.InNamespace(t) {
		return
	}
	setLoopback(t, true)
	const limit = 2 * time.Second
	hang := func(ctx context.Context, _ Element) (Element, error) { <-ctx.Done(); return nil, ctx.Err() }
	var ends []*Client
	for range 2 {
		a, m := testutil.TCPPair(t)
		c, s := NewClient(a, Config{DeadPeer: limit}), NewServer(m, hang, Config{DeadPeer: limit})
		defer c.Close()
		defer s.Close()
		ends = append(ends, c)
	}
	setLoopback(t, false)
	began := time.Now()
	go func() { _, _ = ends[1].Do(t.Context(), benchRequest) }()
	for i, c := range ends {
		select {
		case <-c.Done():
			if took := time.Since(began); took < limit/2 {
				t.Errorf("channel %d ended after %v: %v", i, took, c.Err())
			}
		case <-time.After(5 * limit):
			t.Errorf("channel %d has not ended", i)
		}
	}
}

// setLoopback sets the loopback interface up or down.
func setLoopback(t *testing.T, up bool) {
	t.Helper()
	if _, err := net.InterfaceByName("lo"); err != nil {
		t.Fatal(err)
	}
	state := "down"
	if up {
		state = "up"
	}
	if out, err := exec.Command("ip", "link", "set", "lo", state).CombinedOutput(); err != nil {
		t.Skipf("ip link: %v: %s", err, out)
	}
}
