package presence

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/sipua/regevent"
)

// A subscriber subscribes to a presence server or a registrar.
type subscriber struct {
	cfg   Config
	pace  pace         // of SUBSCRIBEs
	quiet quietlog.Log // for documents that are not understood
}

// watchPresence subscribes to the presence event package, whose documents are PIDF. See
// RFC 3856 and 3863.
func (s *subscriber) watchPresence(ctx context.Context, recipient string, told func(reachable, news bool)) (func(), error) {
	var last lastDocument
	sub, err := s.cfg.UA.Subscribe(ctx, sipua.SubscribeRequest{
		URI: recipient, From: s.cfg.From, Event: "presence", Accept: "application/pidf+xml",
		Expires: s.cfg.Expires, Destination: s.cfg.Server, Pace: s.pace.wait,
		OnNotify: func(n sipua.Notification) {
			open, err := pidfOpen(n.ContentType, n.Body)
			if err != nil {
				s.cfg.Count("unreadable")
				s.quiet.Warn(s.cfg.Log, "presence document not understood; requesting it again", "unreadable", "recipient", recipient, "err", err)
				n.AskAgain()
				return
			}
			told(open, last.differs(n.Body) || !n.Solicited)
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

// watchRegistrations subscribes to the reg event package, which reports the registrations
// themselves. See RFC 3680.
func (s *subscriber) watchRegistrations(ctx context.Context, recipient string, told func(reachable, news bool)) (func(), error) {
	var last lastDocument
	sub, err := s.cfg.UA.WatchRegistrations(ctx, sipua.RegWatchRequest{
		AOR: recipient, From: s.cfg.From, Expires: s.cfg.Expires, Destination: s.cfg.Server, Pace: s.pace.wait,
		OnChange: func(r regevent.Registration) { told(r.Active(), last.differs(devices(r)) || !r.Solicited) },
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
