package conform

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// section7_2_1 are the cases of section 7.2.1 of the draft.
func (m MSCPTarget) section7_2_1() []Case {
	return []Case{
		must("mscp/7.2.1/1", "the answer has an m-line of application and TCP/MS with the port to connect to", func(t *T) {
			a := m.answer(t, inMedia(m.offer(t)))
			if a.Port <= 0 || a.Port == 9 {
				t.Errorf("the port is %d", a.Port)
			}
			if a.TLS != (m.Transport == "tls") {
				t.Error("it is of another transport than was offered")
			}
		}),
		must("mscp/7.2.1/2", "the answer has a=setup:passive", func(t *T) {
			if a := m.answer(t, m.offer(t)); a.Setup != "passive" {
				t.Errorf("it is %q", a.Setup)
			}
		}),
		must("mscp/7.2.1/3", "the answer to a=connection:new has the same", func(t *T) {
			if a := m.answer(t, m.offer(t)); a.Connection != "new" {
				t.Errorf("it is %q", a.Connection)
			}
		}),
		must("mscp/7.2.1/4", "the answer is a well-formed session description", func(t *T) {
			m.answer(t, m.offer(t)) // which looks at all of it
			m.answer(t, strings.Replace(m.offer(t), "s=MSCP\r\n", "s=MSCP\r\ni=Control\r\n", 1))
		}),
		must("mscp/7.2.1/5", "the media server accepts a connection at that port, and answers on it", m.onTCP(func(t *T, c *channel) {
			c.alive()
			m.setUpWith(t, inSession(m.offer(t))).alive()
		})),
		should("mscp/7.2.1/6", "the offer of the draft's example, which lacks what RFC 8866 demands, is taken", func(t *T) {
			m.setUpWith(t, drafts).alive()
		}),
		must("mscp/7.2.1/7", "an offer of a=setup:passive is not accepted: the application server connects", func(t *T) {
			m.notAccepted(t, strings.Replace(m.offer(t), "setup:active", "setup:passive", 1))
		}),
		must("mscp/7.2.1/8", "an m-line beside that of the channel gets one in the answer, at the same place (RFC 3264, section 6)", func(t *T) {
			call := m.call(t, strings.Replace(m.offer(t), "m=application", "m=audio 40000 RTP/AVP 0\r\nm=application", 1))
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
		must("mscp/7.2.1/9", "the channel persists as long as the SIP dialog: BYE ends it", m.onTCP(func(t *T, c *channel) {
			c.alive()
			t.bye(c.call)
			c.closed()
		})),
		must("mscp/7.2.1/10", "an offer with connection:new in the same dialog makes a new connection, after the old one was lost", m.onTCP(func(t *T, c *channel) {
			c.alive()
			c.conn.Close()
			ctx, cancel := t.within()
			defer cancel()
			again, err := c.call.Reinvite(ctx, []byte(strings.Replace(m.offer(t), " 53655765 IN", " 53655766 IN", 1)), sdpType)
			if err != nil {
				t.Fatalf("re-INVITE: %v", err)
			}
			c.connect(again)
			c.alive()
		})),
		must("mscp/7.2.1/11", "two channels are two: an answer on the one has nothing to do with the other", m.onTCP(func(t *T, c *channel) {
			other := m.setUp(t)
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
		must("mscp/7.2.1/12", "a conference outlives the TCP connection, within the same dialog", m.onTCP(func(t *T, c *channel) {
			conference := c.conference()
			c.conn.Close()
			c.again(2)
			c.wants("conferencedestroyed", element("destroyconference", "conferenceid", conference))
		})),
		must("mscp/7.2.1/13", "an offer with connection:new while the connection is open makes a new one that serves at once (RFC 4145, section 5)", m.onTCP(func(t *T, c *channel) {
			c.alive()
			c.again(2)
			c.alive()
		})),
		must("mscp/7.2.1/14", "the answers of one dialog have one session id in o=, and a version that rises when they change (RFC 3264, section 8)", m.onTCP(func(t *T, c *channel) {
			first, _ := draft.SDP(c.call.RemoteBody())
			second, _ := draft.SDP(c.again(2))
			before, _ := strconv.ParseUint(first.Version, 10, 64)
			after, _ := strconv.ParseUint(second.Version, 10, 64)
			if first.Session != second.Session || after != before+1 {
				t.Errorf("o= has %s %s, and then %s %s", first.Session, first.Version, second.Session, second.Version)
			}
		})),
		must("mscp/7.2.1/15", "notifications go over the connection that is in use", m.onTCP(func(t *T, c *channel) {
			l := m.connection(t)
			id := c.started(m.document(t, m.DialogWait, "wait"), "connectionid", l.id)
			c.conn.Close()
			c.again(2)
			c.alive()
			c.terminate(id, false)
			c.ended(id, l.id, "dialogexit")
		})),
		must("mscp/7.2.1/16", "over TLS, the channel works and the certificate is that of the answer's fingerprint (RFC 8122)", func(t *T) {
			m.overTLS(t).setUp(t).alive()
		}),
		must("mscp/7.2.1/17", "over TLS, who shows another certificate than that of the offer's fingerprint is not served", func(t *T) {
			secure := m.overTLS(t)
			other, err := newCertificate()
			if err != nil {
				t.Fatal(err)
			}
			a := secure.answer(t, secure.offer(t))
			conn, err := secure.dialTLS(t, net.JoinHostPort(a.Host, strconv.Itoa(a.Port)), other)
			if err != nil {
				return // refused in the handshake
			}
			c := &channel{t: t, m: secure, conn: recorded{conn, t}, r: bufio.NewReader(conn), id: 1}
			c.flood(pdu(c.start(), document("request", unjoin)))
			if a, err := c.read(); err == nil {
				t.Errorf("a %v with the status %d came", a.Kind, a.Status)
			} else {
				c.endedBy(err)
			}
		}),
	}
}

// again makes a new connection within the dialog, by an offer whose version is n more than
// the first, and returns the answer.
func (c *channel) again(n int) []byte {
	c.t.Helper()
	ctx, cancel := c.t.within()
	defer cancel()
	offer := strings.Replace(c.m.offer(c.t), "53655765 IN", fmt.Sprintf("%d IN", 53655765+n-1), 1)
	answer, err := c.call.Reinvite(ctx, []byte(offer), sdpType)
	if err != nil {
		c.t.Fatalf("re-INVITE: %v", err)
	}
	c.connect(answer)
	return answer
}

// overTLS is the target over TLS, if it takes that.
func (m MSCPTarget) overTLS(t *T) MSCPTarget {
	t.Helper()
	if m.Transport == "info" {
		t.Skipf("it is not about MSCP over INFO")
	}
	m.Transport = "tls"
	call, err := m.caller().call(t, []byte(m.offer(t)))
	var status *sipua.StatusError
	if errors.As(err, &status) {
		m.lacks(t, "tls", "an offer of it is refused: %v", err)
	}
	if err != nil {
		t.Fatalf("the INVITE for a control channel over TLS has failed: %v", err)
	}
	t.ack(call)
	if a, ok := draft.SDP(call.RemoteBody()); !ok || a.Port == 0 {
		m.lacks(t, "tls", "an offer of it is refused in the answer")
	}
	return m
}

// inMedia moves c= to the m-line's part, where it may be as well (RFC 8866, section 5.7).
func inMedia(offer string) string {
	const c = "c=IN IP4 127.0.0.1\r\n"
	return strings.Replace(strings.Replace(offer, c, "", 1), " *\r\n", " *\r\n"+c, 1)
}

// inSession moves a=setup and a=connection to the session's part, where they may be as well
// (RFC 4145, sections 4 and 5).
func inSession(offer string) string {
	const a = "a=setup:active\r\na=connection:new\r\n"
	return strings.Replace(strings.Replace(offer, a, "", 1), "m=", a+"m=", 1)
}
