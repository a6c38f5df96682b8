package as

import (
	"errors"
	"fmt"
	"time"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/sipua"
)

// handleInvite serves one call from the outside until it has ended.
func (s *Server) handleInvite(in *sipua.IncomingCall) {
	if s.awaitReady() {
		s.tasks.Do(func() { s.serveLimited(in) })
	}
}

// awaitReady waits until everything is there that a call needs; it reports false if the
// server closes.
func (s *Server) awaitReady() bool {
	select {
	case <-s.ready:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// serveLimited serves a call that is within the limits, and rejects others.
func (s *Server) serveLimited(in *sipua.IncomingCall) {
	began := time.Now()
	caller, err := access.CallerOf(in)
	if err != nil {
		s.log.Warn("call refused: nobody is named as the caller", "source", in.Source, "call", in.ID().CallID, "err", err)
		s.metrics.setUp(&refusal{code: 400, err: err}, time.Since(began))
		_ = in.Reject(400, "Bad Request (P-Asserted-Identity)") // its caller may have cancelled
		return
	}
	end, over := s.gate.Begin(in, caller.Identity, recipientOf(in, s.cfg.Recipient))
	if over == nil {
		defer end()
		s.serveCall(in, caller)
		return
	}
	code, reason := over.Code()
	s.metrics.setUp(&refusal{code: code, reason: reason, err: over}, time.Since(began))
	err = in.Reject(code, reason, sipua.Header{Name: "Retry-After", Value: over.RetryAfter()})
	if err != nil && !errors.Is(err, sipua.ErrCancelled) {
		s.log.Debug("refusal not sent", "err", fmt.Errorf("%s: %w", over.Why, err))
	}
}
