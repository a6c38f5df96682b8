package conform

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

func (m MSCPTarget) caller() caller { return caller{SIP: m.SIP, From: m.From, To: m.To} }

// A channel is a control channel, of which we are the application server's end.
type channel struct {
	t     *T
	m     MSCPTarget
	call  *sipua.Call
	conn  net.Conn
	r     *bufio.Reader
	infos chan *draft.PDU // instead of conn, over INFO
	named bool            // whether the last request over INFO had its number as its id
	id    uint64          // of the last request
	notes []*answer       // notifications that came while something else was awaited
	// foreign says that what comes next need not be a document of the draft.
	foreign bool
}

// maxNotes bounds the notifications that are kept for a case, and the messages over INFO
// that wait to be read.
const maxNotes = 256

// setUp calls the media server for a control channel of the target's transport, and
// connects to where it answers.
func (m MSCPTarget) setUp(t *T) *channel {
	t.Helper()
	if m.Transport == "info" {
		return m.setUpInfo(t)
	}
	return m.setUpWith(t, m.offer(t))
}

// setUpWith does so with an offer.
func (m MSCPTarget) setUpWith(t *T, sdp string) *channel {
	t.Helper()
	c := &channel{t: t, m: m, id: 21090}
	t.Cleanup(c.rest)
	c.call = m.call(t, sdp)
	c.connect(c.call.RemoteBody())
	return c
}

// connect opens the connection that an answer names.
func (c *channel) connect(answer []byte) {
	c.t.Helper()
	media, ok := draft.SDP(answer)
	if !ok {
		c.t.Fatalf("the answer has no m-line of a control channel:\n%s", answer)
	}
	for _, f := range media.Findings {
		c.t.Errorf("%v", f)
	}
	if media.Port == 0 {
		c.t.Fatalf("the answer refuses the channel:\n%s", answer)
	}
	c.conn = c.m.dialChannel(c.t, media)
	c.r = bufio.NewReader(c.conn)
}

// rest judges what has come and was not read, at the end of the case: the dialog has
// ended, and so the media server closes the connection.
func (c *channel) rest() {
	if c.conn == nil || c.t.failed || c.t.skipped {
		return
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(min(c.t.timeout, time.Second)))
	for range maxNotes {
		p, err := draft.Read(c.r)
		if err != nil {
			return
		}
		c.judge(p)
	}
}

// raw sends bytes as they are.
func (c *channel) raw(s string) {
	c.t.Helper()
	if c.infos != nil {
		c.t.Skipf("over INFO there are no PDUs")
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.t.timeout))
	if _, err := io.WriteString(c.conn, s); err != nil {
		c.t.Fatalf("writing: %v", err)
	}
}

// next id of a request.
func (c *channel) next() uint64 { c.id++; return c.id }

// start is the start line of the next request.
func (c *channel) start() string { return fmt.Sprintf("REQ MSCP/1.0 %d", c.next()) }

// ask sends a request with an element in it, and waits for its response. Over INFO, which
// has no request-id, the request has an id in XML.
func (c *channel) ask(element string) *answer {
	c.t.Helper()
	if c.infos != nil {
		return c.askDocument(strings.Replace(document("request", element), "<request>", fmt.Sprintf(`<request id="r%d">`, c.id+1), 1))
	}
	return c.askDocument(document("request", element))
}

// askDocument sends a request with any body, and waits for its response.
func (c *channel) askDocument(body string) *answer {
	c.t.Helper()
	if c.infos != nil {
		c.next()
		c.named = strings.Contains(body, fmt.Sprintf(`<request id="r%d"`, c.id))
		if a := c.postInfo(body); a != nil {
			return a
		}
		return c.response(c.id)
	}
	c.raw(pdu(c.start(), body))
	return c.response(c.id)
}

// tell sends a notification with an element in it.
func (c *channel) tell(element string) {
	c.t.Helper()
	if c.infos != nil {
		c.postInfo(document("notification", element))
		return
	}
	c.raw(pdu("NOTIF MSCP/1.0", document("notification", element)))
}

