package conform

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// MSCPTarget is a media server under test.
type MSCPTarget struct {
	SIP  string // host:port where it takes SIP, with ;transport=tcp for TCP
	From string // our URI; "" names the address we are at
	To   string // whom we call; "" names the address of the media server
	// DialogSource is the URI of a VoiceXML document that the media server can
	// fetch; "" means one that it cannot.
	DialogSource string
}

func (m MSCPTarget) caller() caller { return caller{SIP: m.SIP, From: m.From, To: m.To} }

// offer is ours of a control channel, in the form that RFC 8866 wants.
const offer = "v=0\r\no=as 53655765 53655765 IN IP4 127.0.0.1\r\ns=MSCP\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
	"m=application 9 TCP/MS *\r\na=setup:active\r\na=connection:new\r\n"

// setUp calls the media server with a session description and connects to
// where it answers.
func (m MSCPTarget) setUp(t *T, sdp string) *channel {
	t.Helper()
	call, err := m.caller().call(t, []byte(sdp))
	if err != nil {
		t.Fatalf("the INVITE for a control channel has failed: %v", err)
	}
	t.ack(call)
	c := &channel{t: t, call: call, id: 21090}
	c.connect(call.RemoteBody())
	return c
}

// A channel is a control channel, of which we are the application server's end.
type channel struct {
	t    *T
	call *sipua.Call
	conn net.Conn
	r    *bufio.Reader
	id   uint64 // of the last request
	// foreign says that what comes next need not be a document of the draft.
	foreign bool
}

// connect opens the connection that an answer names.
func (c *channel) connect(answer []byte) {
	c.t.Helper()
	m, ok := draft.SDP(answer)
	if !ok {
		c.t.Fatalf("the answer has no m-line of a control channel:\n%s", answer)
	}
	for _, f := range m.Findings {
		c.t.Errorf("%v", f)
	}
	if m.Port == 0 {
		c.t.Fatalf("the answer refuses the channel:\n%s", answer)
	}
	c.conn = c.t.dial(net.JoinHostPort(m.Host, strconv.Itoa(m.Port)))
	c.r = bufio.NewReader(c.conn)
}

// document puts a container around an element.
func document(container, element string) string {
	return fmt.Sprintf(`<mscp version="1.0" xmlns="urn:ietf:mscp"><%s>%s</%[1]s></mscp>`, container, element)
}

// pdu puts a start line and headers before a body.
func pdu(start, body string) string {
	return fmt.Sprintf("%s\r\nContent-Type: application/mscp+xml\r\nContent-Length: %d\r\n\r\n%s", start, len(body), body)
}

// raw sends bytes as they are.
func (c *channel) raw(s string) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.t.timeout))
	if _, err := io.WriteString(c.conn, s); err != nil {
		c.t.Fatalf("writing: %v", err)
	}
}

// next id of a request.
func (c *channel) next() uint64 { c.id++; return c.id }

// start is the start line of the next request.
func (c *channel) start() string { return fmt.Sprintf("REQ MSCP/1.0 %d", c.next()) }

// ask sends a request with an element in it, and waits for its response.
func (c *channel) ask(element string) *answer {
	c.t.Helper()
	return c.askDocument(document("request", element))
}

// askDocument sends a request with any body, and waits for its response.
func (c *channel) askDocument(body string) *answer {
	c.t.Helper()
	c.raw(pdu(c.start(), body))
	return c.response(c.id)
}

// An answer is a message of the media server's as it came.
type answer struct {
	*draft.PDU
	ID uint64 // the request-id; 0 in a notification
}

// A node is an element of a document.
type node struct{ *draft.Element }

// attr is the value of an attribute that has no namespace.
func (n node) attr(name string) string { return n.Get(name) }

func (n node) has(name string) bool { _, ok := n.Attribute(name); return ok }

// element is what is in the container of a document, if it is one.
func (a *answer) element() node { return node{a.Element()} }

// root is the document's root, an empty element if it is not well-formed.
func (a *answer) root() node {
	if r := a.Doc().Root; r != nil {
		return node{r}
	}
	return node{&draft.Element{}}
}

// read waits for the next PDU, or the end of the connection. Whatever the case is about,
// every PDU is judged whole.
func (c *channel) read() (*answer, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(c.t.timeout))
	p, err := draft.Read(c.r)
	if err != nil {
		return nil, err
	}
	if !c.foreign {
		for _, f := range p.Findings {
			c.t.Errorf("%v", f)
		}
	}
	id, _ := strconv.ParseUint(p.ID, 10, 64) // the runner's own are no longer
	return &answer{p, id}, nil
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

// response waits for the response with the id. Notifications may come before
// it, other responses may not.
func (c *channel) response(id uint64) *answer {
	c.t.Helper()
	for {
		a := c.pdu()
		if a.Kind == draft.Notification {
			continue
		}
		if a.Kind != draft.Response || a.ID != id {
			c.t.Fatalf("a %v with request-id %d came where the response to %d was awaited", a.Kind, a.ID, id)
		}
		return a
	}
}

// alive checks that the channel still answers, and that nothing came before.
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

// is checks that an answer is a 200 with one of the elements, and that an
// element of an error says why.
func (c *channel) is(a *answer, names ...string) node {
	c.t.Helper()
	e := a.element()
	switch {
	case a.Status != 200:
		c.t.Fatalf("the status is %d, not 200 with one of %s: %s", a.Status, strings.Join(names, ", "), a.Body)
	case !slices.Contains(names, e.Name):
		c.t.Fatalf("the response is %q, which is none of %s", e.Name, strings.Join(names, ", "))
	case e.Space != draft.Namespace:
		c.t.Fatalf("%s is in the namespace %q", e.Name, e.Space)
	}
	if strings.HasPrefix(e.Name, "error") && e.attr("reason") == "" {
		c.t.Errorf("%s has no reason", e.Name)
	}
	return e
}

// refused checks that an answer is a 400, or a 200 with an error element.
func (c *channel) refused(a *answer) {
	c.t.Helper()
	if a.Status == 400 {
		return
	}
	if e := a.element(); a.Status != 200 || !strings.HasPrefix(e.Name, "error") {
		c.t.Errorf("the request is not refused: status %d, %q", a.Status, e.Name)
	}
}

// bad checks that an answer is a 400.
func (c *channel) bad(a *answer) {
	c.t.Helper()
	if a.Status != 400 {
		c.t.Errorf("the status is %d, not 400: %s", a.Status, a.Body)
	}
}
