package sipua

import (
	"context"
	"fmt"
	"strconv"
	"strings"
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

// subscribe sends a SUBSCRIBE, the first of a dialog or a refresh, and tells
// when the next is due.
func (s *Subscription) subscribe(ctx context.Context) (next time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, t64)
	defer cancel()
	res, err := s.ua.do(ctx, s.request(s.r.Expires), s.auth, s.nextSeq)
	if err != nil {
		return 0, err
	}
	if !res.IsSuccess() {
		return 0, statusError(res)
	}
	s.mu.Lock()
	if s.dialog != nil {
		s.learn(tagOf(res.To().Params), res.Contact(), reversed(recordRoutes(res)))
	}
	s.mu.Unlock()
	granted := s.r.Expires
	if n, err := strconv.Atoi(headerValue(res, "Expires")); err == nil && n > 0 {
		granted = time.Duration(n) * time.Second
	}
	return max(granted*9/10, time.Second), nil
}

// request makes the next SUBSCRIBE, in the dialog that there is or in a new
// one, which is known before it is sent: a NOTIFY may overtake the response.
func (s *Subscription) request(expires time.Duration) *sip.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialog == nil {
		s.open()
	}
	d := s.dialog
	req := d.request(s.ua, sip.SUBSCRIBE)
	if tagOf(d.remote.Params) == "" {
		req.SetTransport(s.to.transport)
		req.SetDestination(s.to.addr)
		req.Contact().Address = s.ua.contactURI(s.to.transport, s.uri.Scheme)
	}
	req.AppendHeader(sip.NewHeader("Event", s.r.Event))
	if s.r.Accept != "" {
		req.AppendHeader(sip.NewHeader("Accept", s.r.Accept))
	}
	req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(expires/time.Second))))
	return req
}

// nextSeq is the CSeq of one more attempt at a request.
func (s *Subscription) nextSeq() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialog == nil {
		return 1
	}
	s.dialog.localSeq++
	return s.dialog.localSeq
}

// open begins a new dialog. s.mu is held.
func (s *Subscription) open() {
	from, _ := parseFrom(s.r.From) // checked by Subscribe
	from.Params.Add("tag", token())
	s.dialog = &dialog{
		callID: token() + "@" + s.ua.host, local: *from,
		remote: sip.ToHeader{Address: *s.uri.Clone()}, target: *s.uri.Clone(),
	}
	s.key = dialogKey{s.dialog.callID, tagOf(from.Params)}
	s.ua.mu.Lock()
	s.ua.subs[s.key] = s
	s.ua.mu.Unlock()
}

// learn takes what the notifier says of its end of the dialog. s.mu is held.
func (s *Subscription) learn(tag string, contact *sip.ContactHeader, routes []string) {
	d := s.dialog
	if tagOf(d.remote.Params) == "" && tag != "" {
		d.remote.Params.Add("tag", tag)
		d.routes = routes
	}
	refreshTarget(d, contact)
}

// drop forgets the dialog, so that the next SUBSCRIBE begins a new one.
func (s *Subscription) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialog == nil {
		return
	}
	s.ua.mu.Lock()
	delete(s.ua.subs, s.key)
	s.ua.mu.Unlock()
	s.dialog = nil
}

// unsubscribe ends the dialog, if there is one, in a bounded time.
func (s *Subscription) unsubscribe() {
	s.mu.Lock()
	open := s.dialog != nil && tagOf(s.dialog.remote.Params) != ""
	s.mu.Unlock()
	if open && s.ua.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(context.Background(), unsubscribeWait)
		defer cancel()
		_, _ = s.ua.do(ctx, s.request(0), s.auth, s.nextSeq) // it would expire by itself
	}
	s.drop()
}

// onNotify takes a NOTIFY for one of our subscriptions.
func (ua *UA) onNotify(req *sip.Request, tx sip.ServerTransaction) {
	ua.mu.Lock()
	s := ua.subs[dialogKey{req.CallID().Value(), tagOf(req.To().Params)}]
	ua.mu.Unlock()
	if s == nil || !s.notified(req) {
		ua.respond(req, tx, 481, "") // [RFC6665-4.1.3]
		return
	}
	ua.respond(req, tx, 200, "")
}

// notified hands a NOTIFY on; false if it belongs to no dialog of ours.
func (s *Subscription) notified(req *sip.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dialog
	if d == nil {
		return false
	}
	tag := tagOf(req.From().Params)
	if known := tagOf(d.remote.Params); known != "" && known != tag {
		return false // another branch of a fork; one is enough
	}
	s.learn(tag, req.Contact(), recordRoutes(req))
	seq := req.CSeq().SeqNo
	if seq <= d.remoteSeq {
		return true // older than what we know [RFC3261-12.2.2]
	}
	d.remoteSeq = seq
	n := Notification{ContentType: headerValue(req, "Content-Type"), Body: req.Body(), CSeq: seq}
	state, params, _ := strings.Cut(headerValue(req, "Subscription-State"), ";")
	n.State = strings.ToLower(strings.TrimSpace(state))
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(k, "reason") {
			n.Reason = v
		}
	}
	s.r.OnNotify(n)
	if n.State == "terminated" {
		select {
		case s.lost <- struct{}{}:
		default:
		}
	}
	return true
}

func reversed(s []string) []string {
	r := make([]string, 0, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		r = append(r, s[i])
	}
	return r
}
