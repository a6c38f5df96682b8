package sipua

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// SubscribeRequest describes a subscription. URI, From, Event and OnNotify are
// needed.
type SubscribeRequest struct {
	URI   string // the resource, also the To header
	From  string // the subscriber
	Event string // the event package, "presence"
	// Accept lists the media types that are understood, separated by commas. A NOTIFY
	// with another type, or with a disposition other than render, is refused with 415.
	// "" accepts any body. See FindBody.
	Accept      string
	Expires     time.Duration // how long one subscription lasts; 0 means an hour
	Destination string        // as in InviteRequest
	// Username and Password answer a digest challenge; Username "" means the
	// user of From.
	Username, Password string
	// OnNotify is called for each notification, one at a time and in the order of their
	// CSeq. An older one that comes late is refused.
	OnNotify func(Notification)
	// Pace, if set, is called before every SUBSCRIBE and returns when it may be sent, or
	// false to drop it, as when ctx has ended. Many subscriptions can share one Pace, so
	// that they are not all requested at once.
	Pace func(ctx context.Context) bool
}

// A Subscription lasts until it is closed. It is refreshed in time. When the notifier has
// ended, forgotten or refused it, it is requested again: at once, or after a pause that
// depends on the reason. The pauses grow until a subscription has lived for a minute. All
// subscriptions at a notifier are refreshed if one of them is found to be forgotten, if a
// connection to the notifier has ended, or if the notifier answers again after a silence.
// See RFC 6665, sections 4.1.2 and 4.1.3.
type Subscription struct {
	table    *subscriptions
	ua       *agent
	r        SubscribeRequest
	goal     goal
	notifier *notifier

	wake   chan struct{} // of capacity 1: something under mu has changed
	wanted atomic.Bool   // the last state could not be used: see Notification.AskAgain
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex // also orders OnNotify
	closing bool       // Close was called: OnNotify is not called any more
	subscribed
	schedule
	trouble trouble
}

// A goal is what a subscription requests, and from where.
type goal struct {
	uri        sip.Uri
	to         target
	auth       login
	understood Understood // in a NOTIFY; without types, any body
}

// subscribed is the dialog of a subscription.
type subscribed struct {
	dialog    *dialog // nil between subscriptions
	key       dialogKey
	confirmed bool               // a NOTIFY has made the dialog
	missed    bool               // a dialog was lost, and perhaps NOTIFYs with it
	ended     *subscriptionState // of the NOTIFY that has ended it

	since   time.Time // when the dialog was made
	lastOK  time.Time // when the last SUBSCRIBE was sent that was accepted
	suspect time.Time // a dialog that was last confirmed before may be lost
	told    time.Time // when a NOTIFY has last said how long the dialog lasts
	expires time.Time // when the dialog ends unless it is refreshed
	timerN  time.Time // by when a NOTIFY must have come; zero if none must
}

// A schedule says when a subscription sends SUBSCRIBEs.
type schedule struct {
	asked     time.Duration      // the Expires to ask for
	due       time.Time          // when the next SUBSCRIBE is
	giveUp    context.CancelFunc // of the SUBSCRIBE that is under way
	pauses    pauses             // after setbacks
	documents pauses             // before a state that could not be used is asked for again
}

// trouble is the state of a subscription's log lines.
type trouble struct {
	cause   string // of the last setback, until the subscription has lived for a while
	logged  bool   // cause is in the log
	strange bool   // the last NOTIFY was refused for its body
}

const defaultExpires = time.Hour

func (s *Subscription) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// drop forgets the dialog, so that the next SUBSCRIBE begins a new one. s.mu is held.
func (s *Subscription) drop() {
	if s.dialog != nil {
		s.table.mu.Lock()
		delete(s.table.live, s.key)
		s.table.mu.Unlock()
	}
	s.subscribed = subscribed{key: s.key, missed: s.missed || s.confirmed}
}

// Notification is one NOTIFY.
type Notification struct {
	State       string // of the subscription: active, pending or terminated
	Reason      string // why it is terminated
	ContentType string // of Body, with its parameters
	// Body is the document. With SubscribeRequest.Accept it is the first body of a
	// listed type, which may be a part of a multipart. It is nil if the body is blank.
	Body []byte
	CSeq uint32
	// Solicited means that the NOTIFY follows a SUBSCRIBE or a refresh, so that the
	// state need not have changed. It is false if the previous subscription was lost,
	// because changes may have been missed.
	Solicited bool

	subscription *Subscription
}

// AskAgain requests the state again, by a refresh of the subscription, because the state
// in the notification could not be used. The pause before the refresh grows each time, up
// to ten minutes, until a notification was used.
func (n Notification) AskAgain() {
	if n.subscription != nil {
		n.subscription.wanted.Store(true)
		n.subscription.wakeUp()
	}
}

// An ending is a subscription that has ended on our side.
type ending struct {
	event, tag string // the event package, and the notifier's tag
	timer      *time.Timer
}

const (
	// expiresSlack is how much two reports of the same end may differ, because seconds
	// are rounded and messages take time.
	expiresSlack = 3 * time.Second
	// minLife is the shortest lifetime of a dialog or binding that is accepted, so that
	// refreshes have pauses.
	minLife = time.Second
)

// subscriptions are those of a user agent, with their notifiers.
type subscriptions struct {
	ua *agent

	mu   sync.Mutex
	live map[dialogKey]*Subscription
	// ending are the subscriptions that wait for their last NOTIFY.
	ending    map[dialogKey]*ending
	notifiers map[target]*notifier
}

func newSubscriptions(ua *agent) *subscriptions {
	return &subscriptions{ua: ua, live: map[dialogKey]*Subscription{}, ending: map[dialogKey]*ending{}, notifiers: map[target]*notifier{}}
}
