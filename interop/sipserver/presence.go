package sipserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/sipua/regevent"
)

const (
	presencePackage = "presence"
	pidfType        = "application/pidf+xml"
)

// A watcher is one subscription to a user's presence. One goroutine sends its NOTIFYs,
// one at a time; each has the state at the time when it is sent.
type watcher struct {
	s      *Server
	user   string
	event  string // the Event header's value
	callID string
	local  sip.FromHeader // our end, with our tag
	remote sip.ToHeader
	wake   chan struct{} // of capacity 1

	// For the goroutine in run.
	seq  uint32
	told bool // a NOTIFY has said that the user is registered

	// Guarded by the server's lock.
	expires   time.Time
	remoteSeq uint32
	target    sip.Uri
}

// subscribe handles a SUBSCRIBE: the first one, a refresh, or the last. See RFC 6665,
// section 4.2.1.
func (s *Server) subscribe(req *sip.Request, tx sip.ServerTransaction) {
	contentType := packages[packageOf(headerOf(req, "Event"))]
	switch {
	case contentType == "":
		s.respond(req, tx, 489, "Bad Event", sip.NewHeader("Allow-Events", presencePackage+", "+regevent.Package))
		return
	case req.Contact() == nil:
		s.respond(req, tx, 400, "Bad Request (no Contact)")
		return
	case !accepts(req, contentType):
		s.respond(req, tx, 406, "Not Acceptable")
		return
	}
	seconds := requestedExpires(req, &sip.ContactHeader{})
	w, refused := s.watcherFor(req, time.Duration(seconds)*time.Second)
	if refused != nil {
		s.respond(req, tx, refused.code, refused.reason)
		return
	}
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	res.To().Params = w.local.Params.Clone()
	res.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(seconds)))
	res.AppendHeader(&sip.ContactHeader{Address: s.uri()})
	if err := tx.Respond(res); err != nil {
		s.log.Debug("200 to SUBSCRIBE not sent", "err", err)
	}
	w.poke()
}

func headerOf(req *sip.Request, name string) string {
	if h := req.GetHeader(name); h != nil {
		return h.Value()
	}
	return ""
}

// packageOf is the event package of an Event header's value.
func packageOf(event string) string {
	event, _, _ = strings.Cut(event, ";")
	return strings.TrimSpace(event)
}

// accepts reports whether a subscriber can read documents of that type, which
// is so by default. See RFC 3856, section 6.5, and RFC 3680, section 4.5.
func accepts(req *sip.Request, contentType string) bool {
	for _, kind := range sipua.ListHeader(req, "Accept") {
		kind, _, _ = strings.Cut(kind, ";")
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case contentType, "application/*", "*/*":
			return true
		}
	}
	return req.GetHeader("Accept") == nil
}

func (s *Server) uri() sip.Uri {
	host, port, _ := sip.ParseAddr(s.ua.Addr())
	return sip.Uri{Scheme: "sip", Host: host, Port: port}
}

// watcherFor finds the watcher that a SUBSCRIBE is for, or makes a new one.
func (s *Server) watcherFor(req *sip.Request, life time.Duration) (*watcher, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if tag := tagOf(req.To().Params); tag != "" {
		return s.renewed(req, tag, life)
	}
	if s.watching >= maxSubscriptions || s.closed {
		return nil, &refusal{503, "Service Unavailable"}
	}
	user := req.Recipient.User
	w := &watcher{
		s: s, user: user, event: headerOf(req, "Event"), callID: req.CallID().Value(),
		local:  sip.FromHeader{Address: *req.To().Address.Clone()},
		remote: sip.ToHeader{Address: *req.From().Address.Clone(), Params: req.From().Params.Clone()},
		wake:   make(chan struct{}, 1),
		target: *req.Contact().Address.Clone(), remoteSeq: req.CSeq().SeqNo, expires: time.Now().Add(life),
	}
	w.local.Params.Add("tag", rand.Text())
	if s.watchers[user] == nil {
		s.watchers[user] = map[*watcher]bool{}
	}
	s.watchers[user][w] = true
	s.watching++
	s.work.Go(w.run)
	return w, nil
}

