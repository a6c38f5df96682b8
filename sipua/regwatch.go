package sipua

import (
	"context"
	"sync"
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
}

// WatchRegistrations subscribes to the reg event package. The subscription is
// refreshed and made anew as that of Subscribe. A partial document that does not
// follow the one before brings about a new subscription, whose first document
// has all there is. A notification that cannot be read is logged, and ignored;
// one without a body says that there are no registrations.
func (ua *UA) WatchRegistrations(ctx context.Context, r RegWatchRequest) (*Subscription, error) {
	aor, err := CanonicalURI(r.AOR)
	if err != nil {
		return nil, err
	}
	w := &regWatch{state: RegState{aor: aor}, changed: r.OnChange, aor: r.AOR, ua: ua}
	s, err := ua.Subscribe(ctx, SubscribeRequest{
		URI: r.AOR, From: r.From, Event: RegEvent, Accept: RegInfoType, Expires: r.Expires, Destination: r.Destination,
		Username: r.Username, Password: r.Password, OnNotify: w.notified,
	})
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subscription = s
	if w.gap {
		s.again()
	}
	return s, nil
}

// A regWatch follows the notifications of one subscription.
type regWatch struct {
	ua      *UA
	aor     string
	changed func(RegRecord)
	state   RegState // for notified, which is called by one goroutine at a time

	mu           sync.Mutex
	subscription *Subscription
	gap          bool // a document was missed before subscription was set
}

func (w *regWatch) notified(n Notification) {
	if len(n.Body) == 0 {
		w.state = RegState{aor: w.state.aor}
		w.changed(w.state.Record())
		return
	}
	info, err := ParseRegInfo(n.Body)
	if err != nil {
		w.ua.log.Info("reginfo document ignored", "aor", w.aor, "err", err)
		return
	}
	if !w.state.Apply(info) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.gap = true
		if w.subscription != nil {
			w.subscription.again()
		}
		return
	}
	w.changed(w.state.Record())
}

// again has the subscription begin anew.
func (s *Subscription) again() {
	select {
	case s.lost <- struct{}{}:
	default:
	}
}
