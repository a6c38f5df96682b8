package conform

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// dialogASCases are those of sections 4.1 to 4.7.
func (b *bench) dialogASCases() []Case {
	return []Case{
		must("mscp-as/4.1/1", "dialogprepare and dialogstart name one source, and the connection of the caller or none", b.on(func(a *asCase) {
			a.dialog().call.end() // every document is judged as it is read
		})),
		must("mscp-as/4.1/2", "after errordialognotprepared the call is ended", b.on(func(a *asCase) {
			d := a.dialogCall()
			q := d.asked()
			if q.name() != "dialogprepare" {
				a.t.Skipf("the application server starts dialogs without preparing them")
			}
			q.reply(element("errordialognotprepared", "dialogid", dialogID(), "reason", "conform"))
			d.over()
		})),
		must("mscp-as/4.2/1", "a prepared dialog is started by its dialogid, with nothing that dialogprepare has said", b.on(startsPrepared)),
		must("mscp-as/4.2/2", "dialogstart names the application server's own connection to the media server, after its ACK", b.on(func(a *asCase) {
			d := a.dialogCall()
			q := d.askedStart()
			a.named(q, d.media)
			if got := d.startedOn; got != d.conn {
				a.t.Errorf("connectionid is %q, not %q", got, d.conn)
			}
			q.reply(element("dialogstarted", "dialogid", d.id, "connectionid", d.conn))
			d.call.up()
		})),
		must("mscp-as/4.2/3", "after errordialognotstarted the call is ended", b.on(func(a *asCase) { a.dialogFails("errordialognotstarted") })),
		must("mscp-as/4.2/4", "after errordialogwrongstate the call is ended", b.on(func(a *asCase) { a.dialogFails("errordialogwrongstate") })),
		must("mscp-as/4.3/1", "when the caller hangs up, the dialog is ended by dialogterminate, and the connection by BYE", b.on(func(a *asCase) {
			d := a.dialog()
			d.call.end()
			a.noted("dialogterminate", d.id)
			next(a, d.media.ended, "BYE to the media server")
		})),
		must("mscp-as/4.3/2", "nothing is made of a notification of a dialog that has ended", b.on(lateTransfer)),
		must("mscp-as/4.4/1", "after dialogexit both legs of the call are ended", b.on(func(a *asCase) { a.dialog().ends() })),
		must("mscp-as/4.4/2", "a dialogexit that comes before dialogstarted is not lost", b.on(func(a *asCase) {
			d := a.dialogCall()
			q := d.askedStart()
			a.notify(element("dialogexit", "dialogid", d.id, "connectionid", d.conn))
			q.reply(element("dialogstarted", "dialogid", d.id, "connectionid", d.conn))
			d.over()
		})),
		must("mscp-as/4.5/1", "after errordialog both legs of the call are ended", b.on(func(a *asCase) {
			d := a.dialog()
			a.notify(element("errordialog", "dialogid", d.id, "connectionid", d.conn, "reason", "conform"))
			d.over()
		})),
		must("mscp-as/4.6/1", "a dialoguser notification of a name that is not known leaves the dialog as it is", b.on(func(a *asCase) {
			d := a.dialog()
			a.notify(element("dialoguser", "name", "conform.unknown", "dialogid", d.id))
			d.stays()
			d.ends()
		})),
		must("mscp-as/4.7/1", "dialogdisconnect is followed by dialogterminate, and the call is ended", b.on(func(a *asCase) {
			d := a.dialog()
			a.notify(element("dialogdisconnect", "dialogid", d.id, "connectionid", d.conn))
			a.noted("dialogterminate", d.id)
			a.notify(element("dialogexit", "dialogid", d.id, "connectionid", d.conn))
			d.over()
		})),
	}
}

// A talk is a call in which a dialog runs, or is to.
type talk struct {
	a         *asCase
	call      *storing
	media     *leg
	conn      string // the connection between application server and media server
	id        string // of the dialog
	startedOn string // connectionid of dialogstart, or of its dialogprepare
	prepared  bool
}

var dialogs atomic.Int64

// dialogID makes the id of a dialog or conference up.
func dialogID() string { return fmt.Sprintf("conform-%d", dialogs.Add(1)) }

// dialogCall calls for a dialog.
func (a *asCase) dialogCall() *talk {
	a.t.Helper()
	if a.target.Dialog == "" {
		a.t.Skipf("no URI is known at which the application server has a dialog for a caller")
	}
	a.byHand()
	a.p.forgetLegs()
	s := a.store(a.target.Dialog)
	a.t.Cleanup(func() { a.oblige() })
	d := &talk{a: a, call: s, media: a.leg()}
	d.conn = connectionID(d.media.in.ID())
	return d
}

// asked is the next request for the dialog.
func (d *talk) asked() *asked {
	d.a.t.Helper()
	return d.a.anyOf("dialogprepare", "dialogstart")
}

// anyOf is the next request, of one of some elements.
func (a *asCase) anyOf(names ...string) *asked {
	a.t.Helper()
	q := next(a, a.p.asks, fmt.Sprintf("%s on the control channel", names))
	if !slices.Contains(names, q.name()) {
		a.t.Fatalf("%s came where %s was awaited", q.name(), names)
	}
	return q
}

