package conform

import (
	"context"
	"math/big"
	"net"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// channelCases are those of section 7.2.1.
func (b *bench) channelCases() []Case {
	return []Case{
		must("mscp-as/7.2.1/1", "the offer has an m-line of application and TCP/MS or TCP/TLS/MS", b.on(offerHasChannel)),
		must("mscp-as/7.2.1/2", "the port of the offer is 9", b.on(func(a *asCase) {
			if m := a.offer(); m.Port != 9 {
				a.t.Errorf("it is %d", m.Port)
			}
		})),
		must("mscp-as/7.2.1/3", "the offer has a=setup:active", b.on(func(a *asCase) {
			if m := a.offer(); m.Setup != "active" {
				a.t.Errorf("it is %q", m.Setup)
			}
		})),
		must("mscp-as/7.2.1/4", "the first offer of a dialog has a=connection:new", b.on(func(a *asCase) {
			if m := a.offer(); m.Connection != "new" {
				a.t.Errorf("it is %q", m.Connection)
			}
		})),
		must("mscp-as/7.2.1/5", "the offer is a well-formed session description", b.on(func(a *asCase) {
			for _, f := range a.offer().Findings {
				a.t.Errorf("%v", f)
			}
		})),
		must("mscp-as/7.2.1/6", "one TCP connection comes, to the address and port of the answer, wherever SIP comes from", b.on(elsewhere)),
		must("mscp-as/7.2.1/7", "an answer with a=setup:active, which is not the media server's part, is not connected to", b.on(activeAnswer)),
		should("mscp-as/7.2.1/8", "an answer with port 0 is not followed by a new offer at once, again and again", b.on(func(a *asCase) {
			a.notHammered(func(c *control) { c.accept(controlAnswer(a.p.host, 0, "passive")) })
		})),
		should("mscp-as/7.2.1/9", "a 503 with Retry-After is not followed by a new offer at once, again and again", b.on(func(a *asCase) {
			a.notHammered(func(c *control) { _ = c.in.Reject(503, "", sipua.Header{Name: "Retry-After", Value: "1"}) })
		})),
		should("mscp-as/7.2.1/10", "a connection that was closed is offered anew in the same dialog, with a=connection:new and the version of o= one higher", b.on(reoffered)),
		must("mscp-as/7.2.1/11", "after the media server's BYE, there is a new dialog, and a channel in it", b.on(func(a *asCase) {
			old := a.c.call.ID()
			a.fresh()
			if a.c.call.ID().CallID == old.CallID { // [RFC3261-8.1.1.4]
				a.t.Error("it has the Call-ID of the old one")
			}
			a.works()
		})),
		must("mscp-as/7.2.1/12", "when the application server ends, it ends the dialog by BYE, and the connection", b.on(asEnds)),
		must("mscp-as/7.2.1/13", "a channel without traffic persists", b.on(func(a *asCase) {
			select {
			case <-a.c.done:
				a.t.Error("the connection has ended")
			case <-a.c.control.ended:
				a.t.Error("the dialog has ended")
			case <-time.After(a.target.Idle):
			}
			a.works()
		})),
		should("mscp-as/7.2.1/14", "there is one channel for one media server, under load as well", b.on(func(a *asCase) {
			var all []*storing
			for range 20 {
				all = append(all, a.store(a.newUser()))
			}
			for _, s := range all {
				s.up()
			}
			if n := a.c.control.accepted.Load(); n != 1 || len(a.p.controls) > 0 {
				a.t.Errorf("there are %d connections, and %d more dialogs", n, len(a.p.controls))
			}
		})),
		must("mscp-as/7.2.1/15", "over TLS, nothing is sent to a media server whose certificate has not the fingerprint of its answer", b.on(foreignCertificate)),
	}
}

// foreignCertificate answers with a fingerprint of another certificate.
func foreignCertificate(a *asCase) {
	if !a.c.control.tls {
		a.t.Skipf("the application server offers a channel without TLS")
	}
	other, err := newCertificate()
	if err != nil {
		a.t.Fatal(err)
	}
	a.p.answers(func(c *control) { c.accept(c.listenWith(a.p.host, "passive", other.Certificate)) })
	hangUp(a.c.call)
	c := nextTry(a, a.p.controls, "new control dialog")
	for end := time.Now().Add(time.Second); c.requests.Load() == 0 && time.Now().Before(end); happens(c.ended, 50*time.Millisecond) {
		s := a.store(a.newUser())
		next(a, s.done, "final response to a caller")
		if s.err == nil {
			a.t.Error("a caller got a 200, though no media server can take messages")
		}
	}
	if n := c.requests.Load(); n > 0 {
		a.t.Errorf("%d PDUs have come", n)
	}
	a.p.answers(nil)
	if happens(c.ready, a.t.timeout) {
		hangUp(c.call)
	}
	a.serves() // once the application server knows of the channel, too
}

// offer reads the offer of the control dialog.
func (a *asCase) offer() *draft.Media {
	a.t.Helper()
	m, ok := draft.SDP(a.c.control.in.Body)
	if !ok {
		a.t.Fatalf("the offer has no m-line of a control channel:\n%s", a.c.control.in.Body)
	}
	return m
}

func offerHasChannel(a *asCase) {
	m := a.offer()
	if m.TLS && len(m.Fingerprints) == 0 {
		a.t.Errorf("it is TLS, without a fingerprint")
	}
}

// elsewhere has the channel be at another address than SIP, where the machine has one.
func elsewhere(a *asCase) {
	const other = "127.0.0.2"
	host := a.p.host
	if ln, err := net.Listen("tcp", other+":0"); err == nil && strings.HasPrefix(host, "127.") {
		ln.Close()
		host = other
	}
	a.p.answers(func(c *control) { c.accept(c.listen(host, "passive")) })
	a.fresh()
	a.works()
	if n := a.c.control.accepted.Load(); n != 1 {
		a.t.Errorf("%d connections have come", n)
	}
}

// answers sets how a control dialog is answered.
func (p *mediaPeer) answers(f func(*control)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

func activeAnswer(a *asCase) {
	a.p.answers(func(c *control) { c.accept(c.listen(a.p.host, "active")) })
	hangUp(a.c.call)
	c := nextTry(a, a.p.controls, "new control dialog")
	select {
	case <-c.ended: // it has given the dialog up
	case <-a.p.controls:
	case <-time.After(a.t.timeout):
	}
	if n := c.accepted.Load(); n > 0 {
		a.t.Errorf("%d connections have come", n)
	}
	a.p.answers(nil)
	select {
	case <-c.ready:
		hangUp(c.call)
	default:
	}
	a.channel()
}

// maxOffers is how many offers in a second are no hammering.
const maxOffers = 20

// notHammered checks that a way to refuse the channel is not asked for without end.
func (a *asCase) notHammered(refuse func(*control)) {
	a.t.Helper()
	a.p.answers(refuse)
	hangUp(a.c.call)
	nextTry(a, a.p.controls, "new control dialog")
	n := 0
	for end := time.After(time.Second); ; n++ {
		select {
		case <-a.p.controls:
			continue
		case <-end:
		}
		break
	}
	if n > maxOffers {
		a.t.Errorf("there are %d more within a second", n)
	}
	a.p.answers(nil)
	a.serves()
}

func reoffered(a *asCase) {
	before := a.offer()
	c := a.c.control
	a.c.conn.Close()
	m, ok := draft.SDP(nextTry(a, c.offers, "re-INVITE in the dialog"))
	if !ok || m.Connection != "new" {
		a.t.Fatalf("the new offer is no channel's, or has a=connection:%s", m.Connection)
	}
	for _, f := range m.Findings {
		a.t.Errorf("%v", f)
	}
	old, _ := new(big.Int).SetString(before.Version, 10)
	version, ok := new(big.Int).SetString(m.Version, 10)
	if !ok || old == nil || version.Cmp(old.Add(old, big.NewInt(1))) != 0 || m.Session != before.Session {
		a.t.Errorf("o= has the session %s and the version %s after %s and %s", m.Session, m.Version, before.Session, before.Version)
	}
	a.serves()
}

func asEnds(a *asCase) {
	stop, start, wait := a.target.Stop, a.target.Start, a.t.timeout
	if (stop == nil || start == nil) && a.target.ByHand != nil {
		wait = a.target.ByHandWait
		stop = func(context.Context) error { a.target.ByHand("stop the application server"); return nil }
		start = func(context.Context) error { a.target.ByHand("start the application server again"); return nil }
	}
	if stop == nil || start == nil {
		a.t.Skipf("the runner cannot stop and start the application server")
	}
	ctx, cancel := a.t.within()
	defer cancel()
	a.c.control.patient.Store(true)
	a.t.Cleanup(func() {
		a.c.conn.Close()
		if err := start(a.t.ctx); err != nil {
			a.t.Errorf("starting it again: %v", err)
		}
		a.p.await(a.t, wait)
		if err := a.newCaller(net.JoinHostPort(a.p.host, "0")); err != nil {
			a.t.Errorf("the caller: %v", err)
		}
	})
	if err := stop(ctx); err != nil {
		a.t.Errorf("stopping it: %v", err)
	}
	nextWithin(a, a.c.control.ended, "BYE of the control dialog", wait)
	next(a, a.c.done, "end of the connection")
	if err := a.c.call.Err(); err != nil {
		a.t.Errorf("the dialog has not ended by BYE: %v", err)
	}
}
