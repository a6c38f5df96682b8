package balance

import (
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A fake is a server that is up, or not.
type fake struct {
	name string
	down bool
}

func (f *fake) Name() string { return f.name }
func (f *fake) URI() string  { return "sip:" + f.name + "@example.com" }
func (f *fake) Up() bool     { return !f.down }

// share is a server that is up, with its weight.
func share(name string, weight int) Share { return Share{Server: &fake{name: name}, Weight: weight} }

// balancerOf makes a Balancer over servers.
func balancerOf(shares ...Share) *Balancer {
	b := New(0)
	b.Set(shares)
	return b
}

func TestBalancerSharesByWeight(t *testing.T) {
	b := balancerOf(share("a", 1), share("b", 2), share("c", 4))
	var release []func()
	for range 70 {
		ms, r := b.Reserve(nil)
		if ms == nil {
			t.Fatal("no server was picked")
		}
		release = append(release, r)
	}
	for name, want := range map[string]int{"a": 10, "b": 20, "c": 40} {
		if got := b.Counts()[name]; got != want {
			t.Errorf("%s has %d sessions, want %d", name, got, want)
		}
	}
	for _, r := range release {
		r()
		r() // a second time must not count
	}
	for name, n := range b.Counts() {
		if n != 0 {
			t.Errorf("%s has %d sessions after the end of all", name, n)
		}
	}
}

func TestBalancerTieGoesToTheLowestIndex(t *testing.T) {
	b := balancerOf(share("a", 3), share("b", 3))
	if ms, _ := b.Reserve(nil); ms.Name() != "a" {
		t.Errorf("the first pick is %s", ms.Name())
	}
	if ms, _ := b.Reserve(nil); ms.Name() != "b" {
		t.Errorf("the second pick is %s", ms.Name())
	}
}

func TestBalancerSkips(t *testing.T) {
	a, b, c := share("a", 9), share("b", 1), share("c", 1)
	a.Server.(*fake).down = true
	bal := balancerOf(a, b, c)
	if ms, _ := bal.Reserve(map[Server]bool{b.Server: true}); ms != c.Server {
		t.Errorf("picked %v, want c", ms.Name())
	}
	if ms, release := bal.Reserve(map[Server]bool{b.Server: true, c.Server: true}); ms != nil {
		t.Errorf("picked %v though none can be had", ms.Name())
	} else {
		release()
	}
}

// TestBalancerIsEquationOne runs random choices, ends and configurations, and
// compares each choice with equation (1) as one would write it down.
func TestBalancerIsEquationOne(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var servers []Share
		for i := range 1 + rnd.IntN(6) {
			servers = append(servers, share(fmt.Sprint("ms", i), 1+rnd.IntN(5)*rnd.IntN(250_000)))
		}
		b := balancerOf(servers...)
		count := make([]int, len(servers))
		var live []func()
		for step := range 300 {
			if len(live) > 0 && rnd.IntN(3) == 0 {
				i := rnd.IntN(len(live))
				live[i]()
				live[i] = live[len(live)-1]
				live = live[:len(live)-1]
				continue
			}
			skip := map[Server]bool{}
			for _, s := range servers {
				if rnd.IntN(5) == 0 {
					skip[s.Server] = true
				}
			}
			want := -1
			for i, share := range servers {
				if skip[share.Server] {
					continue
				}
				s := big.NewRat(int64(count[i]), int64(share.Weight))
				if want < 0 || s.Cmp(big.NewRat(int64(count[want]), int64(servers[want].Weight))) < 0 {
					want = i
				}
			}
			ms, release := b.Reserve(skip)
			if got := slices.IndexFunc(servers, func(s Share) bool { return s.Server == ms }); got != want {
				t.Fatalf("seed %d, step %d: chose %d, want %d; counts %v", seed, step, got, want, count)
			}
			if want >= 0 {
				count[want]++
				live = append(live, func() { count[want]--; release() })
			}
		}
	}
}

// TestBalancerChangesAtRunTime changes weights and the list with sessions open.
func TestBalancerChangesAtRunTime(t *testing.T) {
	a, b, c := share("a", 1), share("b", 1), share("c", 1)
	bal := balancerOf(a, b)
	var release []func()
	take := func(n int) {
		for range n {
			_, r := bal.Reserve(nil)
			release = append(release, r)
		}
	}
	want := func(what string, counts map[string]int) {
		t.Helper()
		if got := bal.Counts(); !maps.Equal(got, counts) {
			t.Errorf("%s: %v, want %v", what, got, counts)
		}
	}
	take(4)
	want("two of the same weight", map[string]int{"a": 2, "b": 2})
	bal.Set([]Share{{Server: a.Server, Weight: 3}, b})
	take(4)
	want("weight 3 for a", map[string]int{"a": 6, "b": 2})
	bal.Set([]Share{b, c})
	take(2)
	want("c instead of a", map[string]int{"a": 6, "b": 2, "c": 2})
	again := share("a", 1) // a new object for what is configured again
	bal.Set([]Share{again, {Server: b.Server, Weight: 1, Drained: true}, c})
	take(1)
	want("a is back with its sessions, b is drained", map[string]int{"a": 6, "b": 2, "c": 3})
	for _, r := range release {
		r()
	}
	want("all have ended", map[string]int{"a": 0, "b": 0, "c": 0})
}

// TestBalancerTriesTheFailedLast has the best fail: it is not asked again at
// once, unless there is no other.
func TestBalancerTriesTheFailedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := share("a", 1), share("b", 1)
		bal := balancerOf(a, b)
		bal.rest = time.Minute
		pick := func(skip map[Server]bool) string {
			ms, release := bal.Reserve(skip)
			defer release()
			return ms.Name()
		}
		bal.Failed(a.Server)
		if got := pick(nil); got != "b" {
			t.Errorf("after a failed: %s", got)
		}
		if got := pick(map[Server]bool{b.Server: true}); got != "a" {
			t.Errorf("with no other: %s", got)
		}
		time.Sleep(time.Minute)
		if got := pick(nil); got != "a" {
			t.Errorf("a minute later: %s", got)
		}
	})
}
