package sipua

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
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

// A RegState puts together what documents tell of one address of record.
type RegState struct {
	aor     string
	begun   bool
	version uint32
	record  RegRecord
}

// NewRegState follows the registrations of an address of record; "" means the
// first that a document has.
func NewRegState(aor string) (*RegState, error) {
	if aor == "" {
		return &RegState{}, nil
	}
	aor, err := CanonicalURI(aor)
	return &RegState{aor: aor}, err
}

// Apply takes the next document. It returns false, and takes nothing, if a
// partial document does not follow the last: one was missed, and a full one is
// needed. See RFC 3680, section 6.
func (s *RegState) Apply(info *RegInfo) bool {
	if info.Partial {
		if !s.begun || info.Version > s.version+1 {
			return false
		}
		if info.Version <= s.version {
			return true // an old one, which is to be ignored
		}
	}
	s.begun, s.version = true, info.Version
	s.forgetEnded()
	if !info.Partial {
		s.record = RegRecord{}
	}
	for _, r := range info.Registrations {
		if s.isAbout(r) {
			s.merge(r)
		}
	}
	return true
}

// Record is what is known now. Contacts that the last document has ended are
// among it.
func (s *RegState) Record() RegRecord {
	r := s.record
	r.Contacts = append([]RegContact(nil), r.Contacts...)
	if r.State == "" {
		r.AOR, r.State = s.aor, "terminated"
	}
	return r
}

func (s *RegState) isAbout(r RegRecord) bool {
	if s.aor == "" {
		return s.record.AOR == "" || s.record.AOR == r.AOR
	}
	aor, err := CanonicalURI(r.AOR)
	return err == nil && aor == s.aor
}

// forgetEnded drops the contacts that were shown as ended.
func (s *RegState) forgetEnded() {
	kept := s.record.Contacts[:0:0]
	for _, c := range s.record.Contacts {
		if c.State == "active" {
			kept = append(kept, c)
		}
	}
	s.record.Contacts = kept
}

// merge takes what a document says of the address of record.
func (s *RegState) merge(r RegRecord) {
	old := s.record.Contacts
	s.record.AOR, s.record.ID, s.record.State = r.AOR, r.ID, r.State
	for _, c := range r.Contacts {
		found := false
		for i := range old {
			if found = old[i].ID == c.ID; found {
				old[i] = c
				break
			}
		}
		if !found {
			old = append(old, c)
		}
	}
	if r.State == "terminated" {
		for i := range old {
			old[i].State = "terminated" // with the registration, all of it ends
		}
	}
	s.record.Contacts = old
}

// A ThirdPartyRegister is a registrar's word, in a REGISTER of its own, that one
// of its users has registered or is there no more. See 3GPP TS 24.229, section
// 5.4.1.7.
type ThirdPartyRegister struct {
	AOR     string        // the user, canonical
	From    string        // the registrar, canonical; "" if its URI is of no known scheme
	Expires time.Duration // 0: the user is there no more
	Contact string        // the registrar's URI; "" if it tells none
	// Body is what the registrar adds, such as the user's own REGISTER, of type
	// ContentType.
	Body        []byte
	ContentType string
}

// ParseThirdPartyRegister reads a REGISTER that Handlers.Intercept or
// Handlers.Other has got. It tells nothing about who has sent it: see UA.Peer.
func ParseThirdPartyRegister(req *sip.Request) (ThirdPartyRegister, error) {
	aor, err := CanonicalURI(req.To().Address.String())
	if err != nil {
		return ThirdPartyRegister{}, err
	}
	from, _ := CanonicalURI(req.From().Address.String())
	r := ThirdPartyRegister{AOR: aor, From: from, Expires: defaultExpires, Body: req.Body(), ContentType: headerValue(req, "Content-Type")}
	if d, ok := parseSeconds(headerValue(req, "Expires")); ok {
		r.Expires = d
	}
	if c := req.Contact(); c != nil && !c.Address.Wildcard {
		r.Contact = c.Address.String()
		if v, ok := c.Params.Get("expires"); ok {
			if d, ok := parseSeconds(strings.TrimSpace(v)); ok {
				r.Expires = d // [RFC3261-10.2.1.1]
			}
		}
	}
	return r, nil
}
