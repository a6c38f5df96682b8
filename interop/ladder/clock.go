package ladder

import (
	"fmt"
	"slices"
	"time"
)

// skewTolerance is how much too early a message may come before a clock is
// taken to be wrong: less is the time between a write and the note of it.
const skewTolerance = time.Millisecond

// A link is what is known of the messages from one node to another.
type link struct {
	n       int
	fastest time.Duration // from sent to received; negative if the clocks differ
}

// correctClocks shifts the times of the messages, if need be, and says by how
// much. See the package's documentation.
func correctClocks(messages []*message) []string {
	links, wrong := measure(messages)
	if !wrong {
		return nil
	}
	offsets := solve(links)
	for _, m := range messages {
		m.from.time = m.from.time.Add(offsets[m.from.node])
		m.to.time = m.to.time.Add(offsets[m.to.node])
	}
	var notes []string
	for node, by := range offsets {
		if by != 0 {
			notes = append(notes, fmt.Sprintf("the clock of %s is corrected by %+.6f s", short(node, 40), by.Seconds()))
		}
	}
	slices.Sort(notes)
	return notes
}

// measure collects the links, and tells whether some clock must be wrong.
func measure(messages []*message) (links map[[2]string]link, wrong bool) {
	links = map[[2]string]link{}
	for _, m := range messages {
		if m.from.node == "" || m.to.node == "" || m.from.node == m.to.node {
			continue
		}
		way := [2]string{m.from.node, m.to.node}
		l, ok := links[way]
		took := m.to.time.Sub(m.from.time)
		if !ok || took < l.fastest {
			l.fastest = took
		}
		l.n++
		links[way] = l
		wrong = wrong || took < -skewTolerance
	}
	return links, wrong
}

// solve finds an offset for each node: it begins with the busiest node, and
// goes on with the one that has most to do with those it knows.
func solve(links map[[2]string]link) map[string]time.Duration {
	busy := map[string]int{}
	for way, l := range links {
		busy[way[0]] += l.n
		busy[way[1]] += l.n
	}
	nodes := make([]string, 0, len(busy))
	for node := range busy {
		nodes = append(nodes, node)
	}
	slices.Sort(nodes)
	offsets := map[string]time.Duration{}
	for len(offsets) < len(nodes) {
		node, via, most := "", "", 0
		for _, v := range nodes {
			if _, ok := offsets[v]; ok {
				continue
			}
			for u := range offsets {
				n := links[[2]string{u, v}].n + links[[2]string{v, u}].n
				if n > most || (n == most && n > 0 && v == node && u < via) {
					node, via, most = v, u, n
				}
			}
		}
		if most > 0 {
			offsets[node] = offsets[via] + difference(links, via, node)
			continue
		}
		for _, v := range nodes { // the busiest of those without a link to the known
			if _, ok := offsets[v]; !ok && busy[v] > most {
				node, most = v, busy[v]
			}
		}
		offsets[node] = 0
	}
	return offsets
}

// difference is what v's clock has to be put forward against u's.
func difference(links map[[2]string]link, u, v string) time.Duration {
	there, hasThere := links[[2]string{u, v}]
	back, hasBack := links[[2]string{v, u}]
	switch {
	case there.fastest >= -skewTolerance && back.fastest >= -skewTolerance:
		return 0 // nothing is wrong here
	case hasThere && hasBack:
		return (back.fastest - there.fastest) / 2
	case hasThere:
		return -there.fastest
	}
	return back.fastest
}
