package conform

import (
	"strings"
	"sync"
	"time"
)

// storeCases are those of the paper about store sessions, and about balancing.
func (b *bench) storeCases() []Case {
	return []Case{
		must("paper-as/2.3.2/1", "the caller's offer reaches the media server byte for byte, and the answer the caller", b.on(func(a *asCase) {
			s := a.store(a.newUser()).up()
			l := a.leg()
			if string(l.in.Body) != s.offer {
				a.t.Errorf("the offer is\n%s, not\n%s", l.in.Body, s.offer)
			}
			if got := string(s.call.RemoteBody()); got != l.answer {
				a.t.Errorf("the answer is\n%s, not\n%s", got, l.answer)
			}
		})),
		must("paper-as/2.3.4/1", "RestoreMsg has the URIs of sender and recipient in their canonical form", b.on(canonicalURIs)),
		must("paper-as/2.3.4/2", "the caller's 200 does not come before MsgRestored, nor later than the bound", b.on(heldBack)),
		must("paper-as/2.3.4/3", "after MsgNotRestored the caller is refused, and the media server's leg is ended", b.on(func(a *asCase) {
			a.byHand()
			s := a.store(a.newUser())
			q, l := a.ask("RestoreMsg"), a.leg()
			q.reply(q.extension("MsgNotRestored", ` reason="conform"`))
			s.refused()
			next(a, l.ended, "BYE to the media server")
		})),
		must("paper-as/2.2/1", "the application server does not end a store session", b.on(func(a *asCase) {
			s := a.store(a.newUser()).up()
			l := a.leg()
			select {
			case <-s.call.Done():
				a.t.Error("the caller's leg has ended")
			case <-l.ended:
				a.t.Error("the media server's leg has ended")
			case <-time.After(min(a.target.Idle, a.t.timeout)):
			}
			s.end()
			next(a, l.ended, "BYE to the media server after the caller's")
		})),
		must("paper-as/2.3.3/1", "of forty calls that last, ten go to the media server of weight 1 and thirty to that of weight 3", b.on(balanced)),
	}
}

func canonicalURIs(a *asCase) {
	a.byHand()
	user := a.newUser()
	s := a.storeFrom(strings.Replace("sip:%63aller@DOMAIN;x=1", "DOMAIN", strings.ToUpper(a.target.Domain), 1), user)
	q, l := a.ask("RestoreMsg"), a.leg()
	for name, want := range map[string]string{"from-uri": "sip:caller@" + a.target.Domain, "to-uri": user} {
		if got := q.Element().Get(name); got != want {
			a.t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	q.succeed()
	s.up()
	next(a, l.acked, "ACK")
}

func heldBack(a *asCase) {
	a.byHand()
	s := a.store(a.newUser())
	q := a.ask("RestoreMsg")
	if happens(s.done, a.target.RestoreWait/4) {
		a.t.Error("the caller was answered before MsgRestored")
	}
	q.succeed()
	s.up()
	late := a.store(a.newUser())
	q = a.ask("RestoreMsg")
	late.up()
	if d := late.doneAt.Sub(q.at); d > a.target.RestoreWait+a.t.timeout/2 {
		a.t.Errorf("without MsgRestored, the caller was answered after %v", d)
	}
}

// bothServe has calls go to the second media server, too, and returns it.
func (a *asCase) bothServe() *mediaPeer {
	a.t.Helper()
	second := a.ms[1]
	second.mu.Lock()
	second.refuse = false
	second.mu.Unlock()
	if second.await(a.t, a.retried()) == nil {
		a.t.Fatal("no control channel comes to the second media server")
	}
	for end := time.Now().Add(a.t.timeout); len(second.legs) == 0; a.works() {
		if time.Now().After(end) {
			a.t.Fatalf("within %v no call goes to the second media server", a.t.timeout)
		}
	}
	second.forgetLegs()
	a.p.forgetLegs()
	return second
}

// balanced wants the second media server's channel as well.
func balanced(a *asCase) {
	if len(a.ms) < 2 {
		a.t.Skipf("there is one media server")
	}
	second := a.bothServe()
	var calls []*storing
	for range 40 {
		calls = append(calls, a.store(a.newUser()).up())
	}
	if one, two := len(a.p.legs), len(second.legs); one != 10 || two != 30 {
		a.t.Errorf("%d go to the first and %d to the second", one, two)
	}
	var ends sync.WaitGroup
	for _, s := range calls {
		ends.Go(s.end)
	}
	ends.Wait()
}
