package sipua

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// ask sends a SUBSCRIBE, the first of a dialog or a refresh, when its turn has come, and
// handles the response.
func (s *Subscription) ask(ctx context.Context) {
	probing, ok := s.turn(ctx)
	if !ok {
		return
	}
	s.mu.Lock()
	stale := s.ended != nil // by a NOTIFY meanwhile
	s.mu.Unlock()
	if stale {
		if probing {
			s.notifier.pass()
		}
		return
	}
	sent := time.Now()
	res, err := s.subscribe(ctx, sent)
	s.mu.Lock()
	s.giveUp = nil
	s.mu.Unlock()
	if err != nil {
		s.unanswered(ctx, sent, probing, err)
		return
	}
	if res.StatusCode == 503 && retryAfter(res) > 0 {
		s.notifier.busy(retryAfter(res), probing)
	} else {
		s.notifier.answer(connectionOf(res))
	}
	if res.IsSuccess() {
		s.accepted(sent, res)
	} else {
		s.refused(res)
	}
}

// turn waits until the notifier may be asked, and then for the pace.
func (s *Subscription) turn(ctx context.Context) (probing, ok bool) {
	for {
		if probing, ok = s.notifier.turn(ctx); !ok {
			return false, false
		}
		if !s.pace(ctx) {
			if probing {
				s.notifier.pass()
			}
			return false, false
		}
		if probing || s.notifier.isUp() {
			return probing, true
		}
	}
}

func (s *Subscription) pace(ctx context.Context) bool {
	return s.r.Pace == nil && ctx.Err() == nil || s.r.Pace != nil && s.r.Pace(ctx)
}

// subscribe does the transaction, again with a longer Expires if the notifier requires
// that. A transaction that is under way when ctx ends continues for a moment, so that a
// subscription that it creates can be ended.
func (s *Subscription) subscribe(ctx context.Context, sent time.Time) (*sip.Response, error) {
	running, cancel := context.WithTimeout(s.ua.ctx, t64)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(unsubscribeWait, cancel) })()
	for tries := 1; ; tries++ {
		s.mu.Lock()
		asked := s.asked
		s.giveUp, s.suspect = cancel, time.Time{}
		s.timerN = sent.Add(s.ua.cfg.timers.notify) // before it is sent: a NOTIFY may overtake the response
		s.mu.Unlock()
		if s.notifier.endedJustNow() {
			s.waitNoLonger(newConnectionWait)
		}
		res, err := s.ua.do(running, s.newSubscribe(asked), s.goal.auth, s.pacedSeq(running))
		if err != nil || res.StatusCode != 423 || tries == maxTooBrief {
			return res, err
		}
		longer := minExpires(res, asked) // [RFC3261-20.23]
		if longer == 0 || !s.pace(ctx) {
			return res, nil
		}
		s.mu.Lock()
		s.asked = longer
		s.mu.Unlock()
	}
}

// waitNoLonger bounds the wait for the response to a SUBSCRIBE that is under way.
func (s *Subscription) waitNoLonger(than time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.giveUp != nil {
		time.AfterFunc(than, s.giveUp)
	}
}

// pacedSeq returns the CSeq of one more attempt at a request, when it may be sent.
func (s *Subscription) pacedSeq(ctx context.Context) func() uint32 {
	return func() uint32 {
		s.pace(ctx) // if ctx ends, so does the request
		return s.nextSeq()
	}
}

// accepted handles a 2xx.
func (s *Subscription) accepted(sent time.Time, res *sip.Response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.lastOK = sent
	switch tag := tagOf(res.To().Params); {
	case !s.confirmed:
		s.learn(tag, res.Contact(), reversed(recordRoutes(res)))
	case tag == tagOf(s.dialog.remote.Params): // else it comes from another branch of a fork
		refreshTarget(s.dialog, res.Contact())
	}
	if res.StatusCode == 204 {
		s.timerN = time.Time{} // no NOTIFY will come [RFC6665-4.1.2.2]
	}
	if s.ended != nil || s.told.After(sent) {
		return // the NOTIFY has said how long it lasts, which counts
	}
	granted, ok := grammar.DeltaSeconds(strings.TrimSpace(headerValue(res, "Expires")))
	switch {
	case !ok:
		s.lasts(now, s.asked)
	case granted == 0:
		s.linger()
		s.dialog = nil
		s.setBack(now, setback{cause: "2xx with Expires: 0", remedy: askAtOnce, ends: true})
	default:
		s.lasts(now, granted)
	}
}