// read waits for the next PDU, or the end of the connection. Whatever the case is about,
// every PDU is judged whole.
func (c *channel) read() (*answer, error) {
	if c.infos != nil {
		return c.readInfo()
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(c.t.timeout))
	p, err := draft.Read(c.r)
	if err != nil {
		return nil, err
	}
	return c.judge(p), nil
}

// judge reports what is wrong with a PDU.
func (c *channel) judge(p *draft.PDU) *answer {
	if !c.foreign {
		for _, f := range p.Findings {
			c.t.Errorf("%v", f)
		}
	}
	if p.Kind == draft.Request {
		c.t.Errorf("the media server sends a request, which is for the application server alone (section 7.2.3)")
	}
	id, _ := strconv.ParseUint(strings.TrimPrefix(p.ID, "r"), 10, 64) // the runner's own are no longer
	return &answer{p, id}
}

// endedBy checks that a read has failed since the connection was closed.
func (c *channel) endedBy(err error) {
	c.t.Helper()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("nothing comes, and the connection stays open, for %v", c.t.timeout)
	}
}

// pdu waits for the next PDU, whatever it is.
func (c *channel) pdu() *answer {
	c.t.Helper()
	a, err := c.read()
	if err != nil {
		c.t.Fatalf("waiting for a PDU: %v", err)
	}
	return a
}

// response waits for the response with the id. Notifications that come before it are kept;
// other responses may not.
func (c *channel) response(id uint64) *answer {
	c.t.Helper()
	for {
		a := c.pdu()
		if a.Kind == draft.Notification {
			c.keep(a)
			continue
		}
		if a.Kind != draft.Response || a.ID != id {
			c.t.Fatalf("a %v with request-id %d came where the response to %d was awaited", a.Kind, a.ID, id)
		}
		return a
	}
}

func (c *channel) keep(a *answer) {
	if len(c.notes) < maxNotes {
		c.notes = append(c.notes, a)
	}
}

// note waits for a notification about a dialog or conference. Others that come are kept.
func (c *channel) note(id string) node {
	c.t.Helper()
	for at := 0; ; at++ {
		for at == len(c.notes) {
			a := c.pdu()
			if a.Kind != draft.Notification {
				c.t.Fatalf("a response to %d came where a notification about %s was awaited", a.ID, id)
			}
			c.keep(a)
		}
		if e := c.notes[at].element(); e.attr("dialogid") == id || e.attr("conferenceid") == id {
			c.notes = append(c.notes[:at], c.notes[at+1:]...)
			return e
		}
	}
}

// silent checks that no notification about id has come so far: the answer to a request
// about the same that is sent now is behind all that came before.
func (c *channel) silent(id string) {
	c.t.Helper()
	if a := c.ask(element("unjoin", "id1", id, "id2", "conform-none")); a.Status != 200 {
		c.t.Errorf("after that, a request gets %d", a.Status)
	}
	for _, a := range c.notes {
		if e := a.element(); e.attr("dialogid") == id || e.attr("conferenceid") == id {
			c.t.Errorf("%s came for %s", e.Name, id)
		}
	}
}

// alive checks that the channel still answers, and that no other response came before.
func (c *channel) alive() {
	c.t.Helper()
	if a := c.ask(`<unjoin id1="conform-a" id2="conform-b"/>`); a.Status != 200 {
		c.t.Errorf("after that, a request gets %d", a.Status)
	}
}

// closed waits until the media server has closed the connection.
func (c *channel) closed() {
	c.t.Helper()
	for {
		if _, err := c.read(); err != nil {
			c.endedBy(err)
			return
		}
	}
}

// endsOr400 waits for a 400, or for the end of the connection.
func (c *channel) endsOr400() {
	c.t.Helper()
	a, err := c.read()
	if err == nil && a.Kind == draft.Response && a.Status == 400 {
		return
	}
	if err == nil {
		c.t.Errorf("a %v of status %d came", a.Kind, a.Status)
		return
	}
	c.endedBy(err)
}

// flood sends bytes that the peer need not take to the end.
func (c *channel) flood(s string) {
	c.t.Helper()
	if c.infos != nil {
		c.t.Skipf("over INFO there are no PDUs")
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.t.timeout))
	if _, err := c.conn.Write([]byte(s)); err != nil {
		c.endedBy(err)
	}
}
