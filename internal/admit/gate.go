package admit

import (
	"container/list"
	"errors"
	"maps"
	"net"
	"net/netip"
	"sync"
)

// Limits are the limits of a Gate, in places; 0 means no limit.
type Limits struct {
	Source int // of one source that is not a peer
	All    int // of all strangers
	Peers  int // of all peers, in addition to the strangers
}

// Why a place is refused, or taken away, as metrics and logs have it.
const (
	ReasonSource  = "source"  // the source has reached its limit
	ReasonAll     = "all"     // no place of strangers is free, and all connections are proved
	ReasonPeers   = "peers"   // no place of peers is free
	ReasonEvicted = "evicted" // a new connection has replaced this one
	ReasonLate    = "late"    // the connection was not proved in time
	ReasonRate    = "rate"    // too many requests a second
)

// A Refusal is the error of Enter. Reason is one of the Reason constants.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string {
	switch r.Reason {
	case ReasonSource:
		return "the source has reached its limit"
	case ReasonPeers:
		return "the limit of peers is reached"
	}
	return "the limit of strangers is reached"
}

// ErrEvicted is the error of a connection that a new one has replaced.
var ErrEvicted = errors.New("a new connection has replaced it")

// Source returns the source of an address: an IPv4 address, or the /64 of an IPv6
// address, because the owner of one such address usually has all of them.
func Source(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an invalid address makes the zero Prefix
	return p
}

// A Gate counts places by source. It is safe for concurrent use.
type Gate struct {
	mu        sync.Mutex
	limits    Limits
	peers     int
	strangers int
	sources   map[netip.Prefix]*source
	ranks     []*list.List // by places: the sources that have one that can be taken away
	refused   map[string]uint64
}

// A source is one that holds places.
type source struct {
	key  netip.Prefix
	held int
	open list.List     // of *Place: those that have proved nothing, the oldest first
	rank *list.Element // in ranks[held], while open is not empty
}

// NewGate returns a Gate with these limits.
func NewGate(l Limits) *Gate {
	return &Gate{limits: l, sources: map[netip.Prefix]*source{}, refused: map[string]uint64{}}
}

// SetLimits replaces the limits. Connections that have a place keep it.
func (g *Gate) SetLimits(l Limits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits = l
}

// A Place is in use until Leave. Its methods may be called again.
type Place struct {
	gate   *Gate
	source *source       // nil of a peer
	elem   *list.Element // in source.open; nil of one that is proved
	evict  func()
	left   bool
}

// Enter takes a place for a connection from that address. The error is a *Refusal. evict
// must close the connection without blocking. It is called once, by the goroutine of
// another Enter, if the place is taken away before Prove, Promote or Leave.
func (g *Gate) Enter(from netip.Addr, peer bool, evict func()) (*Place, error) {
	p, victim, err := g.enter(from, peer, evict)
	if victim != nil {
		victim.evict()
	}
	return p, err
}

func (g *Gate) enter(from netip.Addr, peer bool, evict func()) (p, victim *Place, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if peer {
		if g.limits.Peers > 0 && g.peers >= g.limits.Peers {
			return nil, nil, g.refuse(ReasonPeers)
		}
		g.peers++
		return &Place{gate: g}, nil, nil
	}
	key := Source(from)
	s := g.sources[key]
	if s != nil && g.limits.Source > 0 && s.held >= g.limits.Source {
		return nil, nil, g.refuse(ReasonSource)
	}
	if g.limits.All > 0 && g.strangers >= g.limits.All {
		if victim = g.victim(s); victim == nil {
			return nil, nil, g.refuse(ReasonAll)
		}
		g.refused[ReasonEvicted]++
		victim.leave()
	}
	if s = g.sources[key]; s == nil { // the victim may have been its last
		s = &source{key: key}
		g.sources[key] = s
	}
	p = &Place{gate: g, source: s, evict: evict}
	g.strangers++
	g.change(s, func() { s.held++; p.elem = s.open.PushBack(p) })
	return p, victim, nil
}

func (g *Gate) refuse(reason string) error {
	g.refused[reason]++
	return &Refusal{reason}
}

// victim is the place that a newcomer of that source gets, nil if there is none: the
// oldest of the source with the most, but none of a source with no more than its own.
func (g *Gate) victim(own *source) *Place {
	for held := len(g.ranks) - 1; held > 0; held-- {
		if g.ranks[held].Len() == 0 {
			continue
		}
		s := g.ranks[held].Front().Value.(*source)
		if own != nil && own.held >= held {
			s = own
		}
		if s.open.Len() == 0 {
			return nil
		}
		return s.open.Front().Value.(*Place)
	}
	return nil
}

// change changes what a source holds, and keeps its rank. g.mu is held.
func (g *Gate) change(s *source, f func()) {
	if s.rank != nil {
		g.ranks[s.held].Remove(s.rank)
		s.rank = nil
	}
	f()
	for len(g.ranks) <= s.held {
		g.ranks = append(g.ranks, list.New())
	}
	switch {
	case s.held == 0:
		delete(g.sources, s.key)
	case s.open.Len() > 0:
		s.rank = g.ranks[s.held].PushBack(s)
	}
}

// Prove marks the connection as proved, so that no new connection replaces it.
func (p *Place) Prove() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	if p.left || p.elem == nil {
		return
	}
	s := p.source
	p.gate.change(s, func() { s.open.Remove(p.elem); p.elem = nil })
}

// Promote makes the place one of a peer, because the connection was found to be a peer's.
// It reports false if the limit of peers is reached; the place then stays a stranger's.
func (p *Place) Promote() bool {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.left || p.source == nil {
		return p.source == nil
	}
	if g.limits.Peers > 0 && g.peers >= g.limits.Peers {
		_ = g.refuse(ReasonPeers)
		return false
	}
	p.leave()
	p.left, p.source = false, nil
	g.peers++
	return true
}

// Leave frees the place.
func (p *Place) Leave() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.leave()
}

// leave gives the place back. The gate's mu is held.
func (p *Place) leave() {
	if p.left {
		return
	}
	p.left = true
	g, s := p.gate, p.source
	if s == nil {
		g.peers--
		return
	}
	g.strangers--
	g.change(s, func() {
		s.held--
		if p.elem != nil {
			s.open.Remove(p.elem)
			p.elem = nil
		}
	})
}

// Count counts a refusal that was decided elsewhere.
func (g *Gate) Count(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused[reason]++
}

// Counts has the places in use at a port, and the number of refusals.
type Counts struct {
	Peers, Strangers, Sources int
	Refused                   map[string]uint64 // by reason
}

// Counts returns the places in use, and the refusals since the start.
func (g *Gate) Counts() Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return Counts{Peers: g.peers, Strangers: g.strangers, Sources: len(g.sources), Refused: maps.Clone(g.refused)}
}

// AddrOf returns the IP address of a, or an invalid address if a has none.
func AddrOf(a net.Addr) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