// renewed finds a watcher by its dialog and gives it a new end. s.mu is held.
func (s *Server) renewed(req *sip.Request, tag string, life time.Duration) (*watcher, *refusal) {
	for w := range s.watchers[req.To().Address.User] {
		if w.callID != req.CallID().Value() || tagOf(w.local.Params) != tag || tagOf(w.remote.Params) != tagOf(req.From().Params) {
			continue
		}
		if req.CSeq().SeqNo <= w.remoteSeq {
			return nil, &refusal{500, "Server Internal Error (CSeq out of order)"} // [RFC3261-12.2.2]
		}
		w.remoteSeq = req.CSeq().SeqNo
		w.target = *req.Contact().Address.Clone()
		w.expires = time.Now().Add(life)
		return w, nil
	}
	return nil, &refusal{481, "Subscription Does Not Exist"}
}

func tagOf(p sip.HeaderParams) string { v, _ := p.Get("tag"); return v }

func (w *watcher) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// presenceChanged wakes the watchers of the user.
func (s *Server) presenceChanged(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers[user] {
		w.poke()
	}
	if s.teller != nil {
		s.teller.changed(user)
	}
}

// run notifies on every change until the subscription ends.
func (w *watcher) run() {
	defer w.remove()
	for {
		w.s.mu.Lock()
		left := time.Until(w.expires)
		w.s.mu.Unlock()
		timer := time.NewTimer(left)
		select {
		case <-w.wake:
		case <-timer.C:
		case <-w.s.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
		if more := w.notify(); !more {
			return
		}
	}
}

func (w *watcher) remove() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.forget(w)
}

// forget removes a watcher, if it is still there. s.mu is held.
func (s *Server) forget(w *watcher) {
	if !s.watchers[w.user][w] {
		return
	}
	delete(s.watchers[w.user], w)
	if len(s.watchers[w.user]) == 0 {
		delete(s.watchers, w.user)
	}
	s.watching--
}

// notify sends one NOTIFY with the state as it is now; false if the
// subscription has ended.
func (w *watcher) notify() (more bool) {
	w.s.mu.Lock()
	var contacts []string
	for _, b := range w.s.bindings[w.user] {
		contacts = append(contacts, b.contact.String())
	}
	left, target := time.Until(w.expires), *w.target.Clone()
	wait := w.s.notifyWait
	if more = left > 0; !more {
		w.s.forget(w) // nobody can refresh it from now on
	}
	w.s.mu.Unlock()
	ctx, cancel := context.WithTimeout(w.s.ctx, wait)
	defer cancel()
	res, err := w.s.ua.Do(ctx, w.request(target, contacts, left))
	if err != nil {
		w.s.log.Info("NOTIFY not delivered", "user", w.user, "err", err)
		silent := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sip.ErrTransactionTimeout)
		return more && !silent // [RFC6665-4.2.2]
	}
	return more && res.StatusCode != 481 // [RFC6665-4.2.2]
}

// request makes the next NOTIFY. Like Kamailio's, one of the presence package
// has no body for a user who was not there and still is not.
func (w *watcher) request(target sip.Uri, contacts []string, left time.Duration) *sip.Request {
	req := sip.NewRequest(sip.NOTIFY, target)
	setTarget(req, &target)
	w.seq++
	from, to := w.local, w.remote
	callID, hops := sip.CallIDHeader(w.callID), sip.MaxForwardsHeader(defaultHops)
	state := "terminated;reason=timeout"
	if left > 0 {
		state = fmt.Sprintf("active;expires=%d", int(left.Round(time.Second)/time.Second))
	}
	for _, h := range []sip.Header{
		&hops, &from, &to, &callID, &sip.CSeqHeader{SeqNo: w.seq, MethodName: sip.NOTIFY},
		&sip.ContactHeader{Address: w.s.uri()},
		sip.NewHeader("Event", w.event), sip.NewHeader("Subscription-State", state),
	} {
		req.AppendHeader(h)
	}
	name := packageOf(w.event)
	switch {
	case name == regevent.Package:
		req.SetBody(reginfo(w.local.Address.String(), contacts, w.seq-1, w.told))
	case len(contacts) > 0 || w.told:
		req.SetBody(pidf(w.local.Address.String(), len(contacts)))
	default:
		req.SetBody(nil)
	}
	if len(req.Body()) > 0 {
		req.AppendHeader(sip.NewHeader("Content-Type", packages[name]))
	}
	w.told = len(contacts) > 0 || w.told && name == regevent.Package
	return req
}