// askedStart has the dialog prepared, if the application server wants it, and returns the
// request to start it.
func (d *talk) askedStart() *asked {
	d.a.t.Helper()
	d.id = dialogID()
	q := d.asked()
	if q.name() == "dialogprepare" {
		d.prepared, d.startedOn = true, q.Element().Get("connectionid")
		var on []string
		if d.startedOn != "" {
			on = []string{"connectionid", d.startedOn}
		}
		q.reply(element("dialogprepared", append([]string{"dialogid", d.id}, on...)...))
		q = d.a.ask("dialogstart")
	}
	if id := q.Element().Get("connectionid"); id != "" {
		d.startedOn = id
	}
	return q
}

// dialog has a dialog run on a call.
func (a *asCase) dialog() *talk {
	a.t.Helper()
	d := a.dialogCall()
	d.askedStart().reply(element("dialogstarted", "dialogid", d.id, "connectionid", d.conn))
	d.call.up()
	return d
}

// dialogFails answers dialogstart with an error, which ends the call.
func (a *asCase) dialogFails(name string) {
	a.t.Helper()
	d := a.dialogCall()
	d.askedStart().reply(element(name, "dialogid", d.id, "connectionid", d.conn, "reason", "conform"))
	d.over()
	a.works()
}

// over waits until both legs have ended.
func (d *talk) over() {
	d.a.t.Helper()
	next(d.a, d.call.done, "final response to the caller")
	if d.call.err == nil {
		next(d.a, d.call.call.Done(), "BYE to the caller")
	}
	next(d.a, d.media.ended, "BYE to the media server")
}

// ends has the dialog exit, and the call with it.
func (d *talk) ends() {
	d.a.t.Helper()
	d.a.notify(element("dialogexit", "dialogid", d.id, "connectionid", d.conn))
	d.over()
}

// stays checks that both legs go on.
func (d *talk) stays() {
	d.a.t.Helper()
	d.a.serves() // by now the notification has been looked at
	d.a.byHand()
	if d.call.call.Ended() || happens(d.media.ended, 0) {
		d.a.t.Error("the call has ended")
	}
}

// notify sends a notification.
func (a *asCase) notify(element string) {
	a.c.write(pdu("NOTIF MSCP/1.0", document("notification", element)))
}

// noted waits for a notification of the application server's about a dialog.
func (a *asCase) noted(name, dialogID string) *draft.Element {
	a.t.Helper()
	e := next(a, a.p.notes, name+" on the control channel").Element()
	if e.Name != name {
		a.t.Fatalf("%s came where %s was awaited", e.Name, name)
	}
	if id := e.Get("dialogid"); id != dialogID {
		a.t.Errorf("dialogid of %s is %q, not %q", name, id, dialogID)
	}
	return e
}

// oblige answers everything from now on, and what has come so far.
func (a *asCase) oblige() {
	a.rule(func(q *asked) bool { return q.oblige() })
	for len(a.p.asks) > 0 {
		select {
		case q := <-a.p.asks:
			q.oblige()
		default:
		}
	}
}

// oblige has a request of the draft succeed, and reports whether it is one.
func (q *asked) oblige() bool {
	e := q.Element()
	switch q.name() {
	case "dialogprepare":
		q.reply(element("dialogprepared", "dialogid", dialogID()))
	case "dialogstart":
		q.reply(element("dialogstarted", "dialogid", dialogID(), "connectionid", e.Get("connectionid")))
	case "createconference":
		q.reply(element("conferencecreated", "conferenceid", dialogID()))
	case "destroyconference":
		q.reply(element("conferencedestroyed", "conferenceid", e.Get("conferenceid")))
	case "join":
		q.reply(element("conferencejoined", "id1", e.Get("id1"), "id2", e.Get("id2")))
	case "unjoin":
		q.reply(element("conferenceunjoined", "id1", e.Get("id1"), "id2", e.Get("id2")))
	default:
		q.succeed()
	}
	return true
}

func startsPrepared(a *asCase) {
	d := a.dialogCall()
	q := d.askedStart()
	if !d.prepared {
		a.t.Skipf("the application server starts dialogs without preparing them")
	}
	e := q.Element()
	if id := e.Get("prepareddialogid"); id != d.id {
		a.t.Errorf("prepareddialogid is %q, not %q", id, d.id)
	}
	for _, name := range []string{"src", "type", "maxage", "maxstale", "enctype", "method"} {
		if _, has := e.Attribute(name); has {
			a.t.Errorf("it has the attribute %s", name)
		}
	}
	for _, child := range e.Elements {
		if child.Space == draft.Namespace {
			a.t.Errorf("it has the element %s", child.Name)
		}
	}
	q.reply(element("dialogstarted", "dialogid", d.id, "connectionid", d.conn))
	d.call.up()
}

// lateTransfer has a dialog ask for a transfer after the caller has hung up.
func lateTransfer(a *asCase) {
	d := a.dialog()
	d.call.end()
	a.noted("dialogterminate", d.id)
	next(a, d.media.ended, "BYE to the media server")
	user := a.newUser()
	a.register(user)
	a.notify(transfer(d.id, "bridge", user, "0s", "5s"))
	a.works()
	if happens(a.calls, a.t.timeout/10) {
		a.t.Error("somebody is called")
	}
}
