package presence

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/sipua"
)

// Settings say how the server learns who is reachable.
type Settings struct {
	Package string        `yaml:"package"` // presence, which "" means, reg, or register
	Rate    int           `yaml:"rate"`    // SUBSCRIBEs in a second, from 1 to 100,000
	Server  string        `yaml:"server"`
	Expires time.Duration `yaml:"expires"`
}

// The values of Settings.Package.
const (
	packagePresence = "presence"
	packageReg      = "reg"
	packageRegister = "register"
)

// maxRate is the largest rate of SUBSCRIBEs in a second.
const maxRate = 100_000

// Validate reports each setting that is wrong, with the name of its key.
func (s Settings) Validate(bad func(key, format string, args ...any)) {
	switch s.Package {
	case packagePresence, "", packageReg, packageRegister:
	default:
		bad("presence.package", "%q is none of presence, reg, register", s.Package)
	}
	if s.Rate < 1 || s.Rate > maxRate {
		bad("presence.rate", "%d is not from 1 to %d", s.Rate, maxRate)
	}
	if s.Server != "" {
		if err := sipua.CheckDestination(s.Server); err != nil {
			bad("presence.server", "%v", err)
		}
	}
	switch d := s.Expires; {
	case d <= 0:
		bad("presence.expires", "%v is not a positive duration", d)
	case d < time.Second:
		bad("presence.expires", "%v is less than 1s", d)
	}
}

// Methods are the requests that a server has to hand to [Source.Register].
func (s Settings) Methods() []string {
	if s.Package == packageRegister {
		return []string{string(sip.REGISTER)}
	}
	return nil
}

// Config is what a Source needs.
type Config struct {
	Settings
	UA    *sipua.UA
	From  string             // our own SIP URI
	Count func(state string) // counts notices: open, closed, unreadable or refused
	Log   *slog.Logger
}

// A Source says which recipients are reachable. It is safe for concurrent use.
type Source struct {
	cfg   Config
	pace  pace         // of SUBSCRIBEs
	quiet quietlog.Log // for documents that are not understood
	users *registrar   // nil without the package register
}

// New makes the source that the settings name. With the package register it looks up the
// registrar's address, for at most five seconds.
func New(cfg Config) (*Source, error) {
	s := &Source{cfg: cfg, pace: pace{rate: cfg.Rate}}
	switch cfg.Package {
	case packagePresence, "", packageReg:
	case packageRegister:
		var err error
		if s.users, err = newRegistrar(cfg.Server); err != nil {
			return nil, fmt.Errorf("presence.server: %w", err)
		}
	default:
		return nil, fmt.Errorf("presence.package: %q is not known", cfg.Package)
	}
	return s, nil
}

// Watch calls told with each notice about the recipient, one at a time, until stop, which
// waits for a call of told that is under way. News is false for a notice that only answers a
// SUBSCRIBE of ours, such as a refresh, and repeats the last one; otherwise the user may have
// registered anew. Told must not block. An error is about the request, not about the network.
func (s *Source) Watch(ctx context.Context, recipient string, told func(reachable, news bool)) (stop func(), err error) {
	counted := func(reachable, news bool) {
		state := "closed"
		if reachable {
			state = "open"
		}
		s.cfg.Count(state)
		told(reachable, news)
	}
	switch {
	case s.users != nil:
		return s.users.watch(recipient, counted), nil
	case s.cfg.Package == packageReg:
		return s.watchRegistrations(ctx, recipient, counted)
	}
	return s.watchPresence(ctx, recipient, counted)
}

// Registered returns the number of registered users; ok is false unless the package is
// register.
func (s *Source) Registered() (n int, ok bool) {
	if s.users == nil {
		return 0, false
	}
	return s.users.len(), true
}

// Close ends the timers of registrations.
func (s *Source) Close() {
	if s != nil && s.users != nil {
		s.users.close()
	}
}
