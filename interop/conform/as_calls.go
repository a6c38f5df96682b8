package conform

import (
	"context"
	"errors"
	"time"

	"github.com/gomscp/gomscp/sipua"
)

// A storing is a call of the bench's caller, who leaves messages for somebody.
type storing struct {
	a      *asCase
	to     string
	from   string
	offer  string
	began  time.Time
	done   chan struct{} // closed with the final response
	call   *sipua.Call   // nil if it was refused; valid once done is closed
	err    error
	doneAt time.Time
}

// store calls somebody.
func (a *asCase) store(to string) *storing { return a.storeFrom("sip:caller@"+a.target.Domain, to) }

func (a *asCase) storeFrom(from, to string) *storing {
	s := &storing{a: a, to: to, from: from, offer: mediaDescription(a.p.host, "active"), began: time.Now(), done: make(chan struct{})}
	a.t.Cleanup(func() { s.end() })
	go s.invite()
	return s
}

func (s *storing) invite() {
	defer close(s.done)
	ctx, cancel := context.WithTimeout(s.a.t.ctx, 4*s.a.t.timeout)
	defer cancel()
	s.call, s.err = s.a.caller.Invite(ctx, sipua.InviteRequest{
		URI: s.to, From: s.from, To: s.to, Destination: s.a.target.SIP, Body: []byte(s.offer), ContentType: sdpType,
	})
	s.doneAt = time.Now()
	if s.err == nil {
		s.err = s.call.Ack(ctx, nil, "")
	}
}

// up waits for the 200.
func (s *storing) up() *storing {
	s.a.t.Helper()
	next(s.a, s.done, "final response to the caller")
	if s.err != nil {
		s.a.t.Fatalf("the caller's INVITE has failed: %v", s.err)
	}
	return s
}

// refused waits for a final response that is no success.
func (s *storing) refused() {
	s.a.t.Helper()
	next(s.a, s.done, "final response to the caller")
	var status *sipua.StatusError
	if s.err == nil {
		s.a.t.Errorf("the caller gets a 200")
	} else if !errors.As(s.err, &status) || status.Code < 400 {
		s.a.t.Errorf("the caller gets no final response of 400 or above: %v", s.err)
	}
}

// timedOut reports whether a caller was answered so late that the application server seems
// to have waited for a response in vain. Its clock runs from when it sends the request, some
// time before we have it.
func (a *asCase) timedOut(d time.Duration) bool { return d >= a.target.RestoreWait*9/10 }

// heard checks that the call was answered because of a response, and not because none came.
func (s *storing) heard() {
	s.a.t.Helper()
	if d := s.doneAt.Sub(s.began); s.a.timedOut(d) {
		s.a.t.Errorf("the caller was answered after %v, as if there had been no response on the control channel", d)
	}
}

// end hangs up, however far the call has come.
func (s *storing) end() {
	if happens(s.done, 4*s.a.t.timeout) && s.call != nil {
		s.a.t.bye(s.call)
	}
}

// ask waits for the next request that no rule answers, of an element.
func (a *asCase) ask(name string) *asked {
	a.t.Helper()
	return a.asks(name, a.t.timeout)
}

// askAgain is ask for what comes after a pause.
func (a *asCase) askAgain(name string) *asked {
	a.t.Helper()
	return a.asks(name, a.retried())
}

func (a *asCase) asks(name string, d time.Duration) *asked {
	a.t.Helper()
	q := nextWithin(a, a.p.asks, name+" on the control channel", d)
	if q.name() != name {
		a.t.Fatalf("%s came where %s was awaited", q.name(), name)
	}
	return q
}

// byHand leaves requests of the paper to the case.
func (a *asCase) byHand() { a.rule(func(*asked) bool { return false }) }

// rule sets what answers requests; what it does not take is left to the case.
func (a *asCase) rule(f func(*asked) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.auto = f
}

// leg waits for the next media leg.
func (a *asCase) leg() *leg { a.t.Helper(); return next(a, a.p.legs, "INVITE for media") }

// works checks that the service goes on: a store session can be set up over the channel
// that was there.
func (a *asCase) works() {
	a.t.Helper()
	a.rule(nil)
	s := a.store(a.newUser()).up()
	s.heard()
	s.end()
	a.p.forgetLegs()
	if a.c != nil && a.c.over() {
		a.t.Error("the control channel has not gone on")
	}
}

// ring takes a call for the user.
func (b *bench) ring(in *sipua.IncomingCall) {
	l := newLeg(in)
	push(b.calls, l)
	b.mu.Lock()
	own := b.onUser
	b.mu.Unlock()
	if own != nil {
		own(in)
		return
	}
	host := b.ms[0].host
	l.serve(mediaDescription(host, "active"))
}

// left has a message left for a new user, as far as the application server can tell.
func (a *asCase) left() (user string, s *storing) {
	a.t.Helper()
	a.p.forgetLegs()
	user = a.newUser()
	s = a.store(user).up()
	a.leg()
	s.end()
	return user, s
}

// register has the user come back.
func (a *asCase) register(user string) {
	a.t.Helper()
	ctx, cancel := a.t.within()
	defer cancel()
	r, err := a.user.Register(ctx, sipua.RegisterRequest{Registrar: "sip:" + a.target.Domain, AOR: user, Expires: time.Minute, Destination: a.target.Proxy})
	if err != nil {
		a.t.Fatalf("REGISTER at the runner's own registrar: %v", err)
	}
	a.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), a.t.timeout)
		defer cancel()
		_ = r.Unregister(ctx)
	})
}

// A pushing is a push session that is set up.
type pushing struct {
	media, user *leg
}

// pushed waits for a push session up to both ACKs.
func (a *asCase) pushed() pushing {
	a.t.Helper()
	media := a.leg()
	if len(media.in.Body) > 0 {
		a.t.Errorf("the INVITE to the media server has an offer")
	}
	user := next(a, a.calls, "INVITE to the user")
	next(a, media.acked, "ACK to the media server")
	next(a, user.acked, "ACK to the user")
	return pushing{media, user}
}
