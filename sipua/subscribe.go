package sipua

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// SubscribeRequest describes a subscription. URI, From, Event and OnNotify are
// needed.
type SubscribeRequest struct {
	URI   string // whose state, also the To header
	From  string // who asks
	Event string // the event package, "presence"
	// Accept lists the media types that are understood, separated by commas. A NOTIFY
	// with another body, or with one for another purpose than to be read, is refused
	// with 415; "" hands on what comes. See FindBody.
	Accept      string
	Expires     time.Duration // how long one subscription lasts; 0 means an hour
	Destination string        // as in InviteRequest
	// Username and Password answer a digest challenge; Username "" means the
	// user of From.
	Username, Password string
	// OnNotify is called for each notification, one at a time and in the order
	// of their CSeq; an older one that comes late is refused.
	OnNotify func(Notification)
	// Pace, if set, is called before every SUBSCRIBE and returns when it may be
	// sent; false drops it, as when ctx has ended. With one for many subscriptions,
	// a presence server is never asked for all of them at once.
	Pace func(ctx context.Context) bool
}

// A Subscription lasts until it is closed. It is refreshed in time, and made anew
// when the notifier has ended it, forgotten it, or refused it: at once, or after a
// pause that depends on the reason and that grows until a subscription has lived for
// a minute. When one of the subscriptions at a notifier turns out to be forgotten,
// when a connection to it has ended, or when it answers again after a silence, all
// of them are refreshed. See RFC 6665, sections 4.1.2 and 4.1.3.
type Subscription struct {
	ua       *UA
	r        SubscribeRequest
	uri      sip.Uri
	to       target
	notifier *notifier

	auth       login
	understood Understood // in a NOTIFY; no types: whatever comes

	wake   chan struct{} // of capacity 1: something under mu has changed
	wanted atomic.Bool   // the last state could not be used: see Notification.AskAgain
	cancel context.CancelFunc
	done   chan struct{}

	mu        sync.Mutex // also orders OnNotify
	dialog    *dialog    // nil between subscriptions
	key       dialogKey
	confirmed bool               // a NOTIFY has made the dialog
	missed    bool               // a dialog was lost, and with it NOTIFYs perhaps
	ended     *subscriptionState // of the NOTIFY that has ended it
	closing   bool               // Close was called: nothing more is handed on

	asked   time.Duration      // the Expires that is asked for
	due     time.Time          // when the next SUBSCRIBE is
	expires time.Time          // when the dialog ends if it is not refreshed
	timerN  time.Time          // by when a NOTIFY must have come; zero if none must
	giveUp  context.CancelFunc // of the SUBSCRIBE that is under way
	told    time.Time          // when a NOTIFY has last said how long the dialog lasts

	since     time.Time // when the dialog was made
	lastOK    time.Time // when the last SUBSCRIBE was sent that was accepted
	suspect   time.Time // a dialog that was last confirmed before may be lost
	pauses    pauses
	documents pauses // before a state that could not be used is asked for again
	trouble   string // the cause of the last setback, until the subscription has lived for a while
	logged    bool   // it is in the log
	strange   bool   // the last NOTIFY was refused for its body
}

const defaultExpires = time.Hour

// Subscribe begins a subscription. An error is about the request only; what
// the network does comes and goes in the background.
func (ua *UA) Subscribe(_ context.Context, r SubscribeRequest) (*Subscription, error) {
	s := &Subscription{ua: ua, r: r, wake: make(chan struct{}, 1), done: make(chan struct{})}
	s.pauses.timers = &ua.cfg.timers
	s.documents.timers = &timers{retryMin: ua.cfg.timers.retryMin, retryMax: ua.cfg.timers.unreadable}
	if err := sip.ParseUri(r.URI, &s.uri); err != nil {
		return nil, fmt.Errorf("sipua: URI %q: %w", r.URI, err)
	}
	from, err := parseFrom(r.From)
	if err != nil {
		return nil, err
	}
	if s.auth = (login{r.Username, r.Password}); s.auth.user == "" {
		s.auth.user = from.Address.User
	}
	s.to = uriTarget(&s.uri)
	if r.Destination != "" {
		var err error
		if s.to, err = parseDestination(r.Destination); err != nil {
			return nil, err
		}
	}
	s.understood = accepted(r.Accept)
	if s.asked = r.Expires; s.asked <= 0 {
		s.asked = defaultExpires
	}
	ctx, cancel := context.WithCancel(ua.ctx)
	s.cancel = cancel
	s.notifier = ua.join(s)
	if !ua.goroutine(func() { s.run(ctx) }) {
		cancel()
		s.notifier.leave(s)
		return nil, ErrClosed
	}
	return s, nil
}

// accepted is what an Accept header lists, to be shown to the user: that is what a body
// is for that names no disposition. See RFC 3261, section 20.11. A body that names no
// type is taken for one of the first: the event package has one, and the document says
// itself what it is.
func accepted(accept string) Understood {
	u := Understood{Disposition: "render", untyped: true}
	for value := range strings.SplitSeq(accept, ",") {
		if v, ok := grammar.ReadValue(value); ok && v.Main != "" {
			u.Types = append(u.Types, v.Main)
		}
	}
	return u
}

// Close ends the subscription, and tells the notifier if it answers soon. Its last
// NOTIFY is still answered. OnNotify is not called any more.
func (s *Subscription) Close() error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.cancel()
	<-s.done
	return nil
}

func (s *Subscription) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run owns the dialog: it alone makes one and drops it.
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

// look takes what has become of the dialog, and tells how long to wait before the
// next SUBSCRIBE or the next look; 0 means that a SUBSCRIBE is due.
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

// recovered forgets the trouble there was once the subscription has lived for a
// while; until then it tells when that will be. s.mu is held.
func (s *Subscription) recovered(now time.Time) (when time.Time) {
	if s.trouble == "" || !s.confirmed || s.since.IsZero() {
		return time.Time{}
	}
	if when = s.since.Add(s.ua.cfg.timers.settled); when.After(now) {
		return when
	}
	if s.logged {
		s.notifier.log.note("subscription works again", "uri", s.r.URI, "event", s.r.Event, "after", s.trouble)
	}
	s.trouble, s.logged = "", false
	s.pauses.reset()
	return time.Time{}
}

// setBack has the subscription asked for again as b says, and logs b if it is news.
// s.mu is held.
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
	if s.trouble == b.cause || s.closing {
		return
	}
	s.trouble, s.logged = b.cause, true
	s.notifier.log.note("subscription fails; trying on", "uri", s.r.URI, "event", s.r.Event, "cause", b.cause, "detail", b.detail, "in", pause)
}

// drop forgets the dialog, so that the next SUBSCRIBE begins a new one. s.mu is held.
func (s *Subscription) drop() {
	if s.dialog != nil {
		s.ua.mu.Lock()
		delete(s.ua.subs, s.key)
		s.ua.mu.Unlock()
	}
	s.missed = s.missed || s.confirmed
	s.dialog, s.confirmed, s.ended = nil, false, nil
	s.expires, s.timerN, s.told = time.Time{}, time.Time{}, time.Time{}
	s.since, s.lastOK, s.suspect = time.Time{}, time.Time{}, time.Time{}
}

// refreshIfOlder has the subscription refreshed now if its notifier has not confirmed
// it since that moment. One that is not there waits for its time.
func (s *Subscription) refreshIfOlder(than time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialog != nil && s.lastOK.Before(than) {
		s.suspect = than
		s.wakeUp()
	}
}
