package conform

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/msrp/msrptest"
	"github.com/gomscp/gomscp/sipua"
)

// A paperMsg is what the requests of the paper, its section 2.3.4, are about.
type paperMsg struct{ from, to, connection string }

// nobody's has a connection that does not exist.
var nobodys = paperMsg{"sip:a@conform.invalid", "sip:b@conform.invalid", "conform;1;2"}

// request is the element of a request, RestoreMsg or SendMsg.
func (p paperMsg) request(name string) string {
	return element(name, "xmlns", draft.PaperNamespace, "from-uri", p.from, "to-uri", p.to, "connection-id", p.connection)
}

// over is the same about a connection.
func (p paperMsg) over(c *connection) paperMsg {
	p.connection = c.id
	return p
}

// newPair makes a sender and a recipient up, for whom nothing is kept.
func newPair() paperMsg {
	n := time.Now().UnixNano()
	return paperMsg{fmt.Sprintf("sip:from-%d@conform.invalid", n), fmt.Sprintf("sip:to-%d@conform.invalid", n), ""}
}

// extension checks that an answer is one of the elements, with the attributes of
// the request. A media server that does not know the request ends the case.
func (c *channel) extension(a *answer, p paperMsg, names ...string) {
	c.t.Helper()
	if a.Status == 400 {
		c.m.lacks(c.t, "messages", "the request is not known: %s", a.Body)
	}
	e := a.element()
	if e.Name == "" { // the paper's own form has no mscp around it
		e = a.first()
	}
	if a.Status != 200 || !slices.Contains(names, e.Name) {
		c.t.Fatalf("the response is %d with %q, which is none of %s: %s", a.Status, e.Name, strings.Join(names, ", "), a.Body)
	}
	e.wants(c.t, "from-uri", p.from, "to-uri", p.to, "connection-id", p.connection)
}

// stored has the media server store messages, over a session of ours.
func (c *channel) stored(p paperMsg, texts ...string) {
	c.t.Helper()
	if c.m.media() != "message" {
		c.t.Skipf("it is about connections of message media")
	}
	l := c.m.connection(c.t)
	p = p.over(l)
	c.extension(c.ask(p.request("RestoreMsg")), p, "MsgRestored")
	l.connect()
	l.alive()
	for _, text := range texts {
		l.want(200, request{id: l.messageID(), body: text})
	}
	l.hangUp()
}

// delivered has the media server send what it keeps of a pair, and checks that it is these
// texts, in this order, and nothing else.
func (c *channel) delivered(p paperMsg, texts ...string) {
	c.t.Helper()
	u := c.m.user(c.t)
	p = p.over(u.connection)
	c.send(p.request("SendMsg"))
	asked := c.id
	u.bind()
	for _, text := range texts {
		if f := u.next(); f.Method != "SEND" || !strings.Contains(string(f.Body), text) {
			c.t.Errorf("%s with the text %q came where %q was awaited", f.Method, f.Body, text)
		} else {
			c.alive() // and SendMsg is not answered before this is acknowledged
			u.Answer(f, 200, "OK")
		}
	}
	c.extension(c.response(asked), p, "MsgSended")
	if len(u.came) > 0 {
		c.t.Errorf("%q was sent as well", u.came[0].Body)
	}
	u.alive() // whose response must be the next
	u.hangUp()
}

// A user is a user agent that comes back, behind its application server.
type user struct {
	*connection
	came []*msrptest.Frame // before the response to our first SEND
}

// user calls without an offer, as an application server does for a user who is back, and
// answers in the ACK as that user's user agent.
func (m MSCPTarget) user(t *T) *user {
	t.Helper()
	host, _, _ := strings.Cut(m.SIP, ";")
	own := ownHost(host)
	s := &session{t: t, from: t.newURI(own)}
	call, err := m.caller().call(t, nil)
	if status, ok := asStatus(err); ok {
		m.lacks(t, "messages", "the INVITE without an offer is refused: %v", status)
	}
	if err != nil {
		t.Fatalf("the INVITE without an offer has failed: %v", err)
	}
	ctx, cancel := t.within()
	defer cancel()
	if err := call.Ack(ctx, []byte(describe(own, s.from)), sdpType); err != nil {
		t.Fatalf("ACK: %v", err)
	}
	c := &connection{s, call, connectionID(call.ID())}
	c.agreed()
	return &user{connection: c}
}

// connectionID names the connection of a SIP dialog. See section 2.3.1.
func connectionID(id sipua.DialogID) string {
	return id.CallID + ";" + id.FromTag + ";" + id.ToTag
}

// bind connects, and binds the session by an empty SEND.
func (u *user) bind() {
	u.t.Helper()
	u.connect()
	tid := u.send(request{id: u.messageID(), noBody: true})
	for {
		f := u.Next()
		if f.Method == "" && f.TID == tid {
			return
		}
		u.came = append(u.came, f)
	}
}

// next is the next frame that comes.
func (u *user) next() *msrptest.Frame {
	u.t.Helper()
	if len(u.came) == 0 {
		return u.Next()
	}
	f := u.came[0]
	u.came = u.came[1:]
	return f
}

// send sends a request and does not wait for its response.
func (c *channel) send(element string) {
	c.t.Helper()
	if c.infos == nil {
		c.raw(pdu(c.start(), document("request", element)))
		return
	}
	c.named = true
	c.postInfo(strings.Replace(document("request", element), "<request>", fmt.Sprintf(`<request id="r%d">`, c.next()), 1))
}

// paperAttributes are those of nobody's requests.
const paperAttributes = `from-uri="sip:a@conform.invalid" to-uri="sip:b@conform.invalid" connection-id="conform;1;2"`
