package conform

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// pduASCases are those of sections 7.2.2 to 7.2.5 about PDUs.
func (b *bench) pduASCases() []Case {
	return []Case{
		must("mscp-as/7.2.2/1", "every PDU is written as the grammar, or the examples, have it, under load as well", b.on(func(a *asCase) {
			var all []*storing
			for range 20 {
				all = append(all, a.store(a.newUser()))
			}
			for _, s := range all {
				s.up() // every PDU is judged as it is read
			}
		})),
		must("mscp-as/7.2.2/2", "a response is put together from as many TCP segments as it comes in", b.on(func(a *asCase) {
			a.answered(func(q *asked) {
				for _, c := range []byte(q.success()) {
					q.c.write(string([]byte{c}))
				}
			})
		})),
		must("mscp-as/7.2.2/3", "two responses and a notification in one TCP segment are told apart", b.on(severalInOne)),
		must("mscp-as/7.2.2/4", "the headers may come in the grammar's order: Content-Length first", b.on(func(a *asCase) {
			a.answered(func(q *asked) {
				body := document("response", q.extension(answers[q.name()], ""))
				q.c.write(fmt.Sprintf("MSCP/1.0 200 OK %s\r\nContent-Length: %d\r\nContent-Type: application/mscp+xml\r\n\r\n%s", q.ID, len(body), body))
			})
		})),
		should("mscp-as/7.2.2/5", "headers that are not known are ignored", b.on(func(a *asCase) {
			a.answered(func(q *asked) {
				q.c.write(strings.Replace(q.success(), "\r\n", "\r\nX-Conform: yes\r\n", 1))
			})
		})),
		must("mscp-as/7.2.3/1", "consecutive requests have increasing request-ids", b.on(func(a *asCase) {
			a.fresh()
			for range 3 {
				a.store(a.newUser()).up().end()
			}
			_, q, _ := a.pushing()
			q.succeed()
		})),
		must("mscp-as/7.2.3/2", "requests and notifications are sent, and nothing else", b.on(func(a *asCase) {
			a.c.write(pdu("NOTIF MSCP/1.0", document("notification", `<dialogexit dialogid="conform-none"/>`)))
			a.c.write(pdu("NOTIF MSCP/1.0", document("notification", `<dialoguser name="conform" dialogid="conform-none"/>`)))
			a.works()
		})),
		must("mscp-as/7.2.3/3", "a request of the media server's is not carried out", b.on(func(a *asCase) {
			a.c.write(pdu("REQ MSCP/1.0 1", document("request", `<SendMsg xmlns="`+draft.PaperNamespace+`" `+paperAttributes+`/>`)))
			a.serves()
		})),
		must("mscp-as/7.2.4/1", "responses in reverse order reach the calls that their request-ids name", b.on(reversed)),
		must("mscp-as/7.2.4/2", "a response that nobody asked for, or a second one, is ignored", b.on(func(a *asCase) {
			a.answered(func(q *asked) {
				other := *q
				pdu := *q.PDU
				pdu.ID, other.PDU = q.ID+"9", &pdu
				second := q.pdu(200, document("response", q.extension("MsgNotRestored", ` reason="too late"`)))
				q.c.write(other.success() + q.success() + second)
			})
			a.works()
		})),
	}
}

// answered sets a store session up whose RestoreMsg is answered by f, and which must
// succeed over the same channel: long before anything but the response lets it go on.
func (a *asCase) answered(f func(*asked)) {
	a.t.Helper()
	a.byHand()
	s := a.store(a.newUser())
	q := a.ask("RestoreMsg")
	f(q)
	s.up()
	if d := s.doneAt.Sub(q.at); a.timedOut(d) {
		a.t.Errorf("the caller was answered %v after the request, as if there had been no response", d)
	}
	if a.c.over() {
		a.t.Error("the channel has ended")
	}
}

// serves checks that the service goes on, perhaps over a new channel: within the timeout a
// store session can be set up again.
func (a *asCase) serves() {
	a.t.Helper()
	a.rule(nil)
	for end := time.Now().Add(a.retried()); ; {
		a.c = a.channel()
		s := a.store(a.newUser())
		next(a, s.done, "final response to the caller")
		if s.err == nil {
			s.heard()
			s.end()
			a.p.forgetLegs()
			return
		}
		if time.Now().After(end) {
			a.t.Fatalf("no store session can be set up any more: %v", s.err)
		}
		happens(a.c.done, 50*time.Millisecond) // a channel that is down comes up anew
	}
}

func severalInOne(a *asCase) {
	a.byHand()
	one, two := a.store(a.newUser()), a.store(a.newUser())
	first, second := a.ask("RestoreMsg"), a.ask("RestoreMsg")
	a.c.write(first.success() + pdu("NOTIF MSCP/1.0", document("notification", `<dialogexit dialogid="conform-none"/>`)) + second.success())
	one.up()
	two.up()
	for _, s := range []*storing{one, two} {
		if d := s.doneAt.Sub(second.at); a.timedOut(d) {
			a.t.Errorf("a caller was answered after %v, as if there had been no response", d)
		}
	}
}

// reversed refuses the call that was asked about last, and accepts the others.
func reversed(a *asCase) {
	a.byHand()
	const n = 3
	var calls []*storing
	var asks []*asked
	for range n {
		calls = append(calls, a.store(a.newUser()))
		asks = append(asks, a.ask("RestoreMsg"))
	}
	refused := asks[n-1].Element().Get("to-uri")
	slices.Reverse(asks)
	for i, q := range asks {
		if i == 0 {
			q.reply(q.extension("MsgNotRestored", ` reason="conform refuses this one"`))
			continue
		}
		q.succeed()
	}
	for _, s := range calls {
		if s.to == refused {
			s.refused()
			continue
		}
		s.up()
	}
}
