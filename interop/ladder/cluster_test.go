package ladder

import (
	"context"
	"flag"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/interop/sipserver"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

var keep = flag.String("keep", "", "keep the traces of the real cluster in this folder")

// tracePhone opens a phone that writes a trace file.
func tracePhone(t *testing.T, dir, name, proxy string, onMessage func(context.Context, *softphone.Message) error) *softphone.Phone {
	t.Helper()
	w := openTrace(t, dir, name)
	p, err := softphone.New(softphone.Config{
		User: "sip:" + name + "@example.com", Password: "secret", Proxy: proxy, OnMessage: onMessage,
		TraceSIP: func(e sipua.TraceEvent) { recordSIP(w, e) },
		TraceMSRP: func(e msrp.TraceEvent) {
			w.Record(daemon.TraceRecord{
				Time: e.Time, Protocol: "MSRP", Direction: daemon.Direction(e.Sent),
				Local: e.Local.String(), Peer: e.Remote.String(), Raw: string(e.Raw), Size: e.Size,
			})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func openTrace(t *testing.T, dir, name string) *daemon.TraceWriter {
	t.Helper()
	w, err := daemon.OpenTrace(filepath.Join(dir, name+".trace"), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func recordSIP(w *daemon.TraceWriter, e sipua.TraceEvent) {
	w.Record(daemon.TraceRecord{
		Time: e.Time, Protocol: "SIP", Direction: daemon.Direction(e.Sent),
		Local: e.Local, Peer: e.Remote, Raw: string(e.Raw), Size: len(e.Raw),
	})
}

// runCluster leaves a message for bob, who then registers, in a cluster of
// processes that trace, and returns the trace files.
func runCluster(t *testing.T, body string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the servers")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := *keep
	if dir == "" {
		dir = t.TempDir()
	}
	bin, err := cluster.Build(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	asAddr, err := cluster.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	proxyTrace := openTrace(t, dir, "proxy")
	proxy, err := sipserver.New(sipserver.Config{
		Addr: "127.0.0.1:0", Domain: "example.com", AppServer: asAddr,
		Users: map[string]string{"alice": "secret", "bob": "secret"},
		Trace: func(e sipserver.TraceEvent) { recordSIP(proxyTrace, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	c, err := cluster.New(cluster.Options{
		Binaries: bin, Dir: t.TempDir(), ASAddr: asAddr, Proxy: proxy.Addr(), Weights: []int{1, 1},
		ConfigAS: func(c *as.Config) { c.Trace = filepath.Join(dir, "as.trace") },
		ConfigMS: func(i int, c *ms.Config) { c.Trace = filepath.Join(dir, c.Name+".trace") },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	got := make(chan int, 4)
	a := tracePhone(t, dir, "alice", proxy.Addr(), nil)
	b := tracePhone(t, dir, "bob", proxy.Addr(), func(_ context.Context, m *softphone.Message) error {
		n, err := io.Copy(io.Discard, m)
		got <- int(n)
		return err
	})
	leave(ctx, t, a, body)
	if err := b.Register(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	select {
	case n := <-got:
		if n != len(body) {
			t.Fatalf("%d of %d bytes came", n, len(body))
		}
	case <-ctx.Done():
		t.Fatal("bob got nothing")
	}
	b.WaitIdle(ctx)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.trace"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func leave(ctx context.Context, t *testing.T, a *softphone.Phone, body string) {
	t.Helper()
	chat, err := a.Call(ctx, "sip:bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := chat.Send(ctx, msrp.Message{
		ContentType: "text/plain", Body: strings.NewReader(body), Size: int64(len(body)), SuccessReport: true,
	})
	if err == nil {
		err = receipt.Wait(ctx)
	}
	if err == nil {
		err = chat.Close(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCluster draws the traces of real processes: each of the paper's flows is
// there, once, and every end is known.
func TestCluster(t *testing.T) {
	files := runCluster(t, strings.Repeat("Hello Bob. ", 100_000))
	whole, err := Read(t.Context(), files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := whole.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	lanes := slices.Sorted(slices.Values(whole.Lanes))
	if want := []string{"alice", "as", "bob", "ms1", "ms2", "proxy"}; !slices.Equal(lanes, want) {
		t.Errorf("the lanes are %v, not %v", lanes, want)
	}
	if len(whole.Notes)+len(whole.Clocks) > 0 {
		t.Errorf("%v %v", whole.Notes, whole.Clocks)
	}
	count := map[string]int{}
	for _, r := range whole.Rows {
		count[r.Label]++
		if r.Label == "NOTIFY open" {
			continue // the last of them reaches a server that has ended
		}
		if !strings.Contains(r.Label, "chunks") && !(strings.Contains(r.Tip, "sent by") && strings.Contains(r.Tip, "received by")) {
			t.Errorf("%s has one end only:\n%s", r.Label, r.Tip)
		}
	}
	for _, once := range []string{"REQ RestoreMsg", "200 MsgRestored", "REQ SendMsg", "200 MsgSended"} {
		if count[once] != 1 {
			t.Errorf("%s is there %d times", once, count[once])
		}
	}
	if count["INVITE [MSCP SDP]"] != 2 {
		t.Errorf("there are %d control dialogs, not 2", count["INVITE [MSCP SDP]"])
	}
	for label := range count {
		if strings.HasSuffix(label, " chunks …") {
			return
		}
	}
	t.Error("the chunks in the middle of the long message are not drawn as one")
}
