package conform

import (
	"time"

	"github.com/gomscp/gomscp/sipua"
)

// pushCases are those of the paper about push sessions.
func (b *bench) pushCases() []Case {
	return []Case{
		must("paper-as/2.2/2", "a returning user is called in the name of the sender, with the offer of the media server, which gets the answer in the ACK; then comes SendMsg", b.on(pushSetUp)),
		must("paper-as/2.2/3", "after MsgSended, both legs are ended", b.on(func(a *asCase) {
			p, q, _ := a.pushing()
			q.succeed()
			next(a, p.media.ended, "BYE to the media server")
			next(a, p.user.ended, "BYE to the user")
		})),
		must("paper-as/2.2/4", "after MsgNotSended, both legs are ended, and the messages are pushed again later", b.on(func(a *asCase) {
			p, q, user := a.pushing()
			q.reply(q.extension("MsgNotSended", ` reason="conform"`))
			next(a, p.media.ended, "BYE to the media server")
			next(a, p.user.ended, "BYE to the user")
			again := a.askAgain("SendMsg")
			if got := again.Element().Get("to-uri"); got != user {
				a.t.Errorf("the next push is for %s", got)
			}
			again.succeed()
		})),
		must("paper-as/2.2/5", "when the user refuses, the media server's leg is acknowledged and ended", b.on(func(a *asCase) {
			user, _ := a.left()
			a.mu.Lock()
			a.onUser = func(in *sipua.IncomingCall) { _ = in.Reject(603, "") }
			a.mu.Unlock()
			a.register(user)
			l := a.leg()
			next(a, l.acked, "ACK to the media server")
			next(a, l.ended, "BYE to the media server")
		})),
		must("paper-as/2.2/6", "what was delivered is not pushed again", b.on(func(a *asCase) {
			p, q, _ := a.pushing()
			q.succeed()
			next(a, p.user.ended, "BYE to the user")
			if happens(a.p.legs, a.t.timeout/2) {
				a.t.Error("the next push begins")
			}
		})),
		must("paper-as/2.1/1", "a user who has not come back is not called", b.on(func(a *asCase) {
			a.left()
			if happens(a.p.legs, a.t.timeout/2) {
				a.t.Error("a push begins")
			}
		})),
		must("paper-as/2.3.3/2", "messages are pushed by the media server that keeps them", b.on(pushedWhereKept)),
	}
}

// pushing brings a push session up to its SendMsg.
func (a *asCase) pushing() (p pushing, q *asked, user string) {
	a.t.Helper()
	user, _ = a.left()
	a.byHand()
	a.register(user)
	p = a.pushed()
	return p, a.ask("SendMsg"), user
}

func pushSetUp(a *asCase) {
	p, q, user := a.pushing()
	if got, want := p.user.in.From, "sip:caller@"+a.target.Domain; got != want {
		a.t.Errorf("the user is called by %s, not by %s", got, want)
	}
	if got := string(p.user.in.Body); got != p.media.answer {
		a.t.Errorf("the user's offer is\n%s, not\n%s", got, p.media.answer)
	}
	if got := string(p.media.ack); got != p.user.answer {
		a.t.Errorf("the media server's answer is\n%s, not\n%s", got, p.user.answer)
	}
	id := p.media.in.ID()
	for name, want := range map[string]string{"from-uri": "sip:caller@" + a.target.Domain, "to-uri": user, "connection-id": connectionID(id)} {
		if got := q.Element().Get(name); got != want {
			a.t.Errorf("%s of SendMsg is %q, not %q", name, got, want)
		}
	}
	a.named(q, p.media)
	q.succeed()
}

// pushedWhereKept stores with the first media server while the second is there, too.
func pushedWhereKept(a *asCase) {
	user, _ := a.left()
	if len(a.ms) > 1 {
		a.bothServe()
	}
	a.register(user)
	l := a.leg()
	next(a, l.ended, "end of the push")
	for _, p := range a.ms[1:] {
		if happens(p.legs, 100*time.Millisecond) {
			a.t.Error("the other media server is called as well")
		}
	}
}
