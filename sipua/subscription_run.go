package sipua

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// Subscribe begins a subscription. An error is about the request only; network errors are
// handled in the background.
func (ua *UA) Subscribe(_ context.Context, r SubscribeRequest) (*Subscription, error) {
	s := &Subscription{table: ua.subs, ua: ua.agent, r: r, wake: make(chan struct{}, 1), done: make(chan struct{})}
	s.pauses.timers = &ua.cfg.timers
	s.documents.timers = &timers{retryMin: ua.cfg.timers.retryMin, retryMax: ua.cfg.timers.unreadable}
	if err := sip.ParseUri(r.URI, &s.goal.uri); err != nil {
		return nil, fmt.Errorf("sipua: URI %q: %w", r.URI, err)
	}
	from, err := parseFrom(r.From)
	if err != nil {
		return nil, err
	}
	if s.goal.auth = (login{r.Username, r.Password}); s.goal.auth.user == "" {
		s.goal.auth.user = from.Address.User
	}
	s.goal.to = uriTarget(&s.goal.uri)
	if r.Destination != "" {
		var err error
		if s.goal.to, err = parseDestination(r.Destination); err != nil {
			return nil, err
		}
	}
	s.goal.understood = accepted(r.Accept)
	if s.asked = r.Expires; s.asked <= 0 {
		s.asked = defaultExpires
	}
	ctx, cancel := context.WithCancel(ua.ctx)
	s.cancel = cancel
	s.notifier = ua.subs.join(s)
	if !ua.goroutine(func() { s.run(ctx) }) {
		cancel()
		s.notifier.leave(s)
		return nil, ErrClosed
	}
	return s, nil
}

// accepted returns the types of an Accept header. Their disposition is render, which is
// the default for a body without a disposition. See RFC 3261, section 20.11. A body
// without a type is treated as the first type, because the event package defines one and
// the document identifies itself.
func accepted(accept string) Understood {
	u := Understood{Disposition: "render", untyped: true}
	for value := range strings.SplitSeq(accept, ",") {
		if v, ok := grammar.ReadValue(value); ok && v.Main != "" {
			u.Types = append(u.Types, v.Main)
		}
	}
	return u
}

// Close ends the subscription. It sends SUBSCRIBE with Expires: 0 and waits a bounded
// time for the response. The last NOTIFY is still answered, but OnNotify is not called
// any more.
func (s *Subscription) Close() error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.cancel()
	<-s.done
	return nil
}

// run owns the dialog: only run creates and drops it.
func (s *Subscription) run(ctx context.Context) {
	defer close(s.done)
	defer s.notifier.leave(s)
	for s.await(ctx) {
		s.ask(ctx)
	}
	s.unsubscribe()
}

// await waits until a SUBSCRIBE is due; false if ctx ends first.
func (s *Subscription) await(ctx context.Context) bool {
	for ctx.Err() == nil {
		wait := s.look(time.Now())
		if wait <= 0 {
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return false
}

// look checks the state of the dialog and returns how long to wait before the next
// SUBSCRIBE or the next look; 0 means that a SUBSCRIBE is due.
func (s *Subscription) look(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended != nil:
		s.setBack(now, termination(*s.ended))
	case passed(s.timerN, now): // [RFC6665-4.1.2.4], and 4.1.2.2 for a refresh
		b := setback{cause: "no NOTIFY", remedy: askLater, ends: true}
		if s.confirmed {
			b.remedy = askAtOnce
		}
		s.setBack(now, b)
	case s.dialog != nil && passed(s.expires, now):
		s.setBack(now, setback{cause: "expired", remedy: askAtOnce, ends: true})
	}
	if s.wanted.Swap(false) {
		if due := now.Add(s.documents.step(askLater, 0)); due.Before(s.due) {
			s.due = due
		}
	}
	if s.lastOK.Before(s.suspect) && s.dialog != nil {
		return 0
	}
	next := s.due
	for _, t := range []time.Time{s.timerN, s.expires, s.recovered(now)} {
		if !t.IsZero() && t.Before(next) && t.After(now) {
			next = t
		}
	}
	return next.Sub(now)
}

func passed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// recovered ends the trouble once the subscription has lived for a while. Until then it
// returns when that will be. s.mu is held.
func (s *Subscription) recovered(now time.Time) (when time.Time) {
	if s.trouble.cause == "" || !s.confirmed || s.since.IsZero() {
		return time.Time{}
	}
	if when = s.since.Add(s.ua.cfg.timers.settled); when.After(now) {
		return when
	}
	if s.trouble.logged {
		s.notifier.log.note("subscription works again", "uri", s.r.URI, "event", s.r.Event, "after", s.trouble.cause)
	}
	s.trouble.cause, s.trouble.logged = "", false
	s.pauses.reset()
	return time.Time{}
}

// setBack schedules the next attempt as b requires, and logs b if it is new. s.mu is
// held.
func (s *Subscription) setBack(now time.Time, b setback) {
	s.recovered(now)
	if s.confirmed && now.Sub(s.since) >= s.ua.cfg.timers.settled {
		s.pauses.reset() // it has lived for a while
	}
	pause := s.pauses.step(b.remedy, b.after)
	s.due, s.timerN, s.suspect = now.Add(pause), time.Time{}, time.Time{}
	if b.ends {
		s.drop()
	}
	if s.trouble.cause == b.cause || s.closing {
		return
	}
	s.trouble.cause, s.trouble.logged = b.cause, true
	s.notifier.log.note("subscription fails; trying again later", "uri", s.r.URI, "event", s.r.Event, "cause", b.cause, "detail", b.detail, "in", pause)
}

// refreshIfOlder refreshes the subscription now if its notifier has not confirmed it
// since that moment. A subscription without a dialog waits for its scheduled time.
func (s *Subscription) refreshIfOlder(than time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialog != nil && s.lastOK.Before(than) {
		s.suspect = than
		s.wakeUp()
	}
}
