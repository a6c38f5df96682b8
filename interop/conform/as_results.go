package conform

import (
	"strings"
	"time"
)

// resultCases are those of sections 2.1 and 7.2.4 about what responses mean.
func (b *bench) resultCases() []Case {
	return []Case{
		must("mscp-as/2.1/1", "an error element in a 200 means that the request has failed", b.on(func(a *asCase) {
			a.fails(func(q *asked) { q.reply(`<errordialogwrongstate dialogid="conform" reason="it is not supported"/>`) })
		})),
		must("mscp-as/7.2.4/3", "a 400 means that the request has failed; the channel goes on", b.on(func(a *asCase) {
			a.fails(func(q *asked) { q.send(400, `<e:error xmlns:e="urn:x-conform" reason="conform"/>`) })
		})),
		must("mscp-as/7.2.4/4", "a 500 means that the request has failed; the channel goes on", b.on(func(a *asCase) {
			a.fails(func(q *asked) { q.send(500, `<e:error xmlns:e="urn:x-conform" reason="conform"/>`) })
		})),
		must("mscp-as/7.2.4/5", "an element that answers another request is no success", b.on(func(a *asCase) {
			a.fails(func(q *asked) { q.reply(q.extension("MsgSended", "")) })
		})),
		must("mscp-as/7.2.4/6", "an answer about another connection is no success", b.on(func(a *asCase) {
			a.fails(func(q *asked) { q.c.write(otherConnection(q)) })
		})),
		must("mscp-as/7.2.4/7", "a body that is not well-formed is no success, and the service goes on", b.on(func(a *asCase) {
			a.byHand()
			s := a.store(a.newUser())
			q := a.ask("RestoreMsg")
			q.c.write(q.pdu(200, "<mscp"))
			s.refused()
			a.serves()
		})),
		must("mscp-as/7.2.4/8", "a response that does not come is waited for a bounded time; when it comes late, it does no harm", b.on(noResponse)),
		must("mscp-as/7.2.4/9", "when the connection is lost, each of ten outstanding requests is resolved, once", b.on(lostWithTen)),
	}
}

// otherConnection is the success of a request about another connection.
func otherConnection(q *asked) string {
	return q.pdu(200, document("response", strings.Replace(q.extension("MsgRestored", ""), `connection-id="`, `connection-id="other-`, 1)))
}

// fails sets up a store session whose RestoreMsg is answered by f, which means that it has
// failed: the caller gets a final response that says so, and the channel goes on.
func (a *asCase) fails(f func(*asked)) {
	a.t.Helper()
	a.byHand()
	s := a.store(a.newUser())
	f(a.ask("RestoreMsg"))
	s.refused()
	a.works()
}

func noResponse(a *asCase) {
	a.byHand()
	s := a.store(a.newUser())
	q := a.ask("RestoreMsg")
	select {
	case <-s.done:
	case <-time.After(a.target.RestoreWait + a.t.timeout):
		a.t.Fatalf("the caller has no final response %v after the request", a.target.RestoreWait+a.t.timeout)
	}
	q.succeed()
	s.end()
	a.works()
}

func lostWithTen(a *asCase) {
	a.byHand()
	var calls []*storing
	for range 10 {
		calls = append(calls, a.store(a.newUser()))
	}
	for range calls {
		a.ask("RestoreMsg")
	}
	a.c.conn.Close()
	for _, s := range calls {
		next(a, s.done, "final response to a caller whose request was outstanding")
	}
	a.serves()
}
