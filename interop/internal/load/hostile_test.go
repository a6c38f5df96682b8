package load

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/testenv"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/msrp"
)

var (
	hostileRate = flag.Float64("hostile-rate", 20, "the peers' calls in a second in TestHostile")
	hostileTime = flag.Duration("hostile-time", 10*time.Second, "how long TestHostile floods each port, with -load")
)

const (
	// strangers is how many addresses the floods come from: 127.0.0.2 and those after it.
	strangers = 32
	// datagrams is how many a flood sends in a second, and dials how many connections.
	datagrams = 4000
	dials     = 1000
	// held is how many connections each source tries to hold at once.
	held = 60
	// maxGrowth is what a server's memory may have grown by, in bytes, when all is over.
	maxGrowth = 48 << 20
	// maxFlooded is the most that it may have meanwhile.
	maxFlooded = 384 << 20
)

// A flood is what strangers do to a port until ctx ends.
type flood struct {
	name string
	run  func(ctx context.Context)
	did  atomic.Int64 // datagrams, or connections
}

// TestHostile floods one port after the other from strangers' addresses, while peers make
// complete store calls at a steady rate. None of these may fail, and in the end the servers
// hold no more than before.
func TestHostile(t *testing.T) {
	if c, err := net.ListenPacket("udp", "127.0.0.2:0"); err != nil {
		t.Skip("this system has one loopback address only: ", err)
	} else {
		c.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c, floods := hostileCluster(t, ctx)
	peers := caller(t, c.AS.SIP, false)
	for range 3 { // each recipient is known then, and the memory of the first calls is there
		if r := peers.Run(ctx, 50, time.Second, message); r.Failed > 0 {
			t.Fatalf("before all: %v", r)
		}
	}
	duration := 700 * time.Millisecond
	if *measure {
		duration = *hostileTime
	}
	table := []string{fmt.Sprintf("%-26s %9s %6s %6s %9s %9s %8s %8s", "flood", "done", "calls", "failed", "p50", "p99", "AS MB", "MS MB")}
	row := func(name string, done int64, r Result) {
		table = append(table, fmt.Sprintf("%-26s %9d %6d %6d %9v %9v %8.1f %8.1f", name, done, r.Calls, r.Failed,
			r.P50.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), mb(c.AS), mb(c.MS[0])))
		if r.Failed > 0 {
			t.Errorf("%s: %v", name, r)
		}
		for _, p := range c.Processes() {
			if n := resident(p); n > maxFlooded {
				t.Errorf("%s: %s has %d MB", name, p.Name, n>>20)
			}
		}
	}
	before := map[*cluster.Process]int{c.AS: resident(c.AS), c.MS[0]: resident(c.MS[0])}
	row("none, before", 0, peers.Run(ctx, *hostileRate, duration, message))
	for _, f := range floods {
		fctx, stop := context.WithCancel(ctx)
		over := make(chan struct{})
		go func() { defer close(over); f.run(fctx) }()
		r := peers.Run(ctx, *hostileRate, duration, message)
		row(f.name, f.did.Load(), r)
		if stop(); f.did.Load() == 0 {
			t.Errorf("%s: nothing came about", f.name)
		}
		<-over
	}
	for _, p := range c.Processes() { // when the strangers' connections have ended, all is given back
		awaitNoStrangers(t, ctx, p)
	}
	row("none, after", 0, peers.Run(ctx, *hostileRate, duration, message))
	for p, had := range before {
		if _, err := p.Get(ctx, "/debug/pprof/heap?gc=1"); err != nil {
			t.Log(err)
		}
		if has := resident(p); has-had > maxGrowth {
			t.Errorf("%s had %d MB before, and has %d", p.Name, had>>20, has>>20)
		}
	}
	t.Log("\n" + strings.Join(table, "\n"))
}

// hostileCluster starts servers whose only peers are at 127.0.0.1, and tells what can be
// done to them.
func hostileCluster(t *testing.T, ctx context.Context) (*cluster.Cluster, []*flood) {
	t.Helper()
	pem := t.TempDir() + "/cert.pem"
	if _, err := msrp.SelfSignedFile(pem); err != nil {
		t.Fatal(err)
	}
	sips, msrps, msips := testenv.FreeAddr(t), testenv.FreeAddr(t), testenv.FreeAddr(t)
	_, control, _ := net.SplitHostPort(testenv.FreeAddr(t))
	port, err := strconv.Atoi(control)
	if err != nil {
		t.Fatal(err)
	}
	c := startClusterOf(t, ctx, binaries, func(c *as.Config) {
		c.Log.Level = "warn"
		c.Access.Peers, c.Access.Trusted = []string{"127.0.0.1"}, []string{"127.0.0.1"}
		c.TLS.Certificate, c.TLS.Key, c.TLS.CA, c.SIP.TLSListen = pem, pem, pem, sips
	}, func(c *ms.Config) {
		c.Log.Level = "warn"
		c.Access.Peers = []string{"127.0.0.1"}
		c.TLS.Certificate, c.TLS.Key, c.TLS.CA, c.SIP.TLSListen = pem, pem, pem, msips
		c.MSRP.TLSListen = msrps
		c.Control.PortMin, c.Control.PortMax = port, port
		c.MSRP.UnboundTimeout = 5 * time.Second
	})
	asSIP, mSIP, m := c.AS.SIP, c.MS[0].SIP, c.MS[0]
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
	invite := "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.2;branch=z9hG4bK"
	send := "MSRP abcd1234 SEND\r\nTo-Path: msrp://127.0.0.1:1/x;tcp\r\nFrom-Path: msrp://127.0.0.1:2/y;tcp\r\nMessage-ID: 1\r\nByte-Range: 1-100/100\r\nContent-Type: text/plain\r\n\r\nhalf"
	return c, []*flood{
		datagramFlood("AS SIP UDP garbage", asSIP, garbageDatagram),
		datagramFlood("AS SIP UDP INVITE", asSIP, requestDatagram("INVITE")),
		datagramFlood("AS SIP UDP other", asSIP, requestDatagram("OPTIONS", "REGISTER", "NOTIFY", "BYE", "CANCEL", "ACK", "FOO")),
		datagramFlood("MS SIP UDP INVITE", mSIP, requestDatagram("INVITE")),
		connectionFlood("AS SIP TCP idle", asSIP, ""),
		connectionFlood("AS SIP TCP half", asSIP, invite),
		connectionFlood("AS SIP TLS half", sips, hello),
		connectionFlood("MS SIP TCP idle", mSIP, ""),
		connectionFlood("MS SIP TLS half", msips, hello),
		connectionFlood("MSRP idle", m.MSRP, ""),
		connectionFlood("MSRP half", m.MSRP, send),
		connectionFlood("MSRP TLS half", msrps, hello),
		connectionFlood("MSCP port", net.JoinHostPort("127.0.0.1", control), "REQ MSCP/1.0 1\r\n"),
		connectionFlood("AS admin half", c.AS.Admin, "GET /metr"),
		connectionFlood("MS admin half", m.Admin, "GET /metr"),
	}
}

