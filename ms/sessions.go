package ms

import (
	"errors"
	"log/slog"
	"time"

	"github.com/gomscp/gomscp/internal/quietlog"
	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// sessions serve the dialogs that have media: store and push sessions.
type sessions struct {
	*shared
	log      *slog.Logger
	quiet    *quietlog.Log
	msrp     *msrpPort
	dialogs  *dialogs
	controls *controls // for MSCP over INFO on these dialogs
}

var errClosing = errors.New("the server is closing")

// serve serves a dialog, which Close lets come to its end, and logs a line about it. With an
// offer it is a store session.
func (s *sessions) serve(in *sipua.IncomingCall, log *slog.Logger, offer bool) {
	began := time.Now()
	d := newDialog(in.ID().String(), log)
	defer close(d.over)
	serve := func() error { return s.serveOffer(in, d) }
	if offer {
		ss, _ := use(d, func() *storeSession { return newStoreSession(s.shared, d) })
		serve = func() error { return s.serveStore(in, ss) }
	}
	var err error
	if !s.life.sessions.Do(func() { err = serve() }) {
		err = errors.Join(errClosing, in.Reject(503, "Server Is Closing"))
	}
	if of := d.current(); of != nil {
		of.logEnd(began, err)
	} else {
		logPushEnd(d, store.Pair{}, false, began, err)
	}
}

// noMemory refuses a session, so that the AS takes another media server.
func (s *sessions) noMemory(in *sipua.IncomingCall) error {
	s.quiet.Warn(s.log, "session refused", "memory", "limit", s.cfg.Limits.Memory)
	return errors.Join(memory.ErrFull, in.Reject(503, "No Memory For It Now"))
}

// counts are the live store sessions, and the dialogs that are for a push or undecided.
func (ds *dialogs) counts() (store, push int) {
	for _, d := range ds.all() {
		if _, ok := d.current().(*storeSession); ok {
			store++
		} else {
			push++
		}
	}
	return store, push
}
