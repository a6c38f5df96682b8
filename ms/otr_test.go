package ms

import (
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/gomscp/gomscp/mscp"
)

// The texts of a client's own, as they were on the wire; the key is cut.
const (
	otrQuery  = "?OTRv3?  I would like to start an Off-the-Record private conversation, but you do not seem to support that."
	otrCommit = "?OTR:AAMCAESwnAAAAAAAAADEqIATeTzdZ8tm1NvUWBw7+xDk2M4G0Ng1NbcRqtpGcZVRyInOE59FUSbec/ObcLyHMo9jH3HY1dWmOR9BNhmxkUtN."
)

// wrapped is a text in the CPIM of the client whose texts these are.
func wrapped(contentType, text string) string {
	return "From: <sip:bob@example.com>\r\nTo: <sip:alice@example.com>\r\nDateTime: 2026-11-27T04:57:38.447874+00:00\r\n\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: " + contentType + "\r\n\r\n" + text
}

// fromAlice has a text of wrapped go the other way.
func fromAlice(text string) string {
	return strings.NewReplacer(alice, bob, bob, alice).Replace(text)
}

// TestHandshakesAreForgotten sends what clients send by themselves, and a text, from
// a sender and as replies in a push.
func TestHandshakesAreForgotten(t *testing.T) {
	handshakes := map[string]string{ // body: Content-Type
		otrQuery:                           `text/plain; charset="utf8"`,
		otrCommit:                          "text/plain",
		"?OTR|5a73a599|27e31597,1,3,?OTR:": "TEXT/html",
		wrapped("text/plain", otrQuery):    "message/cpim",
		wrapped("text/plain; charset=utf-8", otrCommit):        "message/cpim",
		wrapped("application/im-iscomposing+xml", "<active/>"): "message/cpim",
		"<active/>": "application/im-iscomposing+xml",
	}
	for _, keep := range []bool{false, true} {
		a := newFakeAS(t, func(c *Config) { c.KeepAutomatic, c.KeepNotifications = keep, keep })
		a.notified = make(chan mscp.Element, 20)
		l := a.rawStore(t, alice, bob, "accept-types:*")
		for body, contentType := range handshakes {
			l.send("h1", fromAlice(body), "Content-Type: "+contentType)
			l.want("h1", 200)
		}
		l.send("t1", "hello", "Content-Type: text/plain")
		l.want("t1", 200)
		a.bye(l)
		kept := a.ms.Store().Messages(bob, alice)
		if keep {
			if len(kept) != len(handshakes)+1 {
				t.Errorf("kept %d", len(kept))
			}
			continue
		}
		if len(kept) != 1 || kept[0].MessageID != "mt1" {
			t.Fatalf("kept %+v", kept)
		}
		if n := a.counter("mscp_mediaserver_notifications_dropped_total"); n != float64(len(handshakes)) {
			t.Errorf("%v are counted as dropped", n)
		}

		p := a.rawPush(t, "accept-types:message/cpim text/*", "accept-wrapped-types:text/*")
		sent := make(chan mscp.Element, 1)
		go func() {
			sent <- a.do(&mscp.SendMsg{FromURI: alice, ToURI: bob, ConnectionID: p.call.ID().String()})
		}()
		p.Answer(p.Next(), 200, "OK")
		if r, ok := (<-sent).(*mscp.MsgSended); !ok {
			t.Fatalf("%+v", r)
		}
		for body, contentType := range handshakes {
			p.send("r1", body, "Content-Type: "+contentType)
			p.want("r1", 200)
		}
		p.send("r2", "for my eyes", "Failure-Report: no", "Content-Type: text/plain") // not answered
		p.send("r3", "thanks", "Failure-Report: no", "Success-Report: yes", "Content-Type: text/plain")
		if f := p.Next(); f.Method != "REPORT" || f.Get("Message-ID") != "mr3" {
			t.Fatalf("got %+v", f)
		}
		p.send("r4", wrapped("message/imdn+xml", "<imdn/>"), "Failure-Report: no", "Content-Type: message/cpim")
		p.send("r5", "ok", "Content-Type: text/plain")
		p.want("r5", 200)
		a.bye(p)
		var ids []string
		for _, m := range a.ms.Store().Messages(alice, bob) {
			ids = append(ids, m.MessageID)
		}
		if got := strings.Join(ids, " "); got != "mr3 mr4 mr5" {
			t.Errorf("of the replies are kept %s", got)
		}
	}
}

// counter is the value of a metric, summed over its labels.
func (a *fakeAS) counter(name string) (value float64) { return a.counterOf(name, "") }

// counterOf is counter for the metrics that have a label of that value; "" for all.
func (a *fakeAS) counterOf(name, label string) (value float64) {
	a.t.Helper()
	families, err := a.ms.metrics.reg.Gather()
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			is := slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetValue() == label })
			if f.GetName() == name && (label == "" || is) {
				value += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return value
}
