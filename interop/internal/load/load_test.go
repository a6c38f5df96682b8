package load

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/testenv"
	"github.com/gomscp/gomscp/interop/sipserver"
	"github.com/gomscp/gomscp/ms"
)

var (
	measure   = flag.Bool("load", false, "measure: TestLoad searches for the highest rates, TestHold holds -hold-calls calls")
	stepTime  = flag.Duration("load-step", 5*time.Second, "how long TestLoad calls at each rate")
	highest   = flag.Float64("load-max", 8000, "the highest rate that TestLoad tries, in calls per second")
	holdCalls = flag.Int("hold-calls", 10_000, "how many calls TestHold holds, with -load")
	holdTime  = flag.Duration("hold", 20*time.Second, "how long TestHold holds them, with -load")
	profile   = flag.String("load-profile", "", "a directory for processor profiles of the servers, taken while they are called at half of their highest rate")
)

// bareRole has the test binary run as one of the bare servers instead: it is
// "answer addr" or "relay addr to".
const bareRole = "GOMSCP_LOAD_ROLE"

var binaries cluster.Binaries

func TestMain(m *testing.M) {
	if role := strings.Fields(os.Getenv(bareRole)); len(role) > 1 {
		var err error
		if role[0] == "answer" {
			err = Answerer(context.Background(), role[1])
		} else {
			err = ServeRelay(context.Background(), role[1], role[2])
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	testenv.Main(m, &binaries)
}

// message is what each call leaves: 1 KB.
var message = bytes.Repeat([]byte("0123456789abcdef"), 64)

// startCluster starts an application server and a media server, which log little.
func startCluster(t *testing.T, ctx context.Context) *cluster.Cluster {
	t.Helper()
	return startClusterOf(t, ctx, binaries, func(c *as.Config) { c.Log.Level = "warn" }, func(c *ms.Config) { c.Log.Level = "warn" })
}

// startClusterOf starts one of these binaries, whose settings may be changed.
func startClusterOf(t *testing.T, ctx context.Context, bin cluster.Binaries, setAS func(*as.Config), setMS func(*ms.Config)) *cluster.Cluster {
	t.Helper()
	asAddr, proxy := testenv.FreeAddr(t), testenv.FreeAddr(t)
	presence, err := sipserver.New(sipserver.Config{Addr: proxy, Domain: "example.com", AppServer: asAddr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { presence.Close() })
	c, err := cluster.New(cluster.Options{
		Binaries: bin, Dir: t.TempDir(), ASAddr: asAddr, Proxy: proxy, Weights: []int{1},
		ConfigAS: setAS,
		ConfigMS: func(_ int, c *ms.Config) { setMS(c) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

// startBare starts the bare B2BUA and what it calls, and returns its address and
// process.
func startBare(t *testing.T, ctx context.Context) (addr string, pid int) {
	t.Helper()
	to := testenv.FreeAddr(t)
	addr = testenv.FreeAddr(t)
	for _, role := range []string{"answer " + to, "relay " + addr + " " + to} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), bareRole+"="+role)
		cmd.Stderr = t.Output()
		cluster.Own(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pid = cmd.Process.Pid
		t.Cleanup(func() {
			_ = cmd.Process.Signal(syscall.SIGKILL)
			_ = cmd.Wait()
		})
	}
	for _, a := range []string{to, addr} {
		if err := reachable(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	return addr, pid
}

// using calls f, and tells how much processor time processes take meanwhile; 0 where
// that is not known.
func using(processes map[string]int, f func()) map[string]time.Duration {
	used := map[string]time.Duration{}
	for name, pid := range processes {
		used[name] = -cluster.ProcessorTime(pid)
	}
	f()
	for name, pid := range processes {
		used[name] += cluster.ProcessorTime(pid)
	}
	return used
}

// TestLoad makes complete store calls over UDP and TCP, and the same two legs through
// a bare sipgo B2BUA. With -load it searches for the highest rate of each with less
// than 0.1 % failures, and tells the set-up times at half of it.
func TestLoad(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
	defer cancel()
	for _, tcp := range []bool{false, true} {
		name := map[bool]string{false: "UDP", true: "TCP"}[tcp]
		t.Run(name, func(t *testing.T) {
			bareAddr, barePid := startBare(t, ctx)
			bare := caller(t, bareAddr, tcp)
			c := startCluster(t, ctx)
			ours := caller(t, c.AS.SIP, tcp)
			if r := ours.Run(ctx, 50, 2*time.Second, message); r.Failed > 0 { // each recipient is known then
				t.Errorf("store: %v", r)
			}
			if r := bare.Run(ctx, 50, time.Second, nil); r.Failed > 0 {
				t.Errorf("bare: %v", r)
			}
			if !*measure {
				return
			}
			tell := func(what string) func(Result) {
				return func(r Result) { t.Logf("%s %s %v", name, what, r) }
			}
			limit := bare.Highest(ctx, 100, *highest, *stepTime, nil, tell("bare"))
			signalling := ours.Highest(ctx, 100, *highest, *stepTime, nil, tell("without a message"))
			best := ours.Highest(ctx, 100, *highest, *stepTime, message, tell("store"))
			t.Logf("%s: bare %.0f/s; store without a message %.0f/s (%.2f of it), with 1 KB %.0f/s (%.2f of it)", name,
				limit.Rate, signalling.Rate, signalling.Rate/limit.Rate, best.Rate, best.Rate/limit.Rate)
			atHalf := func(what string, r Result, used map[string]time.Duration) {
				t.Logf("%s at half the highest rate, %s %v", name, what, r)
				for process, d := range used {
					t.Logf("%s, %s: %s takes %v of a processor for a call", name, what, process, (d / time.Duration(r.Calls)).Round(time.Microsecond))
				}
			}
			rate := min(limit.Rate, signalling.Rate, best.Rate) / 2
			relay := map[string]int{"the bare relay": barePid}
			servers := map[string]int{"the AS": c.AS.Pid(), "the MS": c.MS[0].Pid()}
			var r Result
			used := using(relay, func() { r = bare.Run(ctx, rate, 2*(*stepTime), nil) })
			atHalf("bare", r, used)
			profiled := takeProfiles(t, c, name)
			used = using(servers, func() { r = ours.Run(ctx, rate, 2*(*stepTime), nil) })
			atHalf("store without a message", r, used)
			used = using(servers, func() { r = ours.Run(ctx, rate, 2*(*stepTime), message) })
			atHalf("store", r, used)
			profiled()
		})
	}
}

func caller(t *testing.T, target string, tcp bool) *Caller {
	t.Helper()
	c, err := New(target, tcp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.Users = 100 // as one has an eighth of the memory
	return c
}

// takeProfiles has the servers profiled from now on, if -load-profile says where to
// put it, and returns a function that waits for the end.
func takeProfiles(t *testing.T, c *cluster.Cluster, name string) (wait func()) {
	var taking sync.WaitGroup
	if *profile != "" {
		for _, p := range c.Processes() {
			taking.Go(func() {
				page, err := p.Get(t.Context(), fmt.Sprintf("/debug/pprof/profile?seconds=%d", int(4*(*stepTime)/time.Second)))
				if err == nil {
					err = os.WriteFile(fmt.Sprintf("%s/%s-%s.pprof", *profile, name, p.Name), []byte(page), 0o600)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	return taking.Wait
}

// TestHold holds many calls that are live, each with its MSRP session, sends a message
// in some of them, and ends them all: what each takes of the servers' memory, and that
// nothing of them is left.
func TestHold(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
	defer cancel()
	n, d := 100, time.Second
	if *measure {
		n, d = *holdCalls, *holdTime
	}
	c := startCluster(t, ctx)
	load := caller(t, c.AS.SIP, false)
	if r := load.Run(ctx, 50, 4*time.Second, message); r.Failed > 0 {
		t.Fatal(r)
	}
	before := memory(t, ctx, c)
	calls := make([]*Call, n)
	var failed atomic.Int64
	forEach(n, 64, func(i int) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		call, err := load.Invite(ctx, fmt.Sprintf("u%d", i%maxRecipients))
		if err == nil {
			err = call.Send(ctx, message)
		}
		if err != nil {
			failed.Add(1)
			t.Logf("call %d: %v", i, err)
			return
		}
		calls[i] = call
	})
	if failed.Load() > 0 {
		t.Fatalf("%d of %d calls failed", failed.Load(), n)
	}
	wantMetric(t, ctx, c.AS, `mscp_as_store_sessions{ms="ms1"}`, n)
	wantMetric(t, ctx, c.MS[0], "mscp_mediaserver_store_sessions", n)
	for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		i := rand.IntN(n)
		sctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		if err := calls[i].Send(sctx, message); err != nil {
			t.Errorf("a message in call %d: %v", i, err)
		}
		cancel()
	}
	held := memory(t, ctx, c)
	for name := range held {
		t.Logf("%s: %.1f KB a live call (%d calls held for %v: %.1f MB, before %.1f MB)", name,
			(held[name]-before[name])/float64(n)/1024, n, d, held[name]/(1<<20), before[name]/(1<<20))
	}
	forEach(n, 64, func(i int) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if err := calls[i].Bye(ctx); err != nil {
			t.Errorf("BYE %d: %v", i, err)
		}
	})
	wantMetric(t, ctx, c.AS, `mscp_as_store_sessions{ms="ms1"}`, 0)
	wantMetric(t, ctx, c.MS[0], "mscp_mediaserver_store_sessions", 0)
}

// forEach calls f for the numbers below n, so many at a time.
func forEach(n, parallel int, f func(int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range parallel {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	all.Wait()
}

// memory is what each process has in use after a collection, in bytes.
func memory(t *testing.T, ctx context.Context, c *cluster.Cluster) map[string]float64 {
	t.Helper()
	used := map[string]float64{}
	for _, p := range c.Processes() {
		n, err := p.MemoryInUse(ctx)
		if err != nil {
			t.Fatal(err)
		}
		used[p.Name] = n
	}
	return used
}

// metric reads one value, -1 if there is none.
func metric(ctx context.Context, p *cluster.Process, name string) float64 {
	s, _ := p.Metric(ctx, name)
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return -1
	}
	return v
}

func wantMetric(t *testing.T, ctx context.Context, p *cluster.Process, name string, want int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for got := metric(ctx, p, name); got != float64(want); got = metric(ctx, p, name) {
		if time.Now().After(deadline) {
			t.Fatalf("%s of %s is %v, want %d", name, p.Name, got, want)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
