package balance

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
)

// A Policy chooses one of the servers that can take a session: at least one, in the order
// of the configuration.
type Policy func(fit []*balanced) *balanced

// policies are by their names in the configuration.
var policies = []struct {
	name   string
	choose Policy
}{
	{"weighted-least", weightedLeast},
	{"round-robin", roundRobin},
	{"random", weightedRandom},
	{"least-bytes", leastBytes},
}

// PolicyOf finds a policy by its name in the configuration; "" is weighted-least. An error
// lists the names.
func PolicyOf(name string) (Policy, error) {
	if name == "" {
		return weightedLeast, nil
	}
	var names []string
	for _, p := range policies {
		if p.name == name {
			return p.choose, nil
		}
		names = append(names, p.name)
	}
	return nil, fmt.Errorf("balancing: %q is none of %s", name, strings.Join(names, ", "))
}

// weightedLeast is equation (1): the least Count/Weight, of equals the first.
// The fractions are compared by cross multiplication in 128 bits, so exactly.
func weightedLeast(fit []*balanced) *balanced {
	return slices.MinFunc(fit, func(a, b *balanced) int {
		return compareFractions(uint64(a.Sessions), a.Weight, uint64(b.Sessions), b.Weight)
	})
}

// compareFractions compares a/u with b/v; u and v are 1 or more.
func compareFractions(a uint64, u int, b uint64, v int) int {
	ahi, alo := bits.Mul64(a, uint64(v))
	bhi, blo := bits.Mul64(b, uint64(u))
	switch {
	case ahi == bhi && alo == blo:
		return 0
	case ahi < bhi || ahi == bhi && alo < blo:
		return -1
	}
	return 1
}

// roundRobin gives each its turns by weight, evenly spread: all get credit for
// their weights, and who has most pays for all.
func roundRobin(fit []*balanced) *balanced {
	total := 0
	for _, s := range fit {
		s.credit += s.Weight
		total += s.Weight
	}
	best := slices.MaxFunc(fit, func(a, b *balanced) int { return a.credit - b.credit })
	best.credit -= total
	return best
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

// leastBytes takes the server whose ended sessions have stored the fewest bytes
// by weight; of equals, that of equation (1). Media servers tell of their bytes
// only when a session ends, and foreign ones not at all.
func leastBytes(fit []*balanced) *balanced {
	return slices.MinFunc(fit, func(a, b *balanced) int {
		if c := compareFractions(uint64(a.bytes), a.Weight, uint64(b.bytes), b.Weight); c != 0 {
			return c
		}
		return compareFractions(uint64(a.Sessions), a.Weight, uint64(b.Sessions), b.Weight)
	})
}
