package sipua

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// Notification is one NOTIFY.
type Notification struct {
	State       string // of the subscription: active, pending or terminated
	Reason      string // why it is terminated
	ContentType string // of Body, with its parameters
	// Body is the document: with an Accept in the SubscribeRequest the first body
	// that it lists, which may be a part of a multipart; nil if nothing but blanks
	// has come.
	Body []byte
	CSeq uint32
	// Solicited says that a SUBSCRIBE of ours was waiting for it, a refresh
	// perhaps: it need not mean that anything has changed. It is false where the
	// subscription before was lost, since what has changed meanwhile was not told.
	Solicited bool

	subscription *Subscription
}

// AskAgain has the state asked for again, by a refresh of the subscription, since
// that of the notification could not be used. The pause before grows each time, up to
// ten minutes, until a notification was used.
func (n Notification) AskAgain() {
	if n.subscription != nil {
		n.subscription.wanted.Store(true)
		n.subscription.wakeUp()
	}
}

// A subscriptionState is the value of a Subscription-State header. See RFC 6665,
// section 8.2.3.
type subscriptionState struct {
	state      string // in lower case
	reason     string // in lower case
	expires    time.Duration
	hasExpires bool
	retryAfter time.Duration
}

// parseSubscriptionState reads the header, of which there must be one. A time that
// cannot be read counts as left out: the state does not depend on it.
func parseSubscriptionState(headers []sip.Header) (st subscriptionState, err error) {
	if len(headers) != 1 {
		return st, fmt.Errorf("%d Subscription-State headers", len(headers))
	}
	value, ok := grammar.TidyParams(headers[0].Value())
	if !ok {
		return st, fmt.Errorf("Subscription-State")
	}
	state, params, _ := strings.Cut(value, ";")
	st.state = strings.ToLower(state)
	for param := range strings.SplitSeq(params, ";") {
		name, v, _ := strings.Cut(param, "=")
		v = strings.Trim(v, `"`)
		switch strings.ToLower(name) {
		case "reason":
			st.reason = strings.ToLower(v)
		case "expires":
			st.expires, st.hasExpires = grammar.DeltaSeconds(v)
		case "retry-after":
			st.retryAfter, _ = grammar.DeltaSeconds(v)
		}
	}
	return st, nil
}

// onNotify takes a NOTIFY for one of our subscriptions.
func (ua *UA) onNotify(req *sip.Request, tx sip.ServerTransaction) {
	key := dialogKey{req.CallID().Value(), tagOf(req.To().Params)}
	ua.mu.Lock()
	s, e := ua.subs[key], ua.ending[key]
	ua.mu.Unlock()
	code, reason := 481, "" // [RFC6665-4.1.3]
	var headers []Header
	switch {
	case s != nil:
		code, reason, headers = s.notified(req)
	case e != nil && e.tag == tagOf(req.From().Params):
		if code, reason = checkNotify(req, e.event); code == 200 && isFinal(req) {
			ua.endSubscription(key) // a repetition gets the same response, from the transaction
		}
	}
	if code == 500 {
		headers = retryLater()
	}
	ua.respond(req, tx, code, reason, headers...)
}

// checkNotify tells how a NOTIFY of a dialog of ours is answered.
func checkNotify(req *sip.Request, event string) (code int, reason string) {
	events := req.GetHeaders("Event")
	if len(events) != 1 {
		return 400, fmt.Sprintf("Bad Request (%d Event headers)", len(events)) // [RFC6665-8.2.1]
	}
	if name, id := eventOf(events[0].Value()); !sameEvent(name, id, event) {
		if own, _ := eventOf(event); own == name {
			return 481, "" // of this package, but another subscription
		}
		return 489, "Bad Event" // [RFC6665-4.1.3]
	}
	if _, err := parseSubscriptionState(req.GetHeaders("Subscription-State")); err != nil {
		return 400, "Bad Request (" + err.Error() + ")" // [RFC6665-4.1.3]
	}
	return 200, ""
}

