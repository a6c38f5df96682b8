package balance

import (
	"math/bits"
	"slices"
)

// weightedLeast is equation (1): the least Count/Weight, of equals the first. There is at
// least one server, in the order of the configuration.
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
