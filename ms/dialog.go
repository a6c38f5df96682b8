package ms

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// A session is what the AS uses a dialog for.
type session interface {
	// receive takes a message of the user agent.
	receive(ctx context.Context, m *msrp.Incoming) error
	// idle reports whether the AS has no use for the session now: the AS may have gone.
	idle() bool
	// finish notifies the AS of what is kept, after the last message.
	finish()
	// logEnd writes the line about the session, which has ended with err if not nil.
	logEnd(began time.Time, err error)
}

// A dialog is a SIP dialog with the AS and its MSRP session, named by
// Call-ID;from-tag;to-tag. See the draft, section 2.3.1. A caller's offer begins a store
// session. A dialog without an offer is undecided, until the AS sends RestoreMsg for a store
// session, or SendMsg for a push session.
type dialog struct {
	id     string
	log    *slog.Logger
	remote remote
	link   *link
	tally  tally

	changed chan struct{} // of capacity 1: idle may have changed
	decided chan struct{} // closed when session is set
	over    chan struct{} // closed when nothing is stored any more, and the AS was notified

	mu      sync.Mutex
	session session
	call    *sipua.Call // nil before it is answered
}

func newDialog(id string, log *slog.Logger) *dialog {
	return &dialog{
		id: id, log: log, link: newLink(),
		changed: make(chan struct{}, 1), decided: make(chan struct{}), over: make(chan struct{}),
	}
}

// use returns the session of a dialog, which begin makes for an undecided dialog. It reports
// false if the dialog has a session of another type.
func use[S session](d *dialog, begin func() S) (S, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == nil {
		d.session = begin()
		close(d.decided)
		d.signal()
	}
	s, ok := d.session.(S)
	return s, ok
}

// current is the session, or nil of an undecided dialog.
func (d *dialog) current() session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.session
}

// signal has the wait for the end of the dialog look at idle again.
func (d *dialog) signal() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// idle reports whether the AS has no use for the dialog now: the AS may have gone.
func (d *dialog) idle() bool {
	s := d.current()
	return s == nil || s.idle()
}

// answered notes the call, when it has been answered.
func (d *dialog) answered(call *sipua.Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.call = call
}

// ending reports whether the call has ended, though messages may still be stored.
func (d *dialog) ending() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.call != nil && d.call.Ended()
}

// A link is the promise of a dialog's first MSRP session, for the push that waits for it.
type link struct {
	once    sync.Once
	ready   chan struct{} // closed when session or err is set
	session *msrp.Session
	err     error // why there will be no session
}

func newLink() *link { return &link{ready: make(chan struct{})} }

// settle gives the link its session, or the reason why it will have none. Only the first
// call counts.
func (l *link) settle(s *msrp.Session, err error) {
	l.once.Do(func() {
		l.session, l.err = s, err
		close(l.ready)
	})
}

// wait waits until settle was called.
func (l *link) wait(ctx context.Context) (*msrp.Session, error) {
	select {
	case <-l.ready:
		return l.session, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dialogs are the live dialogs by their id.
type dialogs struct {
	mu   sync.Mutex
	byID map[string]*dialog
}

func newDialogs() *dialogs { return &dialogs{byID: map[string]*dialog{}} }

// add adds a dialog until remove is called.
func (ds *dialogs) add(d *dialog) (remove func()) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.byID[d.id] = d
	return func() {
		ds.mu.Lock()
		defer ds.mu.Unlock()
		delete(ds.byID, d.id)
	}
}

// get returns nil if there is no dialog with that id.
func (ds *dialogs) get(id string) *dialog {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.byID[id]
}

func (ds *dialogs) all() []*dialog {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return slices.Collect(maps.Values(ds.byID))
}

// useBy is use for the dialog with that id. It reports false if there is none.
func useBy[S session](ds *dialogs, id string, begin func(*dialog) S) (s S, ok bool) {
	if d := ds.get(id); d != nil {
		s, ok = use(d, func() S { return begin(d) })
	}
	return s, ok
}
