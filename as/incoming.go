package as

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/sipua"
)

// incoming takes the calls of the outside.
type incoming struct {
	gate      *access.Gate
	store     *storeService
	recipient string // the setting
	metrics   *metrics
	log       *slog.Logger
}

// serve serves a call that is within the limits, until it has ended, and rejects others.
func (i *incoming) serve(in *sipua.IncomingCall) {
	began := time.Now()
	caller, err := access.CallerOf(in)
	if err != nil {
		i.log.Warn("call refused: nobody is named as the caller", "source", in.Source, "call", in.ID().CallID, "err", err)
		i.metrics.setUp(&refusal{code: 400, err: err}, time.Since(began))
		_ = in.Reject(400, "Bad Request (P-Asserted-Identity)") // its caller may have cancelled
		return
	}
	recipient := recipientOf(in, i.recipient)
	end, over := i.gate.Begin(in, caller.Identity, recipient)
	if over == nil {
		defer end()
		i.store.serve(in, caller, recipient)
		return
	}
	code, reason := over.Code()
	i.metrics.setUp(&refusal{code: code, reason: reason, err: over}, time.Since(began))
	err = in.Reject(code, reason, sipua.Header{Name: "Retry-After", Value: over.RetryAfter()})
	if err != nil && !errors.Is(err, sipua.ErrCancelled) {
		i.log.Debug("refusal not sent", "err", fmt.Errorf("%s: %w", over.Why, err))
	}
}
