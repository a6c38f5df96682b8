package scriptedas

import (
	"context"
	"errors"
	"time"
)

// transfer moves the caller, or bridges them to a callee. See section 4.8.
func (d *dialogCall) transfer(e element) {
	switch e.get("type") {
	case "blind":
		d.refer(e.get("uri"))
		d.referred = true
		if !d.s.is(NeverTerminates) {
			d.terminate()
		}
	case "bridge":
		d.bridge(e)
	}
}

// refer asks the caller to call a URI. See RFC 3515.
func (d *dialogCall) refer(uri string) {
	if d.s.is(NeverRefers) {
		return
	}
	if d.s.is(RefersElsewhere) {
		uri = "sip:elsewhere@" + d.s.cfg.Domain
	}
	m := d.in.request("REFER", d.in.next())
	m.Add("Contact", "<"+d.s.sip.Contact("as")+">")
	m.Add("Refer-To", "<"+uri+">")
	ctx, cancel := context.WithTimeout(d.s.ctx, answerWait)
	defer cancel()
	_, _ = d.s.do(ctx, d.in.hop(), m) // the caller may refuse, and goes on hearing the dialog then
}

// bridge calls the callee by RFC 3725, flow I, and joins both connections.
func (d *dialogCall) bridge(e element) {
	wait, _ := time.ParseDuration(e.get("connecttimeout"))
	ctx, cancel := context.WithTimeout(d.s.ctx, wait)
	defer cancel()
	go func() {
		select {
		case <-d.in.ended:
			if !d.s.is(ServesEndedDialogs) {
				cancel()
			}
		case <-ctx.Done():
		}
	}()
	media, err := d.s.invite(ctx, d.c.media.Addr, "sip:ms@"+d.c.media.Addr+";transport=tcp", d.s.sip.Contact("as"), "")
	if err != nil {
		d.complete("network_busy")
		return
	}
	callee, err := d.s.invite(ctx, d.s.cfg.Proxy, e.get("uri"), canonical(d.in.fromOf()), media.body)
	if err != nil {
		media.ack(refusal(media.body))
		media.bye()
		d.complete(d.reason(err))
		return
	}
	if d.s.is(AcksBridgeLate) {
		d.s.work.Go(func() { d.s.pause(lateAck); media.ack(callee.body) })
	} else {
		media.ack(callee.body)
	}
	callee.ack("")
	d.callee, d.calleeMedia = callee, media
	if most, _ := time.ParseDuration(e.get("maxtime")); most > 0 && !d.s.is(IgnoresMaxTime) {
		d.maxTime = time.After(most)
	}
	id1, id2 := d.out.id(), media.id()
	if d.s.is(JoinsCalleeToDialog) {
		id1 = d.id
	}
	if !d.s.is(NeverJoinsCallee) {
		d.c.request(tag("join", "", "id1", id1, "id2", id2), answerWait)
	}
}

// reason is that of section 4.10 for a callee who was not reached.
func (d *dialogCall) reason(err error) string {
	var refused errRefused
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		if d.s.is(SaysBusyForNoAnswer) {
			return "busy"
		}
		return "noanswer"
	case errors.As(err, &refused) && refused.Status() == 486:
		if d.s.is(SaysNetworkBusyForBusy) {
			return "network_busy"
		}
		return "busy"
	}
	if d.s.is(SaysBusyForNetworkBusy) {
		return "busy"
	}
	return "network_busy"
}

// complete tells the media server that the transfer has ended. See section 4.10.
func (d *dialogCall) complete(reason string) {
	d.maxTime = nil
	d.c.notify(tag("dialogtransfercomplete", "", "dialogid", d.id, "reason", reason))
}

// calleeGone has the dialog go on with the caller. See section 4.8.2, scenario 3.
func (d *dialogCall) calleeGone() {
	d.endCallee()
	if !d.s.is(NeverRejoins) {
		d.rejoin()
	}
}

// rejoin joins the caller and the dialog again.
func (d *dialogCall) rejoin() {
	d.c.request(tag("join", "", "id1", d.out.id(), "id2", d.id), answerWait)
}

// endCallee ends both legs of a callee; without one it does nothing.
func (d *dialogCall) endCallee() {
	d.maxTime = nil
	if d.callee == nil {
		return
	}
	d.callee.bye()
	d.calleeMedia.bye()
	d.callee, d.calleeMedia = nil, nil
}