// strangerHost is one of the addresses that floods come from.
func strangerHost(i int) string { return fmt.Sprintf("127.0.0.%d", 2+i%strangers) }

// datagramFlood sends datagrams from all strangers.
func datagramFlood(name, to string, make func(from string, n int64) string) *flood {
	f := &flood{name: name}
	f.run = func(ctx context.Context) {
		addr, err := net.ResolveUDPAddr("udp", to)
		if err != nil {
			return
		}
		var conns []net.PacketConn
		for i := range strangers {
			if c, err := net.ListenPacket("udp", strangerHost(i)+":0"); err == nil {
				defer c.Close()
				conns = append(conns, c)
			}
		}
		paced(ctx, datagrams, func() {
			n := f.did.Add(1)
			c := conns[int(n)%len(conns)]
			_, _ = c.WriteTo([]byte(make(c.LocalAddr().String(), n)), addr) // a full buffer drops it
		})
	}
	return f
}

// paced does something so often in a second, until ctx ends.
func paced(ctx context.Context, rate int, do func()) {
	began := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(rate))
		if wait := time.Until(due); wait > time.Millisecond {
			time.Sleep(wait)
		}
		do()
	}
}

func garbageDatagram(from string, n int64) string {
	return []string{
		string(make([]byte, 1000)) + "x", "INVITE sip:x@y SIP/2.0\r\n\r\n", "\x00\x01\x02\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n",
		fmt.Sprintf("BYE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\nCSeq: 1 INVITE\r\n\r\n", from, n),
		fmt.Sprintf("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\nCSeq: 1 INVITE\r\nContent-Length: 99999999\r\n\r\n", from, n),
	}[n%6]
}

// requestDatagram makes whole requests, each a new one.
func requestDatagram(methods ...string) func(string, int64) string {
	return func(from string, n int64) string {
		method := methods[int(n)%len(methods)]
		return fmt.Sprintf("%s sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%x\r\nMax-Forwards: 70\r\nFrom: <sip:eve@example.com>;tag=%d\r\n"+
			"To: <sip:bob@example.com>\r\nCall-ID: %x\r\nCSeq: 1 %s\r\nContact: <sip:eve@%s>\r\nContent-Length: 0\r\n\r\n", method, from, rand.Uint64(), n, rand.Uint64(), method, from)
	}
}

// connectionFlood opens connections from all strangers, writes what on each and holds them,
// until the server ends them.
func connectionFlood(name, to, what string) *flood {
	f := &flood{name: name}
	f.run = func(ctx context.Context) {
		var all sync.WaitGroup
		defer all.Wait()
		places := make(chan struct{}, strangers*held)
		n := 0
		paced(ctx, dials, func() {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			n++
			host := strangerHost(n)
			all.Go(func() {
				defer func() { <-places }()
				d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}, Timeout: time.Second}
				c, err := d.DialContext(ctx, "tcp", to)
				if f.did.Add(1); err != nil {
					return
				}
				defer context.AfterFunc(ctx, func() { c.Close() })()
				defer c.Close()
				_, _ = io.WriteString(c, what)
				_, _ = io.Copy(io.Discard, c) // until it ends
			})
		})
	}
	return f
}

// awaitNoStrangers waits until a server holds nothing of strangers, admin connections
// aside, of which the question itself is one.
func awaitNoStrangers(t *testing.T, ctx context.Context, p *cluster.Process) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		page, err := p.Get(ctx, "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		left := ""
		for line := range strings.Lines(page) {
			if strings.Contains(line, `who="strangers"`) && !strings.Contains(line, `"admin"`) && !strings.Contains(line, `"mscp"`) && !strings.HasSuffix(line, " 0\n") {
				left += line
			}
		}
		if left == "" {
			for line := range strings.Lines(page) {
				if strings.Contains(line, "_refused_total{port=") && !strings.HasSuffix(line, " 0\n") {
					t.Log(strings.TrimSpace(line))
				}
			}
			return
		}
		if time.Now().After(end) {
			t.Errorf("%s still holds %s", p.Name, left)
			return
		}
	}
}

// resident is the memory of a process itself, in bytes; 0 where that is not known.
func resident(p *cluster.Process) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "RssAnon:" {
			kb, _ := strconv.Atoi(f[1])
			return kb << 10
		}
	}
	return 0
}

func mb(p *cluster.Process) float64 { return float64(resident(p)) / (1 << 20) }
