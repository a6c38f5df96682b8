package as

import (
	"log/slog"

	"github.com/gomscp/gomscp/as/internal/mailbox"
)

// The reports are what media servers say of what they keep: notifications and inventories.
type reports struct {
	cfg       Config
	legs      *legs
	cluster   *cluster
	dir       *Directory
	mailboxes *mailbox.Mailboxes
	metrics   *metrics
	life      *lifetime
	log       *slog.Logger
	adding    chan struct{} // has a token for each report that adds an entry
}