// lasts notes the notifier's report that the dialog ends after d, and sets the time of
// the refresh: in time, but not later than for the requested lifetime. A report without
// news changes nothing. s.mu is held.
func (s *Subscription) lasts(now time.Time, d time.Duration) {
	d = max(d, minLife)
	end := now.Add(d)
	if s.due.After(now) && !s.expires.IsZero() && end.Sub(s.expires).Abs() <= expiresSlack {
		return
	}
	s.expires = end
	d = min(d, s.asked)
	s.due = now.Add(d*8/10 + rand.N(d/10+1))
}

// refused handles a final response other than 2xx.
func (s *Subscription) refused(res *sip.Response) {
	s.mu.Lock()
	refresh := s.dialog != nil && tagOf(s.dialog.remote.Params) != "" && !s.lastOK.IsZero()
	b := refusedSubscribe(int(res.StatusCode), res.Reason, retryAfter(res), refresh)
	confirmed := s.lastOK
	if s.ended == nil { // what a NOTIFY has said counts
		s.setBack(time.Now(), b)
	}
	s.mu.Unlock()
	if res.StatusCode == 481 && refresh {
		s.notifier.forgot(confirmed)
	}
}

// unanswered handles a SUBSCRIBE without a response. The dialog of a refresh continues.
func (s *Subscription) unanswered(ctx context.Context, sent time.Time, probing bool, err error) {
	if ctx.Err() != nil {
		if probing {
			s.notifier.pass()
		}
		return
	}
	s.notifier.silent(sent, probing, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timerN = time.Time{}
	if s.ended != nil {
		return
	}
	if s.confirmed && s.expires.IsZero() { // the NOTIFY has come all the same
		s.expires = sent.Add(s.asked)
	}
	b := setback{cause: "no answer", detail: err.Error(), remedy: askLater, ends: !s.confirmed}
	if s.notifier.isUp() {
		s.setBack(time.Now(), b)
		return
	}
	// The log has a line for the notifier, and turn waits for it.
	if b.ends {
		s.drop()
	}
	s.due = time.Now()
}

// newSubscribe makes the next SUBSCRIBE, in the existing dialog or in a new one. The
// dialog is registered before the SUBSCRIBE is sent, because a NOTIFY may overtake the
// response.
func (s *Subscription) newSubscribe(expires time.Duration) *sip.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialog == nil {
		s.open()
	}
	d := s.dialog
	req := d.request(s.ua, sip.SUBSCRIBE)
	if tagOf(d.remote.Params) == "" {
		req.SetTransport(s.goal.to.transport)
		req.SetDestination(s.goal.to.addr)
		req.Contact().Address = s.ua.contactURI(s.goal.to.transport, s.goal.uri.Scheme)
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
		remote: sip.ToHeader{Address: *s.goal.uri.Clone()}, target: *s.goal.uri.Clone(),
	}
	if s.r.Destination != "" {
		s.dialog.hop.proxy = s.goal.to
	}
	s.key = dialogKey{s.dialog.callID, tagOf(from.Params)}
	s.table.mu.Lock()
	s.table.live[s.key] = s
	s.table.mu.Unlock()
}

// learn notes the notifier's side of the dialog. Until a NOTIFY has made the dialog, the
// latest report counts, because the response may come from another branch of a fork than
// the NOTIFY. See RFC 6665, section 4.4.1. s.mu is held.
func (s *Subscription) learn(tag string, contact *sip.ContactHeader, routes []string) {
	d := s.dialog
	if tag != "" {
		d.remote.Params = d.remote.Params.Clone() // a request may be about to be written with the old ones
		d.remote.Params.Add("tag", tag)
	}
	d.routes = routes
	refreshTarget(d, contact)
}

// connectionOf is the connection of a response, "" over UDP.
func connectionOf(res *sip.Response) string {
	if t := strings.ToUpper(res.Transport()); t == "TCP" || t == "TLS" {
		return t + " " + res.Source()
	}
	return ""
}

func reversed(s []string) []string {
	r := make([]string, 0, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		r = append(r, s[i])
	}
	return r
}
