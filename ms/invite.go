package ms

import (
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// handleInvite serves one SIP dialog until it has ended. What the INVITE
// offers tells what it is for.
func (s *Server) handleInvite(in *sipua.IncomingCall) {
	select {
	case <-s.bound:
	case <-s.life.ctx.Done():
	}
	if !s.life.tasks.Do(func() { s.serveDialog(in) }) {
		_ = in.Reject(503, "Server Is Closing") // the peer may be gone
	}
}

func (s *Server) serveDialog(in *sipua.IncomingCall) {
	log := s.dialogLog(in)
	in.SetLogger(log)
	kind, fault := kindOf(in.Body)
	log.Debug("dialog begins", "for", kind.String(), "connection", in.ID().String())
	var err error
	switch kind {
	case storeDialog:
		s.sessions.serve(in, log, true)
		return
	case pushDialog:
		s.sessions.serve(in, log, false)
		return
	case controlDialog:
		err = s.controls.withPlace(in, log, s.controls.serveControl)
	case infoDialog:
		err = s.controls.withPlace(in, log, s.controls.serveInfo)
	default:
		err = notAcceptable(in, s.cfg.Name, fault)
	}
	if err != nil {
		log.Info("call refused", "for", kind.String(), "err", err)
	}
}

// dialogLog is the logger of a call: its lines have the name that the AS's have, or
// the connection's identifier where the AS gives none.
func (s *Server) dialogLog(in *sipua.IncomingCall) *slog.Logger {
	if id := sessionID(in.Header("Session-ID")); id != "" {
		return s.log.With("session", id)
	}
	return s.log.With("connection", in.ID().String())
}

// sessionID is the identifier that a Session-ID header brings, which names the call
// in the AS's log too; "" without a good one. See RFC 7989.
func sessionID(header string) string {
	id, _, _ := strings.Cut(header, ";")
	if b, err := hex.DecodeString(id); err != nil || len(b) != 16 {
		return ""
	}
	return id
}

// A dialogKind is what an INVITE is for.
type dialogKind int

const (
	unknownDialog dialogKind = iota
	controlDialog
	infoDialog
	storeDialog
	pushDialog
)

// String is the kind as it is logged.
func (k dialogKind) String() string {
	switch k {
	case controlDialog:
		return "control"
	case infoDialog:
		return "control over INFO"
	case storeDialog:
		return "store"
	case pushDialog:
		return "push"
	}
	return "nothing"
}

// kindOf returns what an INVITE with that body is for; the error says why it is for
// nothing.
func kindOf(offer []byte) (dialogKind, error) {
	if len(offer) == 0 {
		return pushDialog, nil
	}
	if _, err := mscp.ParseSDP(offer); err == nil {
		return controlDialog, nil
	}
	if mscp.IsInfoSDP(offer) {
		return infoDialog, nil
	}
	m, err := msrp.ParseSDP(offer)
	switch {
	case errors.Is(err, msrp.ErrNoMSRP), err == nil && m.Rejected():
		return unknownDialog, errNoMedia
	case err != nil:
		return unknownDialog, err
	}
	return storeDialog, nil
}
