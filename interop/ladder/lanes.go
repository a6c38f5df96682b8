package ladder

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// MaxLanes bounds the lanes of a diagram.
const MaxLanes = 30

// minLanes are drawn however little room there is.
const minLanes = 3

// others is the lane of the addresses that have none of their own.
const others = "others"

// lanes are the columns of a diagram.
type lanes struct {
	given  map[string]string // names of addresses, from the options
	known  map[string]string // node by address, from the records
	index  map[string]int
	names  []string
	shared bool // the last lane is others'
	width  int  // as in Options
}

func newLanes(rows []*message, o Options) *lanes {
	l := &lanes{given: o.Names, known: map[string]string{}, index: map[string]int{}, width: o.Width}
	for _, m := range rows {
		for _, e := range []end{m.from, m.to} {
			if e.node != "" && hasHost(e.addr) {
				l.known[e.addr] = e.node
			}
		}
	}
	weights, nodes := l.weigh(rows)
	l.names = l.keep(weights, nodes)
	if l.shared {
		for way, n := range weights {
			in := [2]string{l.kept(way[0]), l.kept(way[1])}
			if in != way {
				delete(weights, way)
				weights[in] += n
			}
		}
	}
	l.names = order(l.names, weights, o.Lanes)
	for i, name := range l.names {
		l.index[name] = i
	}
	for i, name := range l.names {
		l.names[i] = short(name, 40)
	}
	return l
}

// name is the lane that an end would have if there were no limit.
func (l *lanes) name(e end) string {
	if e.node != "" {
		return e.node
	}
	if n := l.given[e.addr]; n != "" {
		return n
	}
	host, _, err := net.SplitHostPort(e.addr)
	if n := l.given[host]; err == nil && n != "" {
		return n
	}
	if n := l.known[e.addr]; n != "" {
		return n
	}
	if a, err := netip.ParseAddrPort(e.addr); err == nil { // one form of each address
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()
	}
	return e.addr
}

// weigh counts the rows between any two names, and lists the names by their
// first row, those who have traced first.
func (l *lanes) weigh(rows []*message) (weights map[[2]string]int, names []string) {
	weights = map[[2]string]int{}
	seen := map[string]bool{}
	var traced, untraced []string
	for _, m := range rows {
		a, b := l.name(m.from), l.name(m.to)
		weights[[2]string{min(a, b), max(a, b)}]++
		for _, e := range []end{m.from, m.to} {
			n := l.name(e)
			switch {
			case seen[n]:
				continue
			case e.node != "":
				traced = append(traced, n)
			default:
				untraced = append(untraced, n)
			}
			seen[n] = true
		}
	}
	return weights, append(traced, untraced...)
}

// keep decides which names have a lane.
func (l *lanes) keep(weights map[[2]string]int, names []string) []string {
	most := MaxLanes
	if l.width > 0 {
		most = min(most, max(minLanes, (l.width-timeWidth-1)/minGap))
	}
	if len(names) <= most {
		return names
	}
	busy := map[string]int{}
	for way, n := range weights {
		busy[way[0]] += n
		busy[way[1]] += n
	}
	slices.SortStableFunc(names, func(a, b string) int { return busy[b] - busy[a] })
	names = names[:most-1]
	l.shared = true
	for i, n := range names {
		l.index[n] = i
	}
	return append(names, others)
}

func (l *lanes) kept(name string) string {
	if _, ok := l.index[name]; !ok && l.shared {
		return others
	}
	return name
}

// of is the lane of an end.
func (l *lanes) of(e end) int { return l.index[l.kept(l.name(e))] }

// fullLabel tells who shares a lane.
func (l *lanes) fullLabel(m *message, from, to int) string {
	s := m.label
	if l.shared && l.names[from] == others {
		s += " from " + short(m.from.addr, 60)
	}
	if l.shared && l.names[to] == others {
		s += " to " + short(m.to.addr, 60)
	}
	return s
}

// order puts the lanes so that the arrows are short: beginning with the order
// given, each lane in turn goes to where it is best, until none would move.
// Those that first names come first, in its order.
func order(names []string, weights map[[2]string]int, first []string) []string {
	var fixed, free []string
	for _, n := range first {
		if slices.Contains(names, n) && !slices.Contains(fixed, n) {
			fixed = append(fixed, n)
		}
	}
	for _, n := range names {
		if !slices.Contains(fixed, n) {
			free = append(free, n)
		}
	}
	best := append(slices.Clone(fixed), free...)
	length := total(best, weights)
	for better := true; better; {
		better = false
		for _, n := range free {
			rest := slices.DeleteFunc(slices.Clone(best), func(s string) bool { return s == n })
			for at := len(fixed); at <= len(rest); at++ {
				try := slices.Insert(slices.Clone(rest), at, n)
				if t := total(try, weights); t < length {
					best, length, better = try, t, true
				}
			}
		}
	}
	if len(fixed) == 0 && len(names) > 0 {
		// Either direction is as good; who has traced first stays on the left.
		if i := slices.Index(best, names[0]); i > len(best)-1-i {
			slices.Reverse(best)
		}
	}
	return best
}

// total is the length of all arrows.
func total(names []string, weights map[[2]string]int) int {
	place := make(map[string]int, len(names))
	for i, n := range names {
		place[n] = i
	}
	sum := 0
	for way, n := range weights {
		d := place[way[0]] - place[way[1]]
		sum += n * max(d, -d)
	}
	return sum
}

// label of a lane, for the places where it has to be short.
func shortName(name string, width int) string {
	if r := []rune(name); len(r) > width {
		return string(r[:max(0, width-1)]) + "…"
	}
	return strings.TrimSpace(name)
}
