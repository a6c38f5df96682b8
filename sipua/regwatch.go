package sipua

import (
	"context"
	"log/slog"
	"time"

	"github.com/gomscp/gomscp/sipua/regevent"
)

// RegWatchRequest describes a subscription to the registrations of a user. See
// RFC 3680. AOR, From and OnChange are needed.
type RegWatchRequest struct {
	AOR                string // the address of record, also the Request-URI
	From               string // the subscriber
	Expires            time.Duration
	Destination        string // as in InviteRequest
	Username, Password string // as in SubscribeRequest
	// OnChange gets the state of the address of record after each notification, one at
	// a time. Contacts that have ended are included once.
	OnChange func(regevent.Registration)
	Pace     func(context.Context) bool // as in SubscribeRequest
}

// WatchRegistrations subscribes to the reg event package. The subscription is refreshed
// and renewed as Subscribe does it. After a document that cannot be read, or after a
// partial document whose predecessor is missing, it requests the full state; a partial
// document counts until then. A notification without a body means no registrations.
func (ua *UA) WatchRegistrations(ctx context.Context, r RegWatchRequest) (*Subscription, error) {
	if _, err := CanonicalURI(r.AOR); err != nil {
		return nil, err
	}
	state, err := regevent.NewState(r.AOR)
	if err != nil {
		return nil, err
	}
	w := &regWatch{state: state, changed: r.OnChange, aor: r.AOR, log: ua.log}
	return ua.Subscribe(ctx, SubscribeRequest{
		URI: r.AOR, From: r.From, Event: regevent.Package, Accept: regevent.ContentType, Expires: r.Expires, Destination: r.Destination,
		Username: r.Username, Password: r.Password, OnNotify: w.notified, Pace: r.Pace,
	})
}

// A regWatch follows the notifications of one subscription, which come one at a
// time.
type regWatch struct {
	log        *slog.Logger
	aor        string
	changed    func(regevent.Registration)
	state      *regevent.State
	unreadable bool // the last document could not be read
}

func (w *regWatch) notified(n Notification) {
	if len(n.Body) == 0 {
		w.state, _ = regevent.NewState(w.aor) // WatchRegistrations has checked it
		w.tell(n)
		return
	}
	info, err := regevent.Parse(n.ContentType, n.Body)
	if err != nil {
		if !w.unreadable {
			w.log.Info("reginfo document cannot be read; requesting it again", "aor", w.aor, "err", err)
		}
		w.unreadable = true
		n.AskAgain()
		return
	}
	if !w.state.Apply(info) {
		n.AskAgain() // a refresh brings a full document [RFC3680-5.2]
	}
	w.tell(n)
}

func (w *regWatch) tell(n Notification) {
	w.unreadable = false
	record := w.state.Registration()
	record.Solicited = n.Solicited
	w.changed(record)
}
