package conform

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// drafts is the offer of the draft's own example, section 7.2.1, as it is
// printed: without fmt and t=, and with a c= that lacks the type of address.
const drafts = "v=0\r\no=as 53655765 53655765 IN IP4 192.168.1.1\r\ns=Example\r\nc=IN 192.168.1.1\r\n" +
	"m=application 9 TCP/MS\r\na=setup:active\r\na=connection:new\r\n"

// setUpCases are those of section 7.2.1.
func (m MSCPTarget) setUpCases() []Case {
	return []Case{
		must("mscp/7.2.1/1", "the answer has an m-line of application and TCP/MS with the port to connect to", func(t *T) {
			a := m.answer(t, offer)
			if a.Port <= 0 || a.Port == 9 {
				t.Errorf("the port is %d", a.Port)
			}
			if a.TLS {
				t.Error("it is TLS, which was not offered")
			}
		}),
		must("mscp/7.2.1/2", "the answer has a=setup:passive", func(t *T) {
			if a := m.answer(t, offer); a.Setup != "passive" {
				t.Errorf("it is %q", a.Setup)
			}
		}),
		must("mscp/7.2.1/3", "the answer to a=connection:new has the same", func(t *T) {
			if a := m.answer(t, offer); a.Connection != "new" {
				t.Errorf("it is %q", a.Connection)
			}
		}),
		must("mscp/7.2.1/4", "the answer is a well-formed session description", func(t *T) {
			m.answer(t, offer) // which looks at all of it
		}),
		must("mscp/7.2.1/5", "the media server accepts a connection at that port, and answers on it", m.on(func(t *T, c *channel) { c.alive() })),
		should("mscp/7.2.1/6", "the offer of the draft's example, which lacks what RFC 8866 demands, is taken", func(t *T) {
			m.setUp(t, drafts).alive()
		}),
		must("mscp/7.2.1/7", "an offer of a=setup:passive is not accepted: the application server connects", func(t *T) {
			m.notAccepted(t, strings.Replace(offer, "setup:active", "setup:passive", 1))
		}),
		must("mscp/7.2.1/8", "an m-line beside that of the channel gets one in the answer, at the same place (RFC 3264, section 6)", func(t *T) {
			call := m.call(t, strings.Replace(offer, "m=application", "m=audio 40000 RTP/AVP 0\r\nm=application", 1))
			var lines []string
			for line := range strings.Lines(string(call.RemoteBody())) {
				if strings.HasPrefix(line, "m=") {
					lines = append(lines, strings.TrimSpace(line))
				}
			}
			if len(lines) != 2 || !strings.HasPrefix(lines[0], "m=audio ") || !strings.HasPrefix(lines[1], "m=application ") {
				t.Errorf("the answer's are %q", lines)
			}
		}),
		must("mscp/7.2.1/9", "the channel persists as long as the SIP dialog: BYE ends it", m.on(func(t *T, c *channel) {
			c.alive()
			t.bye(c.call)
			c.closed()
		})),
		must("mscp/7.2.1/10", "an offer with connection:new in the same dialog makes a new connection, after the old one was lost", m.on(func(t *T, c *channel) {
			c.alive()
			c.conn.Close()
			ctx, cancel := t.within()
			defer cancel()
			again, err := c.call.Reinvite(ctx, []byte(strings.Replace(offer, " 53655765 IN", " 53655766 IN", 1)), sdpType)
			if err != nil {
				t.Fatalf("re-INVITE: %v", err)
			}
			c.connect(again)
			c.alive()
		})),
		must("mscp/7.2.1/11", "two channels are two: an answer on the one has nothing to do with the other", m.on(func(t *T, c *channel) {
			other := m.setUp(t, offer)
			other.id = c.id // the ids of the two are the same
			c.raw(pdu(c.start(), document("request", `<unjoin id1="first" id2="x"/>`)))
			other.raw(pdu(other.start(), document("request", `<unjoin id1="second" id2="x"/>`)))
			if id := other.response(other.id).element().attr("id1"); id != "second" {
				t.Errorf("the second channel gets the answer for %q", id)
			}
			if id := c.response(c.id).element().attr("id1"); id != "first" {
				t.Errorf("the first channel gets the answer for %q", id)
			}
			t.bye(other.call)
			other.closed()
			c.alive()
		})),
	}
}

// call calls with a session description, and fails the case if that is not
// answered.
func (m MSCPTarget) call(t *T, sdp string) *sipua.Call {
	t.Helper()
	call, err := m.caller().call(t, []byte(sdp))
	if err != nil {
		t.Fatalf("the INVITE for a control channel has failed: %v", err)
	}
	t.ack(call)
	return call
}

// answer is what the media server answers to an offer.
func (m MSCPTarget) answer(t *T, sdp string) *draft.Media {
	t.Helper()
	call := m.call(t, sdp)
	a, ok := draft.SDP(call.RemoteBody())
	if !ok {
		t.Fatalf("there is no m-line of a control channel:\n%s", call.RemoteBody())
	}
	for _, f := range a.Findings {
		t.Errorf("%v", f)
	}
	return a
}

// notAccepted checks that an offer is refused by SIP, or in the answer.
func (m MSCPTarget) notAccepted(t *T, sdp string) {
	t.Helper()
	call, err := m.caller().call(t, []byte(sdp))
	var status *sipua.StatusError
	if errors.As(err, &status) && status.Code >= 400 {
		return
	}
	if err != nil {
		t.Fatalf("the INVITE is neither refused nor answered: %v", err)
	}
	t.ack(call)
	if a, ok := draft.SDP(call.RemoteBody()); !ok || a.Port != 0 {
		t.Errorf("it is accepted:\n%s", call.RemoteBody())
	}
}

// attribute is one attribute in XML.
func attribute(name, value string) string {
	return fmt.Sprintf(`%s="%s"`, name, strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(value))
}
