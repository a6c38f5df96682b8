package sipua

import (
	"context"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

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
	if s.r.Destination != "" {
		s.dialog.hop.proxy = s.to
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

func reversed(s []string) []string {
	r := make([]string, 0, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		r = append(r, s[i])
	}
	return r
}
