package conform

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// pduCases are those of section 7.2.2.
func (m MSCPTarget) pduCases() []Case {
	good := document("request", unjoin)
	return []Case{
		must("mscp/7.2.2/1", "every PDU is written as the grammar, or the examples, have it", m.on(func(t *T, c *channel) {
			c.ask(unjoin) // every PDU is judged as it is read
			c.askDocument("<")
		})),
		must("mscp/7.2.2/2", "a PDU has Content-Type, Content-Length and a body, after an empty line", m.on(func(t *T, c *channel) {
			for _, a := range []*answer{c.ask(unjoin), c.askDocument("<")} {
				head, body, _ := bytes.Cut(a.Raw, []byte("\r\n\r\n"))
				for _, name := range []string{"Content-Type", "Content-Length"} {
					if n := strings.Count(strings.ToLower(string(head)), "\r\n"+strings.ToLower(name)+":"); n != 1 {
						t.Errorf("%s is there %d times", name, n)
					}
				}
				if len(body) == 0 {
					t.Error("there is no body")
				}
			}
		})),
		must("mscp/7.2.2/3", "the Content-Type of a document is application/mscp+xml", m.on(func(t *T, c *channel) {
			a := c.ask(unjoin)
			media, _, _ := strings.Cut(a.ContentType, ";")
			if media = strings.TrimSpace(media); media != "" && !strings.EqualFold(media, "application/mscp+xml") {
				t.Errorf("it is %q", a.ContentType)
			}
		})),
		must("mscp/7.2.2/4", "a PDU is put together from as many TCP segments as it comes in", m.on(func(t *T, c *channel) {
			for _, b := range pdu(c.start(), good) {
				c.raw(string(b))
			}
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		must("mscp/7.2.2/5", "several PDUs in one TCP segment are told apart", m.on(func(t *T, c *channel) {
			c.raw(pdu(c.start(), good) + pdu("NOTIF MSCP/1.0", document("notification", `<dialogterminate dialogid="x"/>`)) + pdu(c.start(), good))
			got := map[uint64]bool{c.pdu().ID: true}
			got[c.pdu().ID] = true
			if !got[c.id-1] || !got[c.id] {
				t.Errorf("the responses are to %v", got)
			}
		})),
		must("mscp/7.2.2/6", "the headers may come in the grammar's order: Content-Length first", m.on(func(t *T, c *channel) {
			c.raw(fmt.Sprintf("%s\r\nContent-Length: %d\r\nContent-Type: application/mscp+xml\r\n\r\n%s", c.start(), len(good), good))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		should("mscp/7.2.2/7", "names of headers are read without regard to case", m.on(func(t *T, c *channel) {
			c.raw(fmt.Sprintf("%s\r\ncontent-type: application/mscp+xml\r\nCONTENT-LENGTH:%d\r\n\r\n%s", c.start(), len(good), good))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		should("mscp/7.2.2/8", "headers that are not known are ignored", m.on(func(t *T, c *channel) {
			c.raw(strings.Replace(pdu(c.start(), good), "\r\n", "\r\nX-Conform: yes\r\n", 1))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		should("mscp/7.2.2/9", "a body of multipart/mixed with several requests is answered", m.on(func(t *T, c *channel) {
			part := "Content-Type: application/mscp+xml\r\n\r\n" + good
			body := "--conform\r\n" + part + "\r\n--conform\r\n" + part + "\r\n--conform--\r\n"
			c.raw(strings.Replace(pdu(c.start(), body), "application/mscp+xml", "multipart/mixed;boundary=conform", 1))
			if a := c.response(c.id); a.Status != 200 || strings.Count(string(a.Body), "</response>") != 2 {
				t.Errorf("status %d: %s", a.Status, a.Body)
			}
		})),
		should("mscp/7.2.2/10", "a body of another Content-Type is refused, and the channel goes on", m.on(func(t *T, c *channel) {
			c.raw(strings.Replace(pdu(c.start(), good), "application/mscp+xml", "text/plain", 1))
			c.bad(c.response(c.id))
			c.alive()
		})),
		should("mscp/7.2.2/11", "what is no MSCP ends the connection, and that alone", m.on(func(t *T, c *channel) {
			other := m.setUp(t, offer)
			c.raw("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
			c.closed()
			other.alive()
		})),
		should("mscp/7.2.2/12", "a PDU without Content-Length, whose end nobody knows, ends the connection or gets 400", m.on(func(t *T, c *channel) {
			c.raw(c.start() + "\r\nContent-Type: application/mscp+xml\r\n\r\n" + good)
			c.endsOr400()
		})),
		should("mscp/7.2.2/13", "a Content-Length beyond all measure ends the connection or gets 400, and is not waited for", m.on(func(t *T, c *channel) {
			c.raw(c.start() + "\r\nContent-Type: application/mscp+xml\r\nContent-Length: 99999999999999999999\r\n\r\n")
			c.endsOr400()
		})),
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

var statusLine = regexp.MustCompile(`^MSCP/1\.0 (200 OK|400 Bad Request|500 Internal Error) ( )?[0-9]+\r\n`)

// messageCases are those of sections 7.2.3 to 7.2.6.
func (m MSCPTarget) messageCases() []Case {
	good := document("request", unjoin)
	return []Case{
		must("mscp/7.2.3/1", "the response has the request-id of its request", m.on(func(t *T, c *channel) {
			for range 3 {
				c.is(c.ask(unjoin), unjoinAnswers...)
				c.id += 16 // consecutive need not mean by one
			}
		})),
		must("mscp/7.2.3/2", "the first request-id is arbitrary: 0 is one", m.on(func(t *T, c *channel) {
			c.raw(pdu("REQ MSCP/1.0 0", good))
			c.is(c.response(0), unjoinAnswers...)
		})),
		must("mscp/7.2.3/3", "the first request-id is arbitrary: one above 32 bits is", m.on(func(t *T, c *channel) {
			c.id = 1<<32 + 5
			c.is(c.ask(unjoin), unjoinAnswers...)
		})),
		must("mscp/7.2.3/4", "a request-line with two blanks before the request-id, as in the grammar, is taken", m.on(func(t *T, c *channel) {
			c.raw(pdu(strings.Replace(c.start(), "1.0 ", "1.0  ", 1), good))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		must("mscp/7.2.3/5", "a request-line with one blank before the request-id, as in the examples, is taken", m.on(func(t *T, c *channel) {
			c.raw(pdu(c.start(), good))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		should("mscp/7.2.3/6", "a start line that has both its CRLF and that of start-line in the grammar is taken", m.on(func(t *T, c *channel) {
			c.raw(strings.Replace(pdu(c.start(), good), "\r\n", "\r\n\r\n", 1))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		should("mscp/7.2.3/7", "a request-id that does not increase is refused with 400", m.on(func(t *T, c *channel) {
			c.ask(unjoin)
			c.id--
			c.bad(c.ask(unjoin))
		})),
		should("mscp/7.2.3/8", "a request of another version of the protocol is not processed", m.on(func(t *T, c *channel) {
			c.raw(pdu(strings.Replace(c.start(), "1.0", "7.3", 1), good))
			c.endsOr400()
		})),
		must("mscp/7.2.4/1", "each request is followed by one response, and no more", m.on(func(t *T, c *channel) {
			c.ask(unjoin)
			c.alive() // whose response must be the next
		})),
		must("mscp/7.2.4/2", "the response-line has a version, a status-code with its reason-phrase, and the request-id", m.on(func(t *T, c *channel) {
			for _, a := range []*answer{c.ask(unjoin), c.askDocument("<")} {
				if !statusLine.Match(a.Raw) {
					t.Errorf("it is %q", a.Raw[:max(0, bytes.IndexByte(a.Raw, '\n'))])
				}
			}
		})),
		must("mscp/7.2.4/3", "the body of a 400 holds the error response, a document of MSCP", m.on(func(t *T, c *channel) {
			a := c.askDocument("<mscp")
			c.bad(a)
			if r := a.root(); r.Name != "mscp" || len(a.root().Elements) != 1 || a.root().Elements[0].Name != "response" {
				t.Errorf("it is %q", a.Body)
			}
		})),
		should("mscp/7.2.4/4", "a response of the application server's is not answered, and leads to nothing but the end of the connection", m.on(func(t *T, c *channel) {
			c.raw(pdu("MSCP/1.0 200 OK 5", document("response", `<conferencejoined id1="a" id2="b"/>`)))
			c.raw(pdu(c.start(), good))
			a, err := c.read()
			if err != nil {
				c.endedBy(err)
			} else if a.Kind != draft.Response || a.ID != c.id {
				t.Errorf("a %v with the request-id %d came", a.Kind, a.ID)
			}
		})),
		must("mscp/7.2.5/1", "notifications at any time, between requests and their responses, disturb nothing", m.on(func(t *T, c *channel) {
			note := pdu("NOTIF MSCP/1.0", document("notification", `<dialogterminate dialogid="conform-none"/>`))
			for range 8 {
				c.raw(note + pdu(c.start(), good) + note)
				c.is(c.response(c.id), unjoinAnswers...)
			}
		})),
		must("mscp/7.2.5/2", "a notification that is not known, of another namespace, is ignored", m.on(func(t *T, c *channel) {
			c.raw(pdu("NOTIF MSCP/1.0", document("notification", `<v:news xmlns:v="http://www.example.org/vendor"/>`)))
			c.alive()
		})),
		should("mscp/7.2.5/3", "a notification that is not well-formed does not end the channel", m.on(func(t *T, c *channel) {
			c.raw(pdu("NOTIF MSCP/1.0", "<mscp"))
			c.alive()
		})),
		must("mscp/7.2.6/1", "the request of the draft's example, as it is laid out there, is answered", m.on(func(t *T, c *channel) {
			a := c.askDocument("<mscp version=\"1.0\" xmlns=\"urn:ietf:mscp\">\r\n <request>\r\n<dialogstart connectionid=\"23142\"\r\n  " +
				"src=\"http://www.example.com/scripts/promptAndCollect.vxml\"/>\r\n </request>\r\n</mscp>\r\n")
			e := c.is(a, startAnswers...)
			if e.attr("connectionid") != "23142" {
				t.Errorf("the connectionid is %q", e.attr("connectionid"))
			}
		})),
	}
}
