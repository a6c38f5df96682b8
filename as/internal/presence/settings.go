package presence

import (
	"log/slog"
	"time"

	"github.com/emiago/sipgo/sip"

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
