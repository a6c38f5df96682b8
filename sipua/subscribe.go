package sipua

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// SubscribeRequest describes a subscription. URI, From, Event and OnNotify are
// needed.
type SubscribeRequest struct {
	URI         string        // whose state, also the To header
	From        string        // who asks
	Event       string        // the event package, "presence"
	Accept      string        // the content type that is understood
	Expires     time.Duration // how long one subscription lasts; 0 means an hour
	Destination string        // as in InviteRequest
	// Username and Password answer a digest challenge; Username "" means the
	// user of From.
	Username, Password string
	// OnNotify is called for each notification, one at a time and in the order
	// of their CSeq; an older one that comes late is dropped.
	OnNotify func(Notification)
}

// Notification is one NOTIFY.
type Notification struct {
	State       string // of the subscription: active, pending or terminated
	Reason      string // why it is terminated
	ContentType string
	Body        []byte
	CSeq        uint32
}

// A Subscription lasts until it is closed: it is refreshed in time, and made
// anew, after a pause that grows up to a minute, whenever the notifier refuses
// it, does not answer, or has forgotten it. See RFC 6665.
type Subscription struct {
	ua  *UA
	r   SubscribeRequest
	uri sip.Uri
	to  target

	auth login

	lost   chan struct{} // of capacity 1: the notifier has ended the dialog
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex // also orders OnNotify
	dialog *dialog    // nil between subscriptions
	key    dialogKey
}

const defaultExpires = time.Hour

// Subscribe begins a subscription. An error is about the request only; what
// the network does comes and goes in the background.
func (ua *UA) Subscribe(_ context.Context, r SubscribeRequest) (*Subscription, error) {
	s := &Subscription{ua: ua, r: r, lost: make(chan struct{}, 1), done: make(chan struct{})}
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
	if s.r.Expires <= 0 {
		s.r.Expires = defaultExpires
	}
	ctx, cancel := context.WithCancel(ua.ctx)
	s.cancel = cancel
	if !ua.goroutine(func() { s.run(ctx) }) {
		cancel()
		return nil, ErrClosed
	}
	return s, nil
}

// Close ends the subscription, and tells the notifier if it answers soon.
func (s *Subscription) Close() error {
	s.cancel()
	<-s.done
	return nil
}

func (s *Subscription) run(ctx context.Context) {
	defer close(s.done)
	defer s.unsubscribe()
	retry := subscribeRetryMin
	for ctx.Err() == nil {
		next, err := s.subscribe(ctx)
		if ctx.Err() != nil {
			return // unsubscribe ends what the request may have begun
		}
		if err != nil {
			s.ua.log.Info("SUBSCRIBE failed; trying on", "uri", s.r.URI, "in", retry, "err", err)
			s.drop()
			next, retry = retry, min(2*retry, subscribeRetryMax)
		} else {
			retry = subscribeRetryMin
		}
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-s.lost:
			s.drop()
			pause := time.NewTimer(subscribeRetryMin)
			select {
			case <-pause.C:
			case <-ctx.Done():
			}
			pause.Stop()
		}
		timer.Stop()
	}
}
