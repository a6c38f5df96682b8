package conform

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua"
)

// transferCases are those of sections 4.8 to 4.10.
func (b *bench) transferCases() []Case {
	return []Case{
		must("mscp-as/4.8.1/1", "a blind transfer is a REFER to the caller, and dialogterminate", b.on(blindTransfer)),
		must("mscp-as/4.8.2/1", "a bridge transfer calls the callee, whose media are the media server's, and joins both connections", b.on(func(a *asCase) {
			a.bridged().ends()
		})),
		must("mscp-as/4.8.2/2", "when the callee hangs up, their leg is ended, and the dialog goes on with the caller", b.on(func(a *asCase) {
			t := a.bridged()
			hangUp(t.callee.call)
			next(a, t.calleeMedia.ended, "BYE to the media server for the callee")
			t.rejoined()
			t.ends()
		})),
		must("mscp-as/4.8.2/3", "when the caller hangs up, dialog, callee and both connections are ended", b.on(func(a *asCase) {
			t := a.bridged()
			t.call.end()
			a.noted("dialogterminate", t.id)
			next(a, t.media.ended, "BYE to the media server for the caller")
			t.calleeGone()
		})),
		must("mscp-as/4.9/1", "after dialogterminatetransfer the dialog goes on with the caller, and the callee's call is ended", b.on(func(a *asCase) {
			t := a.bridged()
			a.notify(element("dialogterminatetransfer", "dialogid", t.id, "reason", "near_end_disconnect"))
			t.rejoined()
			t.calleeGone()
			t.ends()
		})),
		must("mscp-as/4.10/1", "a callee who answers 486 is busy", b.on(func(a *asCase) {
			a.notReached("busy", func(in *sipua.IncomingCall) { _ = in.Reject(486, "") })
		})),
		must("mscp-as/4.10/2", "a callee who answers 6xx is network_busy", b.on(func(a *asCase) {
			a.notReached("network_busy", func(in *sipua.IncomingCall) { _ = in.Reject(603, "") })
		})),
		must("mscp-as/4.10/3", "a callee who does not answer within connecttimeout is noanswer, and their call is cancelled", b.on(func(a *asCase) {
			cancelled := make(chan struct{})
			a.notReached("noanswer", func(in *sipua.IncomingCall) {
				if happens(in.Cancelled(), a.t.timeout) {
					close(cancelled)
				}
			})
			next(a, cancelled, "CANCEL to the callee")
		})),
		must("mscp-as/4.10/4", "a transfer that has lasted maxtime is ended with maxtime_disconnect", b.on(func(a *asCase) {
			t := a.bridgedFor("1s")
			if e := a.noted("dialogtransfercomplete", t.id); e.Get("reason") != "maxtime_disconnect" {
				a.t.Errorf("the reason is %q", e.Get("reason"))
			}
			t.calleeGone()
		})),
	}
}

// transfer is a notification that asks for one.
func transfer(dialogID, kind, uri, maxTime, connectTimeout string) string {
	return element("dialogtransfer", "dialogid", dialogID, "type", kind, "uri", uri, "maxtime", maxTime, "connecttimeout", connectTimeout)
}

// A bridge is a transfer that is connected.
type bridge struct {
	*talk
	callee, calleeMedia *leg
}

func (a *asCase) bridged() *bridge { a.t.Helper(); return a.bridgedFor("0s") }

// bridgedFor brings a bridge transfer up to the join of both connections.
func (a *asCase) bridgedFor(maxTime string) *bridge {
	a.t.Helper()
	d := a.dialog()
	user := a.newUser()
	a.register(user)
	a.notify(transfer(d.id, "bridge", user, maxTime, "20s"))
	t := &bridge{talk: d, calleeMedia: a.leg()}
	t.callee = next(a, a.calls, "INVITE to the callee")
	next(a, t.callee.acked, "ACK to the callee")
	a.named(a.joins(d.conn, connectionID(t.calleeMedia.in.ID())), t.calleeMedia)
	return t
}

// joins waits for a join of two things, in either order, and has it succeed.
func (a *asCase) joins(one, two string) *asked {
	a.t.Helper()
	q := a.ask("join")
	id1, id2 := q.Element().Get("id1"), q.Element().Get("id2")
	if !(id1 == one && id2 == two || id1 == two && id2 == one) {
		a.t.Errorf("%q and %q are joined, not %q and %q", id1, id2, one, two)
	}
	q.oblige()
	return q
}

// rejoined waits until the dialog and the caller are joined again.
func (t *bridge) rejoined() { t.a.t.Helper(); t.a.joins(t.conn, t.id) }

// calleeGone waits until both legs of the callee have ended.
func (t *bridge) calleeGone() {
	t.a.t.Helper()
	next(t.a, t.callee.ended, "BYE to the callee")
	next(t.a, t.calleeMedia.ended, "BYE to the media server for the callee")
}

// notReached has a bridge transfer fail, for a reason that the media server is told; the
// dialog goes on.
func (a *asCase) notReached(reason string, answer func(*sipua.IncomingCall)) {
	a.t.Helper()
	d := a.dialog()
	a.mu.Lock()
	a.onUser = answer
	a.mu.Unlock()
	user := a.newUser()
	a.register(user)
	a.notify(transfer(d.id, "bridge", user, "0s", "1s"))
	e := a.noted("dialogtransfercomplete", d.id)
	if got := e.Get("reason"); got != reason {
		a.t.Errorf("the reason is %q, not %q", got, reason)
	}
	for len(a.p.legs) > 0 { // the callee's, if there was one
		next(a, (<-a.p.legs).ended, "BYE to the media server for the callee")
	}
	d.ends()
}

func blindTransfer(a *asCase) {
	d := a.dialog()
	to := "sip:conform-transfer@" + a.target.Domain
	a.notify(transfer(d.id, "blind", to, "0s", "5s"))
	got := next(a, a.refers, "REFER to the caller")
	if !strings.Contains(got, to) {
		a.t.Errorf("Refer-To is %q, not %q", got, to)
	}
	a.noted("dialogterminate", d.id)
	a.notify(element("dialogexit", "dialogid", d.id, "connectionid", d.conn))
	d.call.end()
	next(a, d.media.ended, "BYE to the media server")
}

// takeRefer accepts a REFER to the caller. See RFC 3515, section 2.4.2.
func (b *bench) takeRefer(req *sip.Request, tx sip.ServerTransaction) {
	to := ""
	if h := req.GetHeader("Refer-To"); h != nil {
		to = h.Value()
	}
	push(b.refers, to)
	_ = tx.Respond(sip.NewResponseFromRequest(req, 202, "Accepted", nil)) // the application server may be gone
}
