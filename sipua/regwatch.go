package sipua

import (
	"context"
	"time"
)

// RegWatchRequest describes a subscription to the registrations of a user. See
// RFC 3680. AOR, From and OnChange are needed.
type RegWatchRequest struct {
	AOR                string // whose registrations, also the Request-URI
	From               string // who asks
	Expires            time.Duration
	Destination        string // as in InviteRequest
	Username, Password string // as in SubscribeRequest
	// OnChange is called with what is known of the address of record, after
	// each notification, one at a time. Contacts that have ended are shown once.
	OnChange func(RegRecord)
	Pace     func(context.Context) bool // as in SubscribeRequest
}

// WatchRegistrations subscribes to the reg event package. The subscription is
// refreshed and made anew as that of Subscribe. After a document that cannot be read,
// or a partial one that does not follow the one before, the state is asked for again;
// what such a partial one says counts until then. A notification without a body says that there are no registrations.
func (ua *UA) WatchRegistrations(ctx context.Context, r RegWatchRequest) (*Subscription, error) {
	aor, err := CanonicalURI(r.AOR)
	if err != nil {
		return nil, err
	}
	w := &regWatch{state: RegState{aor: aor}, changed: r.OnChange, aor: r.AOR, ua: ua}
	return ua.Subscribe(ctx, SubscribeRequest{
		URI: r.AOR, From: r.From, Event: RegEvent, Accept: RegInfoType, Expires: r.Expires, Destination: r.Destination,
		Username: r.Username, Password: r.Password, OnNotify: w.notified, Pace: r.Pace,
	})
}

// A regWatch follows the notifications of one subscription, which come one at a
// time.
type regWatch struct {
	ua         *UA
	aor        string
	changed    func(RegRecord)
	state      RegState
	unreadable bool // the last document could not be read
}

func (w *regWatch) notified(n Notification) {
	if len(n.Body) == 0 {
		w.state = RegState{aor: w.state.aor}
		w.tell(n)
		return
	}
	info, err := ParseRegInfo(n.ContentType, n.Body)
	if err != nil {
		if !w.unreadable {
			w.ua.log.Info("reginfo document cannot be read; asking again", "aor", w.aor, "err", err)
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
	record := w.state.Record()
	record.Solicited = n.Solicited
	w.changed(record)
}
