package balance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A policy is a way to choose a server: equation (1), or one that is compared with it.
type policy struct {
	name string
	// start begins a run: choose chooses, and stored, if it is there, hears how many bytes a
	// session that has ended has stored on a server.
	start func() (choose func(fit []*balanced) *balanced, stored func(name string, bytes int64))
}

var policies = []policy{
	{"weighted-least", func() (func([]*balanced) *balanced, func(string, int64)) { return weightedLeast, nil }},
	{"round-robin", roundRobin},
	{"random", func() (func([]*balanced) *balanced, func(string, int64)) { return weightedRandom, nil }},
	{"least-bytes", leastBytes},
}

// of makes a Balancer that chooses by the policy.
func (p policy) of(shares ...Share) (b *Balancer, stored func(name string, bytes int64)) {
	b = balancerOf(shares...)
	if b.choose, stored = p.start(); stored == nil {
		stored = func(string, int64) {}
	}
	return b, stored
}

// roundRobin gives each its turns by weight, evenly spread: all get credit for their weights,
// and the one with the most pays for all.
func roundRobin() (func(fit []*balanced) *balanced, func(string, int64)) {
	credit := map[*balanced]int{}
	return func(fit []*balanced) *balanced {
		total := 0
		for _, s := range fit {
			credit[s] += s.Weight
			total += s.Weight
		}
		best := slices.MaxFunc(fit, func(a, b *balanced) int { return credit[a] - credit[b] })
		credit[best] -= total
		return best
	}, nil
}

// weightedRandom throws dice by weight.
func weightedRandom(fit []*balanced) *balanced {
	total := 0
	for _, s := range fit {
		total += s.Weight
	}
	n := rand.IntN(total)
	for _, s := range fit {
		if n -= s.Weight; n < 0 {
			return s
		}
	}
	return fit[0] // not reached: n is below the sum
}

// leastBytes takes the server whose ended sessions have stored the fewest bytes by weight; of
// equals, that of equation (1).
func leastBytes() (func(fit []*balanced) *balanced, func(string, int64)) {
	bytes := map[string]int64{}
	choose := func(fit []*balanced) *balanced {
		return slices.MinFunc(fit, func(a, b *balanced) int {
			if c := compareFractions(uint64(bytes[a.Name()]), a.Weight, uint64(bytes[b.Name()]), b.Weight); c != 0 {
				return c
			}
			return compareFractions(uint64(a.Sessions), a.Weight, uint64(b.Sessions), b.Weight)
		})
	}
	return choose, func(name string, n int64) { bytes[name] += n }
}

func TestPolicies(t *testing.T) {
	for _, p := range policies {
		t.Run(p.name, func(t *testing.T) {
			b, stored := p.of(share("a", 1), share("b", 3))
			got := map[string]int{}
			for range 4000 {
				ms, release := b.Reserve(nil)
				got[ms.Name()]++
				if p.name == "least-bytes" {
					stored(ms.Name(), 100)
				}
				if p.name != "weighted-least" {
					release()
				}
			}
			if got["b"] < 2850 || got["b"] > 3150 {
				t.Errorf("shares by weight 1 and 3: %v", got)
			}
		})
	}
}

// simulate has sessions begin and end on servers of those weights, and returns
// by how much the fullest was above the fair share, on average over time:
// max(Count/Weight) / (sum of Counts / sum of Weights). 1 is the best that
// there is. Sessions come at random; most are short, and a few very long, as
// are the bytes that they store.
func simulate(p policy, weights []int, sessions int, rnd *rand.Rand) float64 {
	var servers []Share
	total := 0
	for i, w := range weights {
		servers = append(servers, share(fmt.Sprint("ms", i), w))
		total += w
	}
	b, stored := p.of(servers...)
	type ending struct {
		at      float64
		release func()
		name    string
		bytes   int64
	}
	var live []ending
	now, sum := 0.0, 0.0
	for range sessions {
		now += rnd.ExpFloat64() / 50 // 50 a second
		live = slices.DeleteFunc(live, func(e ending) bool {
			if e.at > now {
				return false
			}
			stored(e.name, e.bytes)
			e.release()
			return true
		})
		ms, release := b.Reserve(nil)
		length := math.Pow(1-rnd.Float64(), -1/1.5) // Pareto: 3 s on average
		live = append(live, ending{now + length, release, ms.Name(), int64(1000 * length * rnd.ExpFloat64())})
		worst := 0.0
		for i, w := range weights {
			worst = max(worst, float64(b.Counts()[servers[i].Name()])/float64(w))
		}
		sum += worst / (float64(len(live)) / float64(total))
	}
	return sum / float64(sessions)
}

var simulatedWeights = []int{1, 1, 2, 4}

// TestEquationOneSpreadsBest compares the policies on the same arrivals.
func TestEquationOneSpreadsBest(t *testing.T) {
	spread := map[string]float64{}
	for _, p := range policies {
		spread[p.name] = simulate(p, simulatedWeights, 5000, rand.New(rand.NewPCG(1, 2)))
		t.Logf("%-15s fullest/fair = %.3f", p.name, spread[p.name])
	}
	for name, s := range spread {
		if s < spread["weighted-least"] {
			t.Errorf("%s spreads better (%.3f) than weighted-least (%.3f)", name, s, spread["weighted-least"])
		}
	}
}

// BenchmarkBalancing tells the cost of a choice among 16, and as "spread" how
// much fuller than its fair share the fullest server of a simulation is.
func BenchmarkBalancing(b *testing.B) {
	for _, p := range policies {
		b.Run(p.name, func(b *testing.B) {
			var servers []Share
			for i := range 16 {
				servers = append(servers, share(fmt.Sprint("ms", i), 1+i%4))
			}
			bal, _ := p.of(servers...)
			for b.Loop() {
				_, release := bal.Reserve(nil)
				release()
			}
			b.ReportMetric(simulate(p, simulatedWeights, 5000, rand.New(rand.NewPCG(1, 2))), "spread")
		})
	}
}
