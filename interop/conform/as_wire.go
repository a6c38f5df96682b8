package conform

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// An asChannel is a control channel of which we are the media server's end.
type asChannel struct {
	p       *mediaPeer
	control *control
	call    *sipua.Call
	conn    net.Conn      // nil over INFO
	infos   chan string   // documents that wait to be sent in INFO; nil over TCP
	done    chan struct{} // closed when the connection has ended

	mu   sync.Mutex
	last *big.Int // the last request-id
	all  []*draft.PDU
}

// An asked is a request that awaits its response.
type asked struct {
	*draft.PDU
	c  *asChannel
	at time.Time
}

// name is that of the request's element.
func (q *asked) name() string { return q.Element().Name }

// over reports whether the connection or the dialog has ended.
func (c *asChannel) over() bool {
	select {
	case <-c.done:
		return true
	case <-c.control.ended:
		return true
	default:
		return false
	}
}

// serve reads a channel to its end.
func (p *mediaPeer) serve(dialog *control, conn net.Conn) {
	c := &asChannel{p: p, control: dialog, conn: conn, done: make(chan struct{}), last: big.NewInt(-1)}
	defer close(c.done)
	defer conn.Close()
	if secured, ok := conn.(*tls.Conn); ok && !dialog.shows(secured) {
		return
	}
	select {
	case <-dialog.ready:
	case <-dialog.ended:
		return
	}
	c.call = dialog.call
	p.mu.Lock()
	p.current = c
	p.mu.Unlock()
	go func() {
		<-dialog.ended
		if !dialog.patient.Load() {
			conn.Close()
		}
	}()
	push(p.came, c)
	for r := bufio.NewReader(conn); ; {
		pdu, err := draft.Read(r)
		if err != nil {
			if err != io.EOF && !c.over() {
				if _, isNet := err.(net.Error); !isNet {
					p.b.found([]draft.Finding{{Section: "7.2.2", Rule: "the channel carries PDUs", Text: err.Error()}})
				}
			}
			return
		}
		p.b.note("<", pdu.Raw)
		dialog.requests.Add(1)
		c.take(pdu)
	}
}

// shows does the handshake, and judges the certificate of the application server. It
// reports whether the channel is up.
func (c *control) shows(conn *tls.Conn) bool {
	ctx, cancel := context.WithTimeout(c.ctx, DefaultTimeout)
	defer cancel()
	if conn.HandshakeContext(ctx) != nil {
		return false
	}
	shown := conn.ConnectionState().PeerCertificates[0].Raw
	if m, ok := draft.SDP(c.in.Body); !ok || !slices.ContainsFunc(m.Fingerprints, func(f string) bool {
		hash, _, _ := strings.Cut(f, " ")
		return strings.EqualFold(f, fingerprint(hash, shown)) // [RFC8122-5]
	}) {
		c.p.b.found([]draft.Finding{{Section: "RFC 8122, 6.2", Rule: "the certificate of a connection has one of the offer's fingerprints", Text: "it has none"}})
	}
	return true
}

// take judges a PDU and has it answered.
func (c *asChannel) take(pdu *draft.PDU) {
	list := pdu.Findings
	c.mu.Lock()
	if len(c.all) < 1<<16 {
		c.all = append(c.all, pdu)
	}
	if pdu.Kind == draft.Request {
		section := "7.2.3"
		if c.infos != nil {
			section = "3.2"
		}
		id, ok := number(pdu.ID)
		if ok && id.Cmp(c.last) <= 0 {
			list = append(list, draft.Finding{Section: section, Rule: "consecutive requests have increasing request-ids", Text: fmt.Sprintf("%s came after %s", pdu.ID, c.last)})
		}
		if ok {
			c.last = id
		}
	}
	c.mu.Unlock()
	if pdu.Kind != draft.Request && pdu.Kind != draft.Notification {
		list = append(list, draft.Finding{Section: "7.2", Rule: "an application server sends requests and notifications", Text: fmt.Sprintf("a %v came", pdu.Kind)})
	}
	c.p.b.found(list)
	if pdu.Kind == draft.Notification {
		push(c.p.notes, pdu)
	}
	if pdu.Kind != draft.Request {
		return
	}
	q := &asked{pdu, c, time.Now()}
	c.p.b.mu.Lock()
	auto := c.p.b.auto
	c.p.b.mu.Unlock()
	switch {
	case auto != nil && auto(q):
	case auto != nil && q.Element().Space == draft.PaperNamespace && answers[q.name()] != "" || auto != nil && q.Element().Space == draft.Namespace:
		push(c.p.asks, q)
	default:
		q.succeed()
	}
}

// answers are the elements that say that a request of the paper has succeeded.
var answers = map[string]string{"RestoreMsg": "MsgRestored", "SendMsg": "MsgSended"}

// succeed answers a request as the draft, or the paper, has it. One that neither has is
// refused.
func (q *asked) succeed() {
	if name := answers[q.name()]; name != "" {
		q.reply(q.extension(name, ""))
		return
	}
	q.send(400, `<e:error xmlns:e="urn:x-conform" reason="the request is not known"/>`)
}

// extension is an element of the paper with the ids of the request.
func (q *asked) extension(name, more string) string {
	e := q.Element()
	return fmt.Sprintf(`<%s xmlns="%s" %s %s %s%s/>`, name, draft.PaperNamespace, attribute("from-uri", e.Get("from-uri")),
		attribute("to-uri", e.Get("to-uri")), attribute("connection-id", e.Get("connection-id")), more)
}

// reply sends a 200 with an element.
func (q *asked) reply(element string) { q.send(200, element) }

// phrases are the reasons of the grammar.
var phrases = map[int]string{200: "OK", 400: "Bad Request", 500: "Internal Error"}

func (q *asked) send(status int, element string) {
	q.c.write(q.pdu(status, document("response", element)))
}

// pdu is a response with a body.
func (q *asked) pdu(status int, body string) string {
	return pdu(fmt.Sprintf("MSCP/1.0 %d %s %s", status, phrases[status], q.ID), body)
}

// success is the PDU of success.
func (q *asked) success() string {
	return q.pdu(200, document("response", q.extension(answers[q.name()], "")))
}

// write sends bytes as they are; a connection that is gone is a case's own matter.
func (c *asChannel) write(s string) {
	c.p.b.note(">", []byte(s))
	if c.infos != nil {
		c.inform(s)
		return
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(DefaultTimeout))
	_, _ = io.WriteString(c.conn, s)
}
