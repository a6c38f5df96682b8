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

// A goal is what a subscription asks for, and where.
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

// trouble is what the log says of a subscription.
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

// An ending is a subscription that has ended on our side.
type ending struct {
	event, tag string // the package, and the notifier's tag
	timer      *time.Timer
}

const (
	// expiresSlack is how much two words on the same end may differ: seconds are
	// rounded, and messages are under way.
	expiresSlack = 3 * time.Second
	// minLife is the shortest life of a dialog or binding that is believed, lest it is
	// refreshed without a pause.
	minLife = time.Second
)

// subscriptions has the subscriptions of a user agent, and where they go.
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
