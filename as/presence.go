package as

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/sipua/regevent"
)

// A presenceSource tells which recipients can be reached. What it says is a
// hint and a level, not an edge: the same word may come again and again, words
// may be lost, and by the time of the call the user may be gone again.
type presenceSource interface {
	// watch has told called with each word on the recipient, one at a time,
	// until stop, which waits for a call of told that is under way. told does
	// not block. An error is about the request, not about what the network does.
	watch(ctx context.Context, recipient string, told func(word)) (stop func(), err error)
}

// A word is what a presence source says of a recipient.
type word struct {
	reachable bool
	// news says that the user may have registered anew. It is false for what only
	// answers a SUBSCRIBE of ours, such as a refresh, and says the same as before.
	news bool
}

// maxPresenceRate is the largest presence.rate.
const maxPresenceRate = 100_000

// A pace has things begin at no more than a rate a second, beyond a burst of as
// many.
type pace struct {
	rate int

	mu   sync.Mutex
	next time.Time // when the next one is due
}

// wait waits for its turn; false if ctx ends first.
func (p *pace) wait(ctx context.Context) bool {
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	due := p.next.Add(-time.Second) // the burst
	p.next = p.next.Add(time.Second / time.Duration(p.rate))
	p.mu.Unlock()
	if !due.After(now) {
		return ctx.Err() == nil
	}
	t := time.NewTimer(due.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// newPresence makes the source that presence.package names.
func (s *Server) newPresence() (presenceSource, error) {
	switch s.cfg.Presence.Package {
	case "presence", "":
		return presencePackage{s}, nil
	case "reg":
		return regPackage{s}, nil
	case "register":
		r, err := newRegistrations(s)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
	return nil, checkPresencePackage(s.cfg.Presence.Package)
}

func checkPresencePackage(name string) error {
	switch name {
	case "presence", "", "reg", "register":
		return nil
	}
	return fmt.Errorf("presence.package: %q is none of presence, reg, register", name)
}

// presencePackage subscribes to the presence event package, whose documents are
// PIDF. See RFC 3856 and 3863.
type presencePackage struct{ s *Server }

func (p presencePackage) watch(ctx context.Context, recipient string, told func(word)) (func(), error) {
	var last lastDocument
	sub, err := p.s.ua.Subscribe(ctx, sipua.SubscribeRequest{
		URI: recipient, From: p.s.self, Event: "presence", Accept: "application/pidf+xml",
		Expires: p.s.cfg.Presence.Expires, Destination: p.s.cfg.Presence.Server, Pace: p.s.pace.wait,
		OnNotify: func(n sipua.Notification) {
			open, err := pidfOpen(n.ContentType, n.Body)
			if err != nil {
				p.s.metrics.presence.WithLabelValues("unreadable").Inc()
				p.s.quiet.Warn(p.s.log, "presence document not understood; asking again", "unreadable", "recipient", recipient, "err", err)
				n.AskAgain()
				return
			}
			told(word{open, last.differs(n.Body) || !n.Solicited})
		},
	})
	return stopOf(sub), err
}

// A lastDocument tells whether a document differs from the one before.
type lastDocument struct {
	sum   [sha256.Size]byte
	there bool
}

func (l *lastDocument) differs(document []byte) bool {
	sum := sha256.Sum256(document)
	differs := !l.there || sum != l.sum
	l.sum, l.there = sum, true
	return differs
}

// regPackage subscribes to the reg event package, which tells of registrations
// themselves. See RFC 3680.
type regPackage struct{ s *Server }

func (p regPackage) watch(ctx context.Context, recipient string, told func(word)) (func(), error) {
	var last lastDocument
	sub, err := p.s.ua.WatchRegistrations(ctx, sipua.RegWatchRequest{
		AOR: recipient, From: p.s.self, Expires: p.s.cfg.Presence.Expires, Destination: p.s.cfg.Presence.Server, Pace: p.s.pace.wait,
		OnChange: func(r regevent.Registration) { told(word{r.Active(), last.differs(devices(r)) || !r.Solicited}) },
	})
	return stopOf(sub), err
}

// devices stand for the contacts that are registered, in any order.
func devices(r regevent.Registration) []byte {
	var all []string
	for _, c := range r.Contacts {
		if c.State == "active" {
			all = append(all, c.URI+" "+c.CallID)
		}
	}
	slices.Sort(all)
	return []byte(strings.Join(all, "\n"))
}

func stopOf(sub *sipua.Subscription) func() {
	if sub == nil {
		return nil
	}
	return func() { sub.Close() }
}
