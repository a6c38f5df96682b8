package balance

import (
	"sync"
	"time"
)

// A Balancer chooses servers. Its methods can be called from several goroutines.
type Balancer struct {
	choose func(fit []*balanced) *balanced // equation (1); tests compare others with it
	rest   time.Duration                   // how long a server that has failed a call is tried last

	mu      sync.Mutex
	servers []*balanced // in the order of the configuration
	gone    []*balanced // not configured any more, with sessions that go on
}

// New makes a Balancer without servers. A server that has failed a call is tried last for
// the time rest.
func New(rest time.Duration) *Balancer { return &Balancer{choose: weightedLeast, rest: rest} }

// Set replaces the servers. A server of a name and URI that were there before, or that
// still has sessions, keeps its count.
func (b *Balancer) Set(shares []Share) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := append(b.servers, b.gone...)
	b.servers, b.gone = nil, nil
	for _, share := range shares {
		var s *balanced
		for k, old := range known {
			if old != nil && old.Name() == share.Name() && old.URI() == share.URI() {
				s, known[k] = old, nil
				break
			}
		}
		if s == nil {
			s = &balanced{}
		}
		s.Share = share
		b.servers = append(b.servers, s)
	}
	for _, old := range known {
		if old != nil && old.Sessions > 0 {
			b.gone = append(b.gone, old)
		}
	}
}

// Drain begins or ends the drain of a server: while it lasts, the server gets no new store
// sessions. Drain reports whether there is such a server.
func (b *Balancer) Drain(name string, on bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.servers {
		if s.Name() == name {
			s.Drained = on
			return true
		}
	}
	return false
}

// Reserve chooses the best server that is up, is not drained and is not in skip, and counts
// a session for it. The release function takes the count back; calling it again does
// nothing. A nil server means that none can be chosen.
//
// Ties go to the first. A server that has just failed a call is chosen only when there is
// no other: it may look the best only because every call on it fails.
func (b *Balancer) Reserve(skip map[Server]bool) (Server, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	fit := make([]*balanced, 0, len(b.servers))
	var resting []*balanced
	for _, s := range b.servers {
		switch {
		case skip[s.Server] || s.Drained || !s.Up():
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
	best.Sessions++
	return best.Server, sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		best.Sessions--
	})
}

// Failed takes note that a call could not be set up on a server.
func (b *Balancer) Failed(server Server) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.servers {
		if s.Server == server {
			s.resting = time.Now().Add(b.rest)
		}
	}
}

// Counts returns the live store sessions by server name. Servers that are not configured
// any more are there as long as they have sessions.
func (b *Balancer) Counts() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := make(map[string]int, len(b.servers))
	for _, s := range b.gone {
		if s.Sessions > 0 {
			m[s.Name()] += s.Sessions
		}
	}
	for _, s := range b.servers {
		m[s.Name()] += s.Sessions
	}
	return m
}

// States returns what is known of every configured server, in their order.
func (b *Balancer) States() []State {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]State, 0, len(b.servers))
	for _, s := range b.servers {
		list = append(list, s.State)
	}
	return list
}
