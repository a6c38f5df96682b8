package ms

import (
	"log/slog"

	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/store"
)

// shared is what sessions, deliveries and the requests about them all use.
type shared struct {
	cfg     *Config
	log     *slog.Logger
	life    *lifecycle
	store   *store.Store
	memory  *memory.Pool
	metrics *metrics
	notices *notices
}
