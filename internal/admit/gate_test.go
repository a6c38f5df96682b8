package admit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestSourceOfIPv6IsItsNetwork(t *testing.T) {
	key := func(s string) netip.Prefix { return Source(addr(s)) }
	if key("2001:db8::1") != key("2001:db8::ffff:1") || key("2001:db8::1") == key("2001:db8:0:1::1") || key("::ffff:192.0.2.1") != key("192.0.2.1") {
		t.Error("wrong sources")
	}
	if key("192.0.2.1") == key("192.0.2.2") || key("fe80::1%eth0") != key("fe80::1") {
		t.Error("wrong sources")
	}
}

// refused is the reason of a refusal, "" of none.
func refused(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

// TestPeersAlwaysGetIn has strangers take all that they may have.
func TestPeersAlwaysGetIn(t *testing.T) {
	g := NewGate(Limits{Source: 4, All: 8, Peers: 2})
	for i := range 100 {
		if p, err := g.Enter(addr(fmt.Sprintf("192.0.2.%d", i+1)), false, func() {}); err == nil {
			p.Prove()
		} else if i < 8 || refused(err) != ReasonAll {
			t.Fatalf("stranger %d: %v", i, err)
		}
	}
	var peers []*Place
	for range 2 {
		p, err := g.Enter(addr("192.0.2.1"), true, nil)
		if err != nil {
			t.Fatal(err)
		}
		peers = append(peers, p)
	}
	if _, err := g.Enter(addr("192.0.2.1"), true, nil); refused(err) != ReasonPeers {
		t.Errorf("a third peer: %v", err)
	}
	peers[0].Leave()
	peers[0].Leave()
	if c := g.Counts(); c.Peers != 1 || c.Strangers != 8 || c.Refused[ReasonAll] != 92 || c.Refused[ReasonPeers] != 1 {
		t.Errorf("%+v", c)
	}
}

// TestAFloodPushesOutItsOwn fills the strangers' places from one source while another
// holds one: the flood's oldest go, and the other's stays.
func TestAFloodPushesOutItsOwn(t *testing.T) {
	g := NewGate(Limits{Source: 5, All: 6})
	gone := map[string]bool{}
	enter := func(a, name string) error {
		_, err := g.Enter(addr(a), false, func() { gone[name] = true })
		return err
	}
	if err := enter("198.51.100.1", "quiet"); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := enter("192.0.2.1", fmt.Sprint("flood", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := enter("192.0.2.1", "one more"); refused(err) != ReasonSource {
		t.Errorf("beyond the source's share: %v", err)
	}
	for i, a := range []string{"203.0.113.1", "203.0.113.2", "203.0.113.3"} {
		if err := enter(a, a); err != nil || !gone[fmt.Sprint("flood", i)] || len(gone) != i+1 {
			t.Errorf("newcomer %d: %v; gone: %v", i, err, gone)
		}
	}
	// The flood has 2 now, and others 1 each: what it takes, it takes from itself.
	if err := enter("192.0.2.1", "late flood"); err != nil || !gone["flood3"] || gone["quiet"] {
		t.Errorf("%v; gone: %v", err, gone)
	}
}

// TestWhoHasProvedHimselfStays.
func TestWhoHasProvedHimselfStays(t *testing.T) {
	g := NewGate(Limits{All: 2})
	var ended string
	a, _ := g.Enter(addr("192.0.2.1"), false, func() { ended += "a" })
	_, _ = g.Enter(addr("192.0.2.2"), false, func() { ended += "b" })
	a.Prove()
	a.Prove()
	if _, err := g.Enter(addr("192.0.2.3"), false, func() { ended += "c" }); err != nil || ended != "b" {
		t.Errorf("%v, ended: %q", err, ended)
	}
	first := a.Promote()
	if again := a.Promote(); !first || !again {
		t.Error("not promoted")
	}
	if c := g.Counts(); c.Peers != 1 || c.Strangers != 1 || c.Sources != 1 {
		t.Errorf("%+v", c)
	}
	a.Leave()
	if c := g.Counts(); c.Peers != 0 || c.Strangers != 1 {
		t.Errorf("%+v", c)
	}
}

// TestGateAgainstModel has places come, prove themselves and go at random, and counts
// them in another way.
func TestGateAgainstModel(t *testing.T) {
	type held struct {
		p                  *Place
		source             int
		peer, proved, gone bool
	}
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		limits := Limits{Source: 1 + rnd.IntN(4), All: 1 + rnd.IntN(8), Peers: 1 + rnd.IntN(4)}
		g := NewGate(limits)
		var all []*held
		count := func(match func(*held) bool) (n int) {
			for _, h := range all {
				if !h.gone && match(h) {
					n++
				}
			}
			return n
		}
		for step := range 400 {
			switch rnd.IntN(4) {
			case 0, 1:
				h := &held{source: rnd.IntN(5), peer: rnd.IntN(8) == 0}
				strangers := count(func(x *held) bool { return !x.peer })
				own := count(func(x *held) bool { return !x.peer && x.source == h.source })
				peers := count(func(x *held) bool { return x.peer })
				most := 0
				for s := range 5 {
					open := count(func(x *held) bool { return !x.peer && x.source == s && !x.proved })
					if n := count(func(x *held) bool { return !x.peer && x.source == s }); open > 0 {
						most = max(most, n)
					}
				}
				ownOpen := count(func(x *held) bool { return !x.peer && x.source == h.source && !x.proved })
				want := ""
				switch {
				case h.peer && peers >= limits.Peers:
					want = ReasonPeers
				case h.peer:
				case own >= limits.Source:
					want = ReasonSource
				case strangers >= limits.All && (most == 0 || own >= most && ownOpen == 0):
					want = ReasonAll
				}
				p, err := g.Enter(netip.AddrFrom4([4]byte{192, 0, 2, byte(h.source)}), h.peer, func() {
					n := count(func(x *held) bool { return !x.peer && x.source == h.source })
					if h.proved || h.gone || h.peer || n == 0 {
						t.Errorf("seed %d, step %d: the wrong one was evicted", seed, step)
					}
					h.gone = true
				})
				if refused(err) != want {
					t.Fatalf("seed %d, step %d: %v, want %q", seed, step, err, want)
				}
				if h.p = p; err == nil {
					all = append(all, h)
				}
			case 2:
				if len(all) > 0 {
					h := all[rnd.IntN(len(all))]
					h.p.Prove()
					h.proved = true
				}
			case 3:
				if len(all) == 0 {
					break
				}
				if h := all[rnd.IntN(len(all))]; rnd.IntN(3) > 0 {
					h.p.Leave()
					h.gone = true
				} else if !h.gone && h.p.Promote() {
					h.peer = true
				}
			}
			c := g.Counts()
			if peers, strangers := count(func(x *held) bool { return x.peer }), count(func(x *held) bool { return !x.peer }); c.Peers != peers || c.Strangers != strangers || strangers > limits.All {
				t.Fatalf("seed %d, step %d: %+v, want %d peers and %d strangers", seed, step, c, peers, strangers)
			}
		}
		for _, h := range all {
			h.p.Leave()
		}
		if c := g.Counts(); c.Peers+c.Strangers+c.Sources != 0 {
			t.Errorf("seed %d: left: %+v", seed, c)
		}
	}
}

// TestBucketsAreBounded has more sources than are remembered.
func TestBucketsAreBounded(t *testing.T) {
	var b Buckets[string]
	now := time.Unix(1_000_000, 0)
	for i := range 3 * bucketsKept {
		if b.Take(fmt.Sprint(i), 1, 1, now) != 0 {
			t.Fatalf("source %d had to wait", i)
		}
		if b.Take("busy", 1, 1, now) == 0 && i > 0 {
			t.Fatalf("the busy source got a new bucket after %d others", i)
		}
	}
	if n := len(b.young) + len(b.old); n > 2*bucketsKept {
		t.Errorf("%d buckets", n)
	}
}

// TestRateOfOneSourceIsItsOwn has one source do too much: another's is not touched.
func TestRateOfOneSourceIsItsOwn(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	r := Rate[string]{Source: 2, All: 5, Now: func() time.Time { return now }}
	n := func(source string) (done int) {
		for range 100 {
			if r.Take(source) {
				done++
			}
		}
		return done
	}
	if a, b, c := n("a"), n("b"), n("c"); a != 4 || b != 4 || c != 2 {
		t.Errorf("%d, %d, %d at once", a, b, c)
	}
	now = now.Add(time.Second)
	if a, b, c := n("a"), n("b"), n("c"); a != 2 || b != 2 || c != 1 {
		t.Errorf("%d, %d, %d a second later", a, b, c)
	}
}
