package conform

import (
	"bytes"
	"fmt"
	"strings"
)

// section7_2_2 are the cases of section 7.2.2 of the draft.
func (m MSCPTarget) section7_2_2() []Case {
	good := document("request", unjoin)
	return []Case{
		must("mscp/7.2.2/1", "every PDU is written as the grammar, or the examples, have it", m.onTCP(func(t *T, c *channel) {
			c.ask(unjoin) // every PDU is judged as it is read
			c.askDocument("<")
		})),
		must("mscp/7.2.2/2", "a PDU has Content-Type, Content-Length and a body, after an empty line", m.onTCP(func(t *T, c *channel) {
			for _, a := range []*answer{c.ask(unjoin), c.askDocument("<<")} {
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
		must("mscp/7.2.2/3", "the Content-Type of a document is application/mscp+xml", m.onTCP(func(t *T, c *channel) {
			for _, asked := range []string{"application/mscp+xml", "application/mscp+xml;charset=UTF-8"} {
				c.raw(strings.Replace(pdu(c.start(), good), "application/mscp+xml", asked, 1))
				a := c.response(c.id)
				media, _, _ := strings.Cut(a.ContentType, ";")
				if media = strings.TrimSpace(media); !strings.EqualFold(media, "application/mscp+xml") {
					t.Errorf("it is %q", a.ContentType)
				}
			}
		})),
		must("mscp/7.2.2/4", "a PDU is put together from as many TCP segments as it comes in", m.onTCP(func(t *T, c *channel) {
			for _, b := range pdu(c.start(), good) {
				c.raw(string(b))
			}
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		must("mscp/7.2.2/5", "several PDUs in one TCP segment are told apart", m.onTCP(func(t *T, c *channel) {
			c.raw(pdu(c.start(), good) + pdu("NOTIF MSCP/1.0", document("notification", `<dialogterminate dialogid="x"/>`)) + pdu(c.start(), good))
			got := map[uint64]bool{c.pdu().ID: true}
			got[c.pdu().ID] = true
			if !got[c.id-1] || !got[c.id] {
				t.Errorf("the responses are to %v", got)
			}
		})),
		must("mscp/7.2.2/6", "the headers may come in the grammar's order: Content-Length first", m.onTCP(func(t *T, c *channel) {
			c.raw(fmt.Sprintf("%s\r\nContent-Length: %d\r\nContent-Type: application/mscp+xml\r\n\r\n%s", c.start(), len(good), good))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		should("mscp/7.2.2/7", "names of headers are read without regard to case", m.onTCP(func(t *T, c *channel) {
			c.raw(fmt.Sprintf("%s\r\ncontent-type: application/mscp+xml\r\nCONTENT-LENGTH:%d\r\n\r\n%s", c.start(), len(good), good))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		should("mscp/7.2.2/8", "headers that are not known are ignored", m.onTCP(func(t *T, c *channel) {
			c.raw(strings.Replace(pdu(c.start(), good), "\r\n", "\r\nX-Conform: yes\r\n", 1))
			c.is(c.response(c.id), unjoinAnswers...)
		})),
		should("mscp/7.2.2/9", "a body of multipart/mixed with several requests is answered", m.onTCP(func(t *T, c *channel) {
			part := "Content-Type: application/mscp+xml\r\n\r\n" + good
			body := "--conform\r\n" + part + "\r\n--conform\r\n" + part + "\r\n--conform--\r\n"
			c.raw(strings.Replace(pdu(c.start(), body), "application/mscp+xml", "multipart/mixed;boundary=conform", 1))
			if a := c.response(c.id); a.Status != 200 || strings.Count(string(a.Body), "</response>") != 2 {
				t.Errorf("status %d: %s", a.Status, a.Body)
			}
		})),
		should("mscp/7.2.2/10", "a body of another Content-Type is refused, and the channel goes on", m.onTCP(func(t *T, c *channel) {
			c.raw(strings.Replace(pdu(c.start(), good), "application/mscp+xml", "text/plain", 1))
			c.bad(c.response(c.id))
			c.alive()
		})),
		should("mscp/7.2.2/11", "what is no MSCP ends the connection, and that alone", m.onTCP(func(t *T, c *channel) {
			other := m.setUp(t)
			c.raw("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
			c.closed()
			other.alive()
		})),
		should("mscp/7.2.2/12", "a PDU without Content-Length, whose end nobody knows, ends the connection or gets 400", m.onTCP(func(t *T, c *channel) {
			c.raw(c.start() + "\r\nContent-Type: application/mscp+xml\r\n\r\n" + good)
			c.endsOr400()
		})),
		should("mscp/7.2.2/13", "a Content-Length beyond all measure ends the connection or gets 400, and is not waited for", m.onTCP(func(t *T, c *channel) {
			c.raw(c.start() + "\r\nContent-Type: application/mscp+xml\r\nContent-Length: 99999999999999999999\r\n\r\n")
			c.endsOr400()
		})),
		should("mscp/7.2.2/14", "a header line that does not end, for a megabyte, ends the connection, and that alone", m.onTCP(func(t *T, c *channel) {
			c.flood("REQ MSCP/1.0 1\r\nContent-Type: " + strings.Repeat("a", 1<<20))
			c.closed()
			m.setUp(t).alive()
		})),
	}
}
