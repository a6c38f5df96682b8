package relay

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/msrp"
)

//go:embed kamailio.cfg
var configText string

const (
	realm, user, password = "example.com", "alice", "secret"

	startWait = 20 * time.Second
	stopWait  = 5 * time.Second
)

// moduleDir finds Kamailio and its msrp module.
func moduleDir() (string, error) {
	if _, err := exec.LookPath("kamailio"); err != nil {
		return "", errors.New("kamailio is not installed")
	}
	for _, pattern := range []string{"/usr/lib/*/kamailio/modules", "/usr/lib/kamailio/modules", "/usr/lib64/kamailio/modules"} {
		found, _ := filepath.Glob(filepath.Join(pattern, "msrp.so"))
		if len(found) > 0 {
			return filepath.Dir(found[0]), nil
		}
	}
	return "", errors.New("kamailio's msrp module is not installed")
}

// startRelay runs Kamailio until the test ends.
func startRelay(t *testing.T) msrp.URI {
	t.Helper()
	modules, err := moduleDir()
	if err != nil {
		if os.Getenv("GOMSCP_REQUIRE_PEERS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	addr, err := cluster.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	var config strings.Builder
	err = template.Must(template.New("").Parse(configText)).Execute(&config,
		map[string]string{"Addr": addr, "Modules": modules, "Realm": realm, "Password": password})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(path, []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &testutil.Buffer{}
	cmd := exec.Command("kamailio", "-DD", "-E", "-f", path, "-m", "256", "-Y", dir, "-P", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = stopWait
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its workers end with it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(stopWait):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-done
		}
		if t.Failed() {
			t.Log(log)
		}
	})
	awaitPort(t, addr, done)
	host, port, _ := net.SplitHostPort(addr)
	u, err := msrp.ParseURI("msrp://" + net.JoinHostPort(host, port) + ";tcp")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func awaitPort(t *testing.T, addr string, ended <-chan struct{}) {
	t.Helper()
	deadline := time.After(startWait)
	for {
		nc, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			nc.Close()
			return
		}
		select {
		case <-ended:
			t.Fatal("kamailio has ended")
		case <-deadline:
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// message is what arrived of one.
type message struct {
	id   string
	size int64
	sum  [sha256.Size]byte
}

// end is one client of the relay.
type end struct {
	relay   *msrp.Relay
	session *msrp.Session
	got     chan message
}

// open authorizes a client.
func open(ctx context.Context, t *testing.T, relay msrp.URI, port int, password string) (*end, error) {
	t.Helper()
	local := msrp.URI{Host: "127.0.0.1", Port: port, SessionID: fmt.Sprintf("session%d-%d", port, time.Now().UnixNano()), Transport: "tcp"}
	r, err := msrp.OpenRelay(ctx, msrp.Config{}, msrp.RelayConfig{Relay: relay, Local: local, Username: user, Password: password})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { r.Close() })
	return &end{relay: r, got: make(chan message, 1)}, nil
}

func (e *end) config(peer *end) msrp.SessionConfig {
	return msrp.SessionConfig{Remote: peer.relay.Path(), Handler: func(ctx context.Context, m *msrp.Incoming) error {
		h := sha256.New()
		n, err := io.Copy(h, m)
		if err != nil {
			return err
		}
		if _, err := m.InOrder(ctx); err != nil {
			return err
		}
		e.got <- message{m.MessageID, n, [sha256.Size]byte(h.Sum(nil))}
		return nil
	}}
}

// TestKamailioRelay sends messages both ways between two clients of a real
// relay, each with its success report.
func TestKamailioRelay(t *testing.T) {
	relay := startRelay(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var refused *msrp.StatusError
	if _, err := open(ctx, t, relay, 1, "wrong"); !errors.As(err, &refused) || refused.Code != msrp.StatusUnauthorized {
		t.Fatalf("a wrong password: %v", err)
	}
	a, err := open(ctx, t, relay, 2, password)
	if err != nil {
		t.Fatal(err)
	}
	b, err := open(ctx, t, relay, 3, password)
	if err != nil {
		t.Fatal(err)
	}
	if b.session, err = b.relay.Accept(b.config(a)); err != nil {
		t.Fatal(err)
	}
	if a.session, err = a.relay.Dial(ctx, a.config(b)); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{0, 1, 1 << 10, 2047, 2048, 2049, 1 << 20, 64 << 20} {
		if size > 1<<20 && testing.Short() {
			continue
		}
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			exchange(ctx, t, a, b, size)
			exchange(ctx, t, b, a, size)
		})
	}
	t.Run("both at once", func(t *testing.T) {
		var wg sync.WaitGroup
		wg.Add(2)
		go func() { defer wg.Done(); exchange(ctx, t, a, b, 1<<20+1) }()
		go func() { defer wg.Done(); exchange(ctx, t, b, a, 1<<20+2) }()
		wg.Wait()
	})
	t.Run("in order", func(t *testing.T) { inOrder(ctx, t, a, b, 1000) })
	t.Run("nobody there", func(t *testing.T) {
		gone := b.relay.Path()
		gone[0].SessionID += "x"
		s, err := a.relay.Accept(msrp.SessionConfig{Local: msrp.URI{Host: "127.0.0.1", Port: 2, SessionID: "other"}, Remote: gone})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		// The relay answers 200 for its own hop; what comes of the next is a
		// report, or silence.
		rctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		r, err := s.Send(rctx, msrp.Message{ContentType: "text/plain", Body: strings.NewReader("x"), Size: 1, SuccessReport: true})
		if err == nil {
			err = r.Wait(rctx)
		}
		if err == nil {
			t.Error("a message to nobody was confirmed")
		}
	})
}

// inOrder sends n short messages behind one another, as many unanswered as the
// session's window takes, and wants them to arrive in that order.
func inOrder(ctx context.Context, t *testing.T, from, to *end, n int) {
	t.Helper()
	var sends sync.WaitGroup
	go func() {
		for i := range n {
			queued := make(chan struct{})
			once := sync.OnceFunc(func() { close(queued) })
			sends.Go(func() {
				defer once()
				body := strings.Repeat("x", i+1) // its length tells which one it is
				_, err := from.session.Send(ctx, msrp.Message{
					ContentType: "text/plain", Body: strings.NewReader(body), Size: int64(len(body)), Queued: once})
				if err != nil {
					t.Errorf("message %d: %v", i, err)
				}
			})
			<-queued
		}
	}()
	for i := range n {
		select {
		case m := <-to.got:
			if m.size != int64(i+1) {
				t.Fatalf("message %d came after %d", m.size-1, i-1)
			}
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	sends.Wait()
}

// exchange sends size random bytes and compares what arrived.
func exchange(ctx context.Context, t *testing.T, from, to *end, size int64) {
	t.Helper()
	sum := sha256.New()
	body := io.TeeReader(io.LimitReader(rand.New(rand.NewSource(size)), size), sum)
	began := time.Now()
	receipt, err := from.session.Send(ctx, msrp.Message{
		ContentType: "application/octet-stream", Body: body, Size: size, SuccessReport: true})
	if err != nil {
		t.Errorf("%d bytes: %v", size, err)
		return
	}
	select {
	case m := <-to.got:
		if m.size != size || !bytes.Equal(m.sum[:], sum.Sum(nil)) || m.id != receipt.MessageID() {
			t.Errorf("%d bytes arrived of %d, or not the same", m.size, size)
		}
	case <-ctx.Done():
		t.Errorf("%d bytes: %v", size, ctx.Err())
	}
	if err := receipt.Wait(ctx); err != nil {
		t.Errorf("%d bytes: the report: %v", size, err)
	}
	if size > 1<<20 {
		t.Logf("%.1f MB/s", float64(size)/1e6/time.Since(began).Seconds())
	}
}
