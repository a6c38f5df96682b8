package ms

import (
	"errors"

	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/sipua"
)

// sessions serve the dialogs that have media: store and push sessions.
type sessions struct {
	*shared
	quiet    *quietlog.Log
	msrp     *msrpPort
	dialogs  *dialogs
	controls *controls // for MSCP over INFO on these dialogs
}

// noMemory refuses a session, so that the AS takes another media server.
func (s *sessions) noMemory(in *sipua.IncomingCall) error {
	s.quiet.Warn(s.log, "session refused", "memory", "limit", s.cfg.Limits.Memory)
	return errors.Join(memory.ErrFull, in.Reject(503, "No Memory For It Now"))
}
