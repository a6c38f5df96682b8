package conform

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// robustCases are about what no well-meaning application server sends, and about
// numbers that are given.
func (m MSCPTarget) robustCases() []Case {
	return []Case{
		must("mscp/4.1/8", "the dialogids of two responses to dialogprepare differ: each is globally unique", m.on(func(t *T, c *channel) {
			prepare := fmt.Sprintf("<dialogprepare src=%q/>", m.source())
			a := c.is(c.ask(prepare), prepareAnswers...).attr("dialogid")
			b := c.is(c.ask(prepare), prepareAnswers...).attr("dialogid")
			if a == b && a != "" {
				t.Errorf("both are %q", a)
			}
		})),
		must("mscp/7.2.3/9", "consecutive request-ids increase, but need not do so by one", m.on(func(t *T, c *channel) {
			c.alive()
			c.id += 1_000_000
			c.alive()
		})),
		should("mscp/3.3/7", "elements nested ten thousand deep get 400, or end the connection, and that alone", m.on(func(t *T, c *channel) {
			c.raw(pdu(c.start(), document("request", strings.Repeat("<a>", 10_000)+strings.Repeat("</a>", 10_000))))
			a, err := c.read()
			switch {
			case err != nil:
				c.endedBy(err)
			case a.Kind != draft.Response || a.ID != c.id || a.Status == 200:
				t.Errorf("a %v with the status %d came", a.Kind, a.Status)
			}
			m.setUp(t, offer).alive()
		})),
		should("mscp/7.2.2/14", "a header line that does not end, for a megabyte, ends the connection, and that alone", m.on(func(t *T, c *channel) {
			c.flood("REQ MSCP/1.0 1\r\nContent-Type: " + strings.Repeat("a", 1<<20))
			c.closed()
			m.setUp(t, offer).alive()
		})),
	}
}

// flood sends bytes that the peer need not take to the end.
func (c *channel) flood(s string) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.t.timeout))
	if _, err := c.conn.Write([]byte(s)); err != nil {
		c.endedBy(err)
	}
}

// The paper's requests, for a connection that does not exist.
const (
	paperAttributes = `from-uri="sip:a@conform.invalid" to-uri="sip:b@conform.invalid" connection-id="conform;1;2"`
	restoreMsg      = `<RestoreMsg xmlns="urn:x-mscp:offline-message:1" ` + paperAttributes + `/>`
	sendMsg         = `<SendMsg xmlns="urn:x-mscp:offline-message:1" ` + paperAttributes + `/>`
)

// paperCases are about the requests that the paper of 2010 adds to MSCP (its
// section 2.3.4). It names no failure, and the draft knows none of it, so none is
// strict; a media server that refuses the requests as unknown is not tested.
func (m MSCPTarget) paperCases() []Case {
	return []Case{
		should("paper/2.3.4/1", "RestoreMsg is answered with MsgRestored, or a refusal of its own, and the same three attributes", m.on(func(t *T, c *channel) {
			c.extension(c.ask(restoreMsg), "MsgRestored", "MsgNotRestored")
		})),
		should("paper/2.3.4/2", "SendMsg is answered with MsgSended, or a refusal of its own, and the same three attributes", m.on(func(t *T, c *channel) {
			c.extension(c.ask(sendMsg), "MsgSended", "MsgNotSended")
		})),
		should("paper/2.3.4/3", "RestoreMsg is taken in the paper's own form, without mscp and without a namespace", m.on(func(t *T, c *channel) {
			c.extension(c.ask(restoreMsg), "MsgRestored", "MsgNotRestored")
			c.foreign = true
			c.extension(c.askDocument(`<request><RestoreMsg `+paperAttributes+`/></request>`), "MsgRestored", "MsgNotRestored")
		})),
		should("paper/2.3.4/4", "RestoreMsg for a connection that does not exist is refused", m.on(func(t *T, c *channel) {
			c.extension(c.ask(restoreMsg), "MsgNotRestored")
		})),
		should("paper/2.3.4/5", "SendMsg for a connection that does not exist is refused", m.on(func(t *T, c *channel) {
			c.extension(c.ask(sendMsg), "MsgNotSended")
		})),
	}
}

// extension checks that an answer is one of the elements, with the attributes of
// the request. A media server that does not know the request ends the case.
func (c *channel) extension(a *answer, names ...string) {
	c.t.Helper()
	if a.Status == 400 {
		c.t.Skipf("the media server does not know the request: %s", a.Body)
	}
	e := a.element()
	if e.Name == "" { // the paper's own form has no mscp around it
		e = a.first()
	}
	if a.Status != 200 || !slices.Contains(names, e.Name) {
		c.t.Fatalf("the response is %d with %q, which is none of %s", a.Status, e.Name, strings.Join(names, ", "))
	}
	for name, want := range map[string]string{"from-uri": "sip:a@conform.invalid", "to-uri": "sip:b@conform.invalid", "connection-id": "conform;1;2"} {
		if got := e.attr(name); got != want {
			c.t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
}

// first is the element of a response without mscp around it.
func (a *answer) first() node {
	if r := a.root(); r.Name == "response" && len(r.Elements) > 0 {
		return node{r.Elements[0]}
	}
	return node{&draft.Element{}}
}
