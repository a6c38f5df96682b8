package conform

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// A connection is one of section 2.3.1: a call to the media server with media, of which
// we are the end that has made it.
type connection struct {
	*session // with media of message
	call     *sipua.Call
	id       string // Call-ID;From-tag;To-tag
}

// connection makes one. A media server that takes none is for nothing that has one.
func (m MSCPTarget) connection(t *T) *connection {
	t.Helper()
	host, _, _ := strings.Cut(m.SIP, ";")
	own := ownHost(host)
	s := &session{t: t, from: t.newURI(own)}
	offer := describe(own, s.from)
	if m.Media == "audio" {
		offer = describeAudio(t, own)
	}
	call, err := m.caller().call(t, []byte(offer))
	if status, ok := asStatus(err); ok {
		if len(m.Serves) > 0 {
			t.Fatalf("the media server takes no connection of %s: %v", m.media(), status)
		}
		t.Skipf("the media server takes no connection of %s: %v", m.media(), status)
	}
	if err != nil {
		t.Fatalf("the INVITE for a connection has failed: %v", err)
	}
	t.ack(call)
	l := &connection{s, call, connectionID(call.ID())}
	if m.media() == "message" {
		l.agreed()
	}
	return l
}

func (m MSCPTarget) media() string {
	if m.Media == "" {
		return "message"
	}
	return m.Media
}

// agreed takes the media server's session description of MSRP.
func (l *connection) agreed() {
	l.t.Helper()
	l.sdp = string(l.call.RemoteBody())
	var err error
	if l.answer, err = msrp.ParseSDP(l.call.RemoteBody()); err != nil {
		l.t.Fatalf("the answer: %v\n%s", err, l.sdp)
	}
	if l.answer.Rejected() || len(l.answer.Path) == 0 {
		l.t.Fatalf("the answer refuses the session:\n%s", l.sdp)
	}
	l.to = l.answer.Path.String()
}

// hangUp ends the connection's dialog.
func (l *connection) hangUp() { l.t.bye(l.call) }

// describeAudio is our offer of audio, to a port where it is let be.
func describeAudio(t *T, host string) string {
	t.Helper()
	c, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	family := "IP4"
	if strings.Contains(host, ":") {
		family = "IP6"
	}
	return fmt.Sprintf("v=0\r\no=conform 1 1 IN %s %s\r\ns=-\r\nc=IN %[1]s %[2]s\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
		family, host, c.LocalAddr().(*net.UDPAddr).Port)
}

// conference creates one, which is destroyed at the end of the case, and returns its id.
func (c *channel) conference() string {
	c.t.Helper()
	e := c.is(c.ask("<createconference/>"), createAnswers...)
	if e.Name != createAnswers[0] {
		c.m.lacks(c.t, "conferences", "%s", e.attr("reason"))
	}
	return e.attr("conferenceid")
}

// prepared prepares a dialog of a document and returns its id.
func (c *channel) prepared(uri string, attrs ...string) string {
	c.t.Helper()
	return c.dialog(strings.Replace(element("dialogprepare", attrs...), "/>", " "+doc(uri)+"/>", 1), prepareAnswers).attr("dialogid")
}

// started starts a dialog of a document and returns its id.
func (c *channel) started(uri string, attrs ...string) string {
	c.t.Helper()
	return c.dialog(strings.Replace(element("dialogstart", attrs...), "/>", " "+doc(uri)+"/>", 1), startAnswers).attr("dialogid")
}

// dialog asks for a dialog, which is to succeed.
func (c *channel) dialog(request string, answers []string) node {
	c.t.Helper()
	e := c.is(c.ask(request), answers...)
	if e.Name != answers[0] {
		c.m.lacks(c.t, "dialogs", "%s", e.attr("reason"))
	}
	return e
}

// document is the URI of one for a case; without it, the case is skipped.
func (m MSCPTarget) document(t *T, uri, flag string) string {
	t.Helper()
	if uri == "" {
		t.Skipf("there is no document for it: see --dialog-%s", flag)
	}
	return uri
}

// terminate ends a dialog.
func (c *channel) terminate(dialog string, immediate bool) {
	c.t.Helper()
	c.tell(element("dialogterminate", "dialogid", dialog, "immediate", fmt.Sprint(immediate)))
}

// joined joins two, which is to succeed.
func (c *channel) joined(id1, id2 string) {
	c.t.Helper()
	e := c.is(c.ask(element("join", "id1", id1, "id2", id2)), joinAnswers...)
	if e.Name != joinAnswers[0] {
		c.m.lacks(c.t, "conferences", "%s and %s cannot be joined: %s", id1, id2, e.attr("reason"))
	}
	e.wants(c.t, "id1", id1, "id2", id2)
}

// wants checks which element answers a request.
func (c *channel) wants(name, request string) node {
	c.t.Helper()
	return c.is(c.ask(request), name)
}

// becomes asks again and again until an element answers, which may take some time after
// the BYE on which it depends.
func (c *channel) becomes(name, request string) {
	c.t.Helper()
	for until := time.Now().Add(c.t.timeout); ; time.Sleep(10 * time.Millisecond) {
		e := c.ask(request).element()
		if e.Name == name {
			return
		}
		if time.Now().After(until) {
			c.t.Fatalf("after %v, the response is still %s, not %s", c.t.timeout, e.Name, name)
		}
	}
}

// ended waits for the notification that a dialog has ended, and checks its ids.
func (c *channel) ended(dialog, connection string, names ...string) node {
	c.t.Helper()
	e := c.note(dialog)
	if !slices.Contains(names, e.Name) {
		c.t.Fatalf("%s came, not %s", e.Name, strings.Join(names, " or "))
	}
	if e.has("connectionid") && e.attr("connectionid") != connection {
		c.t.Errorf("its connectionid is %q, not %q", e.attr("connectionid"), connection)
	}
	return e
}

// asStatus is the response by which a call was refused, if it was.
func asStatus(err error) (*sipua.StatusError, bool) {
	var status *sipua.StatusError
	ok := errors.As(err, &status)
	return status, ok
}
