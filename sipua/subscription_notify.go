package sipua

import (
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"
)

// onNotify handles a NOTIFY for one of our subscriptions.
func (t *subscriptions) onNotify(req *sip.Request, tx sip.ServerTransaction) {
	key := dialogKey{req.CallID().Value(), tagOf(req.To().Params)}
	t.mu.Lock()
	s, e := t.live[key], t.ending[key]
	t.mu.Unlock()
	code, reason := 481, "" // [RFC6665-4.1.3]
	var headers []Header
	switch {
	case s != nil:
		code, reason, headers = s.notified(req)
	case e != nil && e.tag == tagOf(req.From().Params):
		if code, reason = checkNotify(req, e.event); code == 200 && isFinal(req) {
			t.endSubscription(key) // a repetition gets the same response, from the transaction
		}
	}
	if code == 500 {
		headers = retryLater()
	}
	t.ua.respond(req, tx, code, reason, headers...)
}

// notified handles a NOTIFY and returns the answer. Its Subscription-State counts even if
// its body is refused.
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
	if refused := n.read(req, s.goal.understood); refused != nil {
		s.misunderstood(refused)
		return refused.Status.Code, refused.Status.Reason, refused.Status.Headers // [RFC3261-8.2.3]
	}
	s.trouble.strange = false
	if !s.closing {
		s.r.OnNotify(n)
		if !s.wanted.Load() {
			s.documents.reset()
		}
	}
	return 200, "", nil
}

// read takes the document out of a NOTIFY: the whole body if no types are listed.
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

// misunderstood requests the state again, and logs the first of several such NOTIFYs in a
// row. s.mu is held.
func (s *Subscription) misunderstood(refused *BodyError) {
	s.wanted.Store(true)
	if !s.trouble.strange && !s.closing {
		s.notifier.log.note("NOTIFY refused; requesting the state again", "uri", s.r.URI, "event", s.r.Event, "code", refused.Status.Code, "err", refused)
	}
	s.trouble.strange = true
}

// follow notes the Subscription-State of a NOTIFY. s.mu is held.
func (s *Subscription) follow(now time.Time, st subscriptionState) {
	switch {
	case st.state == "terminated":
		s.ended = &st // its expires has no meaning [RFC6665-4.1.3]
	case st.hasExpires:
		s.told = now
		s.lasts(now, st.expires) // it is authoritative [RFC6665-4.1.3]
	}
}
