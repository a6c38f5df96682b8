package mailbox

import (
	"log/slog"
	"time"

	"github.com/gomscp/gomscp/internal/budget"
)

// Cost is how many bytes of Config.Memory a recipient with messages takes, subscription
// included.
const Cost = 8 << 10

// Config is what mailboxes need. The times are the settings push.delay, push.retry_min and
// push.retry_max.
type Config struct {
	Directory Directory
	Presence  Presence
	Pusher    Pusher

	Delay         time.Duration // between a notice of presence and the push
	RetryMin      time.Duration // between attempts; it grows up to RetryMax
	RetryMax      time.Duration
	MaxRecipients int
	Memory        *budget.Budget // nil: no limit

	Go  func(func()) bool // runs a goroutine that the server's end waits for
	Log *slog.Logger
}
