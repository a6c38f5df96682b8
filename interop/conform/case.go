package conform

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Case is one requirement of a specification with its test.
type Case struct {
	// ID is the protocol, the section and a number within it: "mscp/7.2.3/1".
	// It never changes.
	ID string
	// Demand is the requirement for the peer.
	Demand string
	// Strict reports whether the specification requires it (MUST, or its syntax).
	// Otherwise the specification recommends it or leaves it open.
	Strict bool

	run func(*T)
}

// Section returns the section of the specification, such as "7.2.3".
func (c Case) Section() string {
	_, rest, _ := strings.Cut(c.ID, "/")
	section, _, _ := strings.Cut(rest, "/")
	return section
}

// inOrder sorts cases by section and number; those of one protocol stay together, in the
// order in which their protocols come first.
func inOrder(cases []Case) []Case {
	protocols := map[string]int{}
	for _, c := range cases {
		p, _, _ := strings.Cut(c.ID, "/")
		if _, ok := protocols[p]; !ok {
			protocols[p] = len(protocols)
		}
	}
	slices.SortStableFunc(cases, func(a, b Case) int {
		p, restA, _ := strings.Cut(a.ID, "/")
		q, restB, _ := strings.Cut(b.ID, "/")
		return cmp.Or(cmp.Compare(protocols[p], protocols[q]), slices.Compare(numbers(restA), numbers(restB)))
	})
	return cases
}

// numbers are those of a section and of a case in it; the -1 between them has a section
// come before those within it.
func numbers(rest string) []int {
	section, number, _ := strings.Cut(rest, "/")
	var all []int
	for part := range strings.SplitSeq(section, ".") {
		n, _ := strconv.Atoi(part) // tests hold IDs to their form
		all = append(all, n)
	}
	n, _ := strconv.Atoi(number)
	return append(all, -1, n)
}

// must and should make cases.
func must(id, demand string, run func(*T)) Case {
	return Case{ID: id, Demand: demand, Strict: true, run: run}
}

func should(id, demand string, run func(*T)) Case {
	return Case{ID: id, Demand: demand, run: run}
}

// Select returns the cases whose IDs match one of the patterns: an ID, the beginning of
// an ID up to a slash such as mscp/7.2.2, or a pattern of path.Match. Without patterns it
// returns all. It fails for a pattern that matches no case.
func Select(cases []Case, patterns ...string) ([]Case, error) {
	if len(patterns) == 0 {
		return cases, nil
	}
	used := make([]bool, len(patterns))
	var chosen []Case
	for _, c := range cases {
		match := false
		for i, p := range patterns {
			ok, err := path.Match(p, c.ID)
			if err != nil {
				return nil, fmt.Errorf("conform: %q: %w", p, err)
			}
			if ok || p == c.ID || strings.HasPrefix(c.ID, strings.TrimSuffix(p, "/")+"/") {
				match, used[i] = true, true
			}
		}
		if match {
			chosen = append(chosen, c)
		}
	}
	if i := slices.Index(used, false); i >= 0 {
		return nil, fmt.Errorf("conform: there is no case %s", patterns[i])
	}
	return chosen, nil
}
