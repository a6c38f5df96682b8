package sipserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

// A watcher is one subscription to a user's presence. One goroutine sends its
// NOTIFYs, one at a time; what changes meanwhile is told by the next.
type watcher struct {
	s      *Server
	user   string
	callID string
	local  sip.FromHeader // our end, with our tag
	remote sip.ToHeader
	target sip.Uri
	wake   chan struct{} // of capacity 1
	seq    uint32        // for the goroutine in run

	expires time.Time // guarded by the server's lock
}

// subscribe takes a SUBSCRIBE, the first or one that refreshes or ends. See
// RFC 6665, section 4.2.1.
func (s *Server) subscribe(req *sip.Request, tx sip.ServerTransaction) {
	if h := req.GetHeader("Event"); h == nil || h.Value() != "presence" {
		s.respond(req, tx, 489, "Bad Event", sip.NewHeader("Allow-Events", "presence"))
		return
	}
	if req.Contact() == nil {
		s.respond(req, tx, 400, "Bad Request (no Contact)")
		return
	}
	seconds := requestedExpires(req, &sip.ContactHeader{})
	w, ok := s.watcherFor(req, time.Duration(seconds)*time.Second)
	if !ok {
		s.respond(req, tx, 481, "Subscription Does Not Exist")
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

func (s *Server) uri() sip.Uri {
	host, port, _ := sip.ParseAddr(s.ua.Addr())
	return sip.Uri{Scheme: "sip", Host: host, Port: port}
}

// watcherFor finds the watcher that a SUBSCRIBE is for, or makes a new one.
func (s *Server) watcherFor(req *sip.Request, life time.Duration) (*watcher, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, tag := req.Recipient.User, tagOf(req.To().Params)
	if tag != "" {
		for w := range s.watchers[req.To().Address.User] {
			if w.callID == req.CallID().Value() && tagOf(w.local.Params) == tag {
				w.expires = time.Now().Add(life)
				return w, true
			}
		}
		return nil, false
	}
	if s.watching >= maxSubscriptions || s.closed {
		return nil, false
	}
	w := &watcher{
		s: s, user: user, callID: req.CallID().Value(), target: *req.Contact().Address.Clone(),
		local:  sip.FromHeader{Address: *req.To().Address.Clone()},
		remote: sip.ToHeader{Address: *req.From().Address.Clone(), Params: req.From().Params.Clone()},
		wake:   make(chan struct{}, 1), expires: time.Now().Add(life),
	}
	w.local.Params.Add("tag", rand.Text())
	if s.watchers[user] == nil {
		s.watchers[user] = map[*watcher]bool{}
	}
	s.watchers[user][w] = true
	s.watching++
	s.work.Go(w.run)
	return w, true
}

func tagOf(p sip.HeaderParams) string { v, _ := p.Get("tag"); return v }

func (w *watcher) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// presenceChanged tells everybody who watches the user.
func (s *Server) presenceChanged(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers[user] {
		w.poke()
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
	delete(w.s.watchers[w.user], w)
	if len(w.s.watchers[w.user]) == 0 {
		delete(w.s.watchers, w.user)
	}
	w.s.watching--
}

// notify sends one NOTIFY with the state as it is now; false if the
// subscription has ended.
func (w *watcher) notify() (more bool) {
	w.s.mu.Lock()
	contacts := len(w.s.bindings[w.user])
	left := time.Until(w.expires)
	w.s.mu.Unlock()
	more = left > 0
	ctx, cancel := context.WithTimeout(w.s.ctx, requestWait)
	defer cancel()
	res, err := w.s.ua.Do(ctx, w.request(contacts, left))
	if err != nil {
		w.s.log.Info("NOTIFY not delivered", "user", w.user, "err", err)
		return more
	}
	return more && res.StatusCode != 481 // [RFC6665-4.2.2]
}

func (w *watcher) request(contacts int, left time.Duration) *sip.Request {
	req := sip.NewRequest(sip.NOTIFY, *w.target.Clone())
	setTarget(req, &w.target)
	w.seq++
	from, to := w.local, w.remote
	callID, hops := sip.CallIDHeader(w.callID), sip.MaxForwardsHeader(70)
	state := "terminated;reason=timeout"
	if left > 0 {
		state = fmt.Sprintf("active;expires=%d", int(left.Round(time.Second)/time.Second))
	}
	for _, h := range []sip.Header{
		&hops, &from, &to, &callID, &sip.CSeqHeader{SeqNo: w.seq, MethodName: sip.NOTIFY},
		&sip.ContactHeader{Address: w.s.uri()},
		sip.NewHeader("Event", "presence"), sip.NewHeader("Subscription-State", state),
	} {
		req.AppendHeader(h)
	}
	if contacts > 0 {
		req.AppendHeader(sip.NewHeader("Content-Type", "application/pidf+xml"))
		req.SetBody(pidf(w.local.Address.String(), contacts))
	} else {
		req.SetBody(nil)
	}
	return req
}
