package sipserver

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// subscribe makes and sends a SUBSCRIBE and returns its response and the first
// NOTIFY, whichever comes first.
func (e *endpoint) subscribe(s *Server, callID string, seq int, extra ...string) (res string, notify packet) {
	e.t.Helper()
	e.send(s.Addr(), e.request("SUBSCRIBE", "sip:bob@example.com", callID, seq, append([]string{"Event: presence"}, extra...)...))
	for range 2 {
		if p := e.want(""); strings.HasPrefix(p.text, "NOTIFY ") {
			notify = p
		} else {
			res = p.text
		}
	}
	if !strings.HasPrefix(res, "SIP/2.0 200 ") || notify.answer == nil {
		e.t.Fatalf("SUBSCRIBE got\n%s\n%s", res, notify.text)
	}
	notify.answer(response(notify.text, "200 OK"))
	return res, notify
}

// next takes and answers the next NOTIFY.
func (e *endpoint) next(status string) string {
	e.t.Helper()
	p := e.want("NOTIFY ")
	p.answer(response(p.text, status))
	return p.text
}

// seqOf is the CSeq number.
func seqOf(text string) int {
	n, _, _ := strings.Cut(header(text, "CSeq"), " ")
	i, _ := strconv.Atoi(n)
	return i
}

// TestSubscriptionOnTheWire follows one subscription from its beginning to its
// end.
func TestSubscriptionOnTheWire(t *testing.T) {
	for name, over := range map[string]func(*testing.T) *endpoint{"UDP": newUDP, "TCP": newTCP} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, Config{})
			app, phone := over(t), newUDP(t)
			res, first := app.subscribe(s, "sub", 1, "Event: presence;id=7", "Expires: 60")
			if header(res, "Expires") != "60" || header(res, "Contact") != "<sip:"+s.Addr()+">" {
				t.Errorf("SUBSCRIBE got\n%s", res)
			}
			if header(first.text, "Event") != "presence;id=7" || body(first.text) != "" ||
				!strings.HasPrefix(header(first.text, "Subscription-State"), "active;expires=") {
				t.Errorf("the first NOTIFY is\n%s", first.text)
			}
			if header(first.text, "From") != header(res, "To") || !strings.Contains(header(first.text, "To"), ";tag=a") {
				t.Errorf("the first NOTIFY has other tags:\n%s", first.text)
			}
			seq := seqOf(first.text)
			step := func(what, want string) {
				t.Helper()
				got := app.next("200 OK")
				if seqOf(got) <= seq {
					t.Errorf("%s: CSeq %d after %d", what, seqOf(got), seq)
				}
				seq = seqOf(got)
				if !strings.Contains(body(got), want) || header(got, "Content-Type") != "application/pidf+xml" {
					t.Errorf("%s: NOTIFY without %q:\n%s", what, want, got)
				}
			}
			phone.register(s, "bob", "reg", 1)
			step("register", "<basic>open</basic>")
			phone.register(s, "bob", "reg", 2)
			step("refresh", "<basic>open</basic>")
			phone.register(s, "bob", "reg", 3, "Expires: 0")
			step("unregister", "<basic>closed</basic>")
			phone.register(s, "bob", "reg", 4, "Expires: 1")
			step("register for a second", "<basic>open</basic>")
			if got := app.next("200 OK"); strings.Contains(body(got), "open") { // it expires
				t.Errorf("expired, but\n%s", got)
			}

			to := "To: " + header(res, "To")
			_, again := app.subscribe(s, "sub", 2, to, "Event: presence;id=7", "Expires: 60")
			if strings.Contains(body(again.text), "open") {
				t.Errorf("after the refresh\n%s", again.text)
			}
			_, last := app.subscribe(s, "sub", 3, to, "Event: presence;id=7", "Expires: 0")
			if !strings.HasPrefix(header(last.text, "Subscription-State"), "terminated") {
				t.Errorf("the last NOTIFY is\n%s", last.text)
			}
			app.send(s.Addr(), app.request("SUBSCRIBE", "sip:bob@example.com", "sub", 4, "Event: presence", to))
			if got := app.want("SIP/2.0 "); !strings.HasPrefix(got.text, "SIP/2.0 481 ") {
				t.Errorf("SUBSCRIBE after the end got\n%s", got.text)
			}
		})
	}
}

// TestForgottenSubscription checks that a subscriber who knows nothing of a
// subscription hears no more of it.
func TestForgottenSubscription(t *testing.T) {
	s := newServer(t, Config{})
	app, phone := newUDP(t), newUDP(t)
	app.subscribe(s, "sub", 1, "Expires: 60")
	phone.register(s, "bob", "reg", 1)
	app.next("481 Subscription Does Not Exist")
	s.awaitWatching(t, 0)
	phone.register(s, "bob", "reg", 2)
	app.wantSilence(s.Addr())
}

// TestSubscriptionExpires checks that the end of a subscription is told.
func TestSubscriptionExpires(t *testing.T) {
	s := newServer(t, Config{})
	app := newUDP(t)
	app.subscribe(s, "sub", 1, "Expires: 1")
	if got := app.next("200 OK"); header(got, "Subscription-State") != "terminated;reason=timeout" {
		t.Errorf("got\n%s", got)
	}
	s.awaitWatching(t, 0)
}

// TestOverdueSubscribe checks that an unsubscription that was overtaken by a
// refresh ends nothing.
func TestOverdueSubscribe(t *testing.T) {
	s := newServer(t, Config{})
	app := newUDP(t)
	res, _ := app.subscribe(s, "sub", 5, "Expires: 60")
	app.send(s.Addr(), app.request("SUBSCRIBE", "sip:bob@example.com", "sub", 4, "Event: presence", "Expires: 0", "To: "+header(res, "To")))
	if got := app.want("SIP/2.0 "); !strings.HasPrefix(got.text, "SIP/2.0 500 ") {
		t.Errorf("got\n%s", got.text)
	}
	s.awaitWatching(t, 1)
}

// TestUnacceptable checks that nobody is sent what he cannot read.
func TestUnacceptable(t *testing.T) {
	s := newServer(t, Config{})
	app := newUDP(t)
	app.send(s.Addr(), app.request("SUBSCRIBE", "sip:bob@example.com", "sub", 1, "Event: presence", "Accept: text/plain"))
	if got := app.want("SIP/2.0 "); !strings.HasPrefix(got.text, "SIP/2.0 406 ") {
		t.Errorf("got\n%s", got.text)
	}
	app.subscribe(s, "other", 1, "Accept: text/plain, application/pidf+xml;q=0.5")
}

// TestSilentSubscriber checks that one who answers no NOTIFY is given up.
func TestSilentSubscriber(t *testing.T) {
	s := newServer(t, Config{})
	s.mu.Lock()
	s.notifyWait = 100 * time.Millisecond
	s.mu.Unlock()
	app := newUDP(t)
	app.send(s.Addr(), app.request("SUBSCRIBE", "sip:bob@example.com", "sub", 1, "Event: presence"))
	app.want("")
	app.want("")
	s.awaitWatching(t, 0)
}