func isFinal(req *sip.Request) bool {
	st, err := parseSubscriptionState(req.GetHeaders("Subscription-State"))
	return err == nil && st.state == "terminated"
}

// eventOf are the event type and the id of an Event header's value.
func eventOf(value string) (name, id string) {
	name, params, _ := strings.Cut(value, ";")
	for param := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(param), "="); strings.EqualFold(k, "id") {
			id = v
		}
	}
	return strings.TrimSpace(name), id
}

// sameEvent compares as RFC 6665, section 8.2.1, has it: byte by byte.
func sameEvent(name, id, event string) bool {
	n, i := eventOf(event)
	return n == name && i == id
}

// notified takes a NOTIFY, and tells how it is answered. What one says of the
// subscription counts even if its body is refused: only the document is missing.
func (s *Subscription) notified(req *sip.Request) (code int, reason string, headers []Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, tag := s.dialog, tagOf(req.From().Params)
	if d == nil || s.ended != nil || s.confirmed && tagOf(d.remote.Params) != tag {
		return 481, "", nil // another branch of a fork; one is enough [RFC3856-6.9], [RFC3680-4.9]
	}
	if code, reason = checkNotify(req, s.r.Event); code != 200 {
		return code, reason, nil
	}
	seq := req.CSeq().SeqNo
	if s.confirmed && seq < d.remoteSeq {
		return 500, "", nil // [RFC3261-12.2.2]
	}
	now := time.Now()
	if !s.confirmed {
		s.learn(tag, req.Contact(), recordRoutes(req))
		s.confirmed, s.since = true, now
	} else {
		refreshTarget(d, req.Contact())
	}
	d.remoteSeq = seq
	st, _ := parseSubscriptionState(req.GetHeaders("Subscription-State"))
	n := Notification{State: st.state, Reason: st.reason, CSeq: seq, Solicited: !s.timerN.IsZero() && !s.missed, subscription: s}
	s.timerN, s.missed = time.Time{}, false
	s.follow(now, st)
	defer s.wakeUp()
	if refused := n.read(req, s.understood); refused != nil {
		s.misunderstood(refused)
		return refused.Status.Code, refused.Status.Reason, refused.Status.Headers // [RFC3261-8.2.3]
	}
	s.strange = false
	if !s.closing {
		s.r.OnNotify(n)
		if !s.wanted.Load() {
			s.documents.reset()
		}
	}
	return 200, "", nil
}

// read takes the document out of a NOTIFY: its whole body if nothing says what is
// understood.
func (n *Notification) read(req *sip.Request, u Understood) *BodyError {
	if len(u.Types) == 0 {
		n.ContentType, n.Body = headerValue(req, "Content-Type"), req.Body()
		return nil
	}
	b, err := FindBody(req, u)
	var refused *BodyError
	if errors.As(err, &refused) {
		return refused
	}
	if b != nil {
		n.ContentType, n.Body = b.ContentType, b.Content
	}
	return nil
}

// misunderstood has the state asked for again, as for a document that cannot be read,
// and logs the first of such NOTIFYs in a row. s.mu is held.
func (s *Subscription) misunderstood(refused *BodyError) {
	s.wanted.Store(true)
	if !s.strange && !s.closing {
		s.notifier.log.note("NOTIFY refused; asking again", "uri", s.r.URI, "event", s.r.Event, "code", refused.Status.Code, "err", refused)
	}
	s.strange = true
}

// follow takes what a NOTIFY says of the subscription. s.mu is held.
func (s *Subscription) follow(now time.Time, st subscriptionState) {
	switch {
	case st.state == "terminated":
		s.ended = &st // its expires has no meaning [RFC6665-4.1.3]
	case st.hasExpires:
		s.told = now
		s.lasts(now, st.expires) // it is authoritative [RFC6665-4.1.3]
	}
}
