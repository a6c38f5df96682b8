package as

import "sync"

// A balancer counts the live store sessions of each media server and picks
// the next by weighted least connections: S = min Count(Si)/Weight(Si). See
// the paper, section 2.3.3, equation (1).
type balancer struct {
	mu      sync.Mutex
	servers []*balanced
}

type balanced struct {
	ms     *mediaServer
	weight int
	count  int // live store sessions, reserved ones included
}

func newBalancer(servers []*mediaServer) *balancer {
	b := &balancer{}
	for _, ms := range servers {
		b.servers = append(b.servers, &balanced{ms: ms, weight: ms.cfg.Weight})
	}
	return b
}

// reserve picks the best server whose channel is up and that skip does not
// name, and counts the session at once, so that calls arriving together do not
// all choose the same one. The release function takes the count back; calling
// it again does nothing. A nil server means that none can be had.
//
// Ties go to the lowest index.
func (b *balancer) reserve(skip map[*mediaServer]bool) (*mediaServer, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var best *balanced
	for _, s := range b.servers {
		if skip[s.ms] || !s.ms.up() {
			continue
		}
		// Count/Weight is compared by cross multiplication: exact, and
		// free of division.
		if best == nil || s.count*best.weight < best.count*s.weight {
			best = s
		}
	}
	if best == nil {
		return nil, func() {}
	}
	best.count++
	return best.ms, sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		best.count--
	})
}

// counts returns the live store sessions by media server name.
func (b *balancer) counts() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := make(map[string]int, len(b.servers))
	for _, s := range b.servers {
		m[s.ms.cfg.Name] = s.count
	}
	return m
}
