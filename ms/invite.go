package ms

import (
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// invites serve the INVITEs of the application servers.
type invites struct {
	*shared
	bound    chan struct{} // closed when everything is ready for them
	sessions *sessions
	controls *controls
}

// handleInvite serves one SIP dialog until it has ended. The offer in the INVITE says what it
// is for.
func (i *invites) handleInvite(in *sipua.IncomingCall) {
	select {
	case <-i.bound:
	case <-i.life.ctx.Done():
	}
	if !i.life.tasks.Do(func() { i.serveDialog(in) }) {
		_ = in.Reject(503, "Server Is Closing") // the peer may be gone
	}
}

func (i *invites) serveDialog(in *sipua.IncomingCall) {
	log := i.dialogLog(in)
	in.SetLogger(log)
	kind, fault := kindOf(in.Body)
	log.Debug("dialog begins", "for", kind.String(), "connection", in.ID().String())
	var err error
	switch kind {
	case storeDialog:
		i.serveSession(in, log, true)
		return
	case pushDialog:
		i.serveSession(in, log, false)
		return
	case controlDialog:
		err = i.controls.withPlace(in, log, i.controls.serveControl)
	case infoDialog:
		err = i.controls.withPlace(in, log, i.controls.serveInfo)
	default:
		err = notAcceptable(in, i.cfg.Name, fault)
	}
	if err != nil {
		log.Info("call refused", "for", kind.String(), "err", err)
	}
}

var errClosing = errors.New("the server is closing")

// serveSession serves a dialog, which Close lets come to its end, and logs a line about it.
// With an offer it is a store session.
func (i *invites) serveSession(in *sipua.IncomingCall, log *slog.Logger, offer bool) {
	began := time.Now()
	d := newDialog(in.ID().String(), log)
	defer close(d.over)
	serve := func() error { return i.sessions.serveOffer(in, d) }
	if offer {
		ss, _ := use(d, func() *storeSession { return newStoreSession(i.shared, d) })
		serve = func() error { return i.sessions.serveStore(in, ss) }
	}
	var err error
	if !i.life.sessions.Do(func() { err = serve() }) {
		err = errors.Join(errClosing, in.Reject(503, "Server Is Closing"))
	}
	if of := d.current(); of != nil {
		of.logEnd(began, err)
	} else {
		logPushEnd(d, store.Pair{}, false, began, err)
	}
}

// dialogLog is the logger of a call. Its lines have the same session as the AS's lines, or
// the connection's identifier if the AS sends no Session-ID.
func (i *invites) dialogLog(in *sipua.IncomingCall) *slog.Logger {
	if id := sessionID(in.Header("Session-ID")); id != "" {
		return i.log.With("session", id)
	}
	return i.log.With("connection", in.ID().String())
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
