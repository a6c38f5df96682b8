package scriptedas

import (
	"context"
	"time"
)

// A dialogCall is a caller on whose connection a dialog runs. See section 4.
type dialogCall struct {
	s       *Server
	c       *channel
	in, out *leg // to the caller, to the media server
	id      string
	events  chan element

	callee, calleeMedia *leg // of a bridge transfer
	maxTime             <-chan time.Time
	referred            bool
}

// script is the dialog's document.
const script = "data:text/plain,welcome"

// dialogCall takes a call for a dialog: its connection first, the dialog on it then.
func (s *Server) dialogCall(in *leg) {
	c := s.pick()
	if c == nil {
		in.refuse("503 Service Unavailable")
		return
	}
	defer c.count(-1)
	ctx, cancel := context.WithTimeout(s.ctx, answerWait)
	defer cancel()
	out, err := s.invite(ctx, c.media.Addr, "sip:ms@"+c.media.Addr+";transport=tcp", s.sip.Contact("as"), in.body)
	if err != nil {
		in.refuse("500 Server Internal Error")
		return
	}
	out.ack("")
	in.answer(out.body)
	d := &dialogCall{s: s, c: c, in: in, out: out, events: make(chan element, maxEarly)}
	if d.start() {
		d.run()
	} else if s.is(RefusesWithoutEnding) {
		out.bye()
		return
	}
	in.bye()
	if !s.is(KeepsMediaAfterExit) {
		out.bye()
	}
	if !s.is(KeepsCallee) {
		d.endCallee()
	}
}

// start prepares and starts the dialog, and reports whether it runs.
func (d *dialogCall) start() bool {
	attrs := []string{"src", script, "type", "text/plain"}
	inner := ""
	if d.s.is(TwoSources) {
		inner = "<src>welcome</src>"
	}
	o := d.c.request(tag("dialogprepare", inner, attrs...), answerWait)
	if d.s.is(IgnoresNotPrepared) && o.XMLName.Local == "errordialognotprepared" {
		o.XMLName.Local = "dialogprepared"
	}
	if o.err != nil || o.XMLName.Local != "dialogprepared" {
		return false
	}
	d.id = o.get("dialogid")
	d.s.know(d.id, d)
	attrs = []string{"prepareddialogid", d.id, "connectionid", d.out.id()}
	switch {
	case d.s.is(StartsAnotherDialog):
		attrs[1] = d.id + "x"
	case d.s.is(SourceBesidePrepared):
		attrs = append(attrs, "src", script)
	case d.s.is(StartsOnCallersID):
		attrs[3] = d.in.id()
	}
	o = d.c.request(tag("dialogstart", "", attrs...), answerWait)
	switch {
	case d.s.is(IgnoresNotStarted) && o.XMLName.Local == "errordialognotstarted", d.s.is(IgnoresWrongState) && o.XMLName.Local == "errordialogwrongstate":
		return true
	case o.err != nil || o.XMLName.Local != "dialogstarted":
		return false
	}
	return true
}

// run lasts as long as the dialog.
func (d *dialogCall) run() {
	defer d.s.forget(d.id)
	for {
		var callee <-chan struct{}
		if d.callee != nil {
			callee = d.callee.ended
		}
		select {
		case <-d.in.ended:
			if !d.referred && !d.s.is(NeverTerminates) {
				d.terminate()
			}
			if d.s.is(ServesEndedDialogs) {
				d.s.work.Go(d.haunt)
			}
			return
		case <-d.out.ended:
			return
		case <-d.s.ctx.Done():
			return
		case <-callee:
			d.calleeGone()
		case <-d.maxTime:
			d.complete("maxtime_disconnect")
			d.endCallee()
		case e := <-d.events:
			if !d.take(e) {
				return
			}
		}
	}
}

// haunt makes something of notifications of a dialog that has ended.
func (d *dialogCall) haunt() {
	select {
	case e := <-d.events:
		d.take(e)
	case <-d.s.ctx.Done():
	}
}

// take does what a notification asks for, and reports whether the dialog goes on.
func (d *dialogCall) take(e element) bool {
	switch e.XMLName.Local {
	case "dialogexit":
		return d.s.is(IgnoresExit)
	case "errordialog":
		return d.s.is(IgnoresErrorDialog)
	case "dialoguser":
		return !d.s.is(EndsOnDialogUser)
	case "dialogdisconnect":
		if d.s.is(IgnoresDisconnect) {
			return true
		}
		d.terminate()
		return false
	case "dialogtransfer":
		d.transfer(e)
	case "dialogterminatetransfer":
		if !d.s.is(IgnoresTerminateTransfer) {
			d.rejoin()
			d.endCallee()
		}
	}
	return true
}

// terminate ends the dialog at the media server. See section 4.3.
func (d *dialogCall) terminate() {
	id := d.id
	if d.s.is(TerminatesAnother) {
		id += "x"
	}
	d.c.notify(tag("dialogterminate", "", "dialogid", id, "immediate", "false"))
}
