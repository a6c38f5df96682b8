package as

import (
	"sync"
	"time"
)

// A balancer counts the live store sessions of each media server and picks
// the next by weighted least connections: S = min Count(Si)/Weight(Si). See
// the paper, section 2.3.3, equation (1). Other policies are there to be
// compared with it.
type balancer struct {
	choose policy
	rest   time.Duration // how long a server that has failed a call is tried last

	mu      sync.Mutex
	servers []*balanced // in the order of the configuration
	gone    []*balanced // not configured any more, with sessions that go on
}

// balanced is one media server as the balancer sees it.
type balanced struct {
	ms      *mediaServer
	weight  int
	drained bool      // it gets no new store session
	count   int       // live store sessions, reserved ones included
	bytes   int64     // that its sessions have stored, as far as it tells
	credit  int       // what round robin owes it
	resting time.Time // tried last until then, since it has failed a call
}

// newBalancer makes a balancer of the policy; nil means weightedLeast.
func newBalancer(choose policy, rest time.Duration) *balancer {
	if choose == nil {
		choose = weightedLeast
	}
	return &balancer{choose: choose, rest: rest}
}

// set replaces the servers, each with its configuration's weight and drain. One
// that was there before, or still has sessions, keeps its count.
func (b *balancer) set(servers []*mediaServer, configs []MediaServerConfig) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := append(b.servers, b.gone...)
	b.servers, b.gone = nil, nil
	for i, ms := range servers {
		var s *balanced
		for k, old := range known {
			if old != nil && (old.ms == ms || old.ms.cfg.Name == ms.cfg.Name && old.ms.cfg.URI == ms.cfg.URI) {
				s, known[k] = old, nil
				break
			}
		}
		if s == nil {
			s = &balanced{}
		}
		s.ms, s.weight, s.drained = ms, configs[i].Weight, configs[i].Drain
		b.servers = append(b.servers, s)
	}
	for _, old := range known {
		if old != nil && old.count > 0 {
			b.gone = append(b.gone, old)
		}
	}
}

// drain begins or ends the drain of a server: while it lasts, the server gets
// no new store sessions. It reports whether there is such a server.
func (b *balancer) drain(name string, on bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.servers {
		if s.ms.cfg.Name == name {
			s.drained = on
			return true
		}
	}
	return false
}

// reserve picks the best server whose channel is up, that is not drained and
// that skip does not name, and counts the session at once, so that calls
// arriving together do not all choose the same one. The release function takes
// the count back; calling it again does nothing. A nil server means that none
// can be had.
//
// Ties go to the lowest index. A server that has just failed a call is taken
// only when no other can be had: it may look the best for no better reason than
// that every call on it fails.
func (b *balancer) reserve(skip map[*mediaServer]bool) (*mediaServer, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	fit := make([]*balanced, 0, len(b.servers))
	var resting []*balanced
	for _, s := range b.servers {
		switch {
		case skip[s.ms] || s.drained || !s.ms.up():
		case now.Before(s.resting):
			resting = append(resting, s)
		default:
			fit = append(fit, s)
		}
	}
	if len(fit) == 0 {
		fit = resting
	}
	if len(fit) == 0 {
		return nil, func() {}
	}
	best := b.choose(fit)
	best.count++
	return best.ms, sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		best.count--
	})
}

// failed takes note that a call could not be set up on ms.
func (b *balancer) failed(ms *mediaServer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.servers {
		if s.ms == ms {
			s.resting = time.Now().Add(b.rest)
		}
	}
}

// stored takes note that a session on the named server has stored n bytes.
func (b *balancer) stored(name string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.servers {
		if s.ms.cfg.Name == name {
			s.bytes += n
		}
	}
}

// counts returns the live store sessions by media server name. Servers that
// are not configured any more are there as long as they have sessions.
func (b *balancer) counts() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := make(map[string]int, len(b.servers))
	for _, s := range b.gone {
		if s.count > 0 {
			m[s.ms.cfg.Name] += s.count
		}
	}
	for _, s := range b.servers {
		m[s.ms.cfg.Name] += s.count
	}
	return m
}

// statuses tell of every configured server, in order, what the balancer knows.
func (b *balancer) statuses() []MediaServerStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]MediaServerStatus, 0, len(b.servers))
	for _, s := range b.servers {
		st := s.ms.status()
		st.Weight, st.Drained, st.Sessions = s.weight, s.drained, s.count
		list = append(list, st)
	}
	return list
}
