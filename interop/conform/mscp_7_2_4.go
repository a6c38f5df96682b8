package conform

import (
	"bytes"
	"regexp"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

var statusLine = regexp.MustCompile(`^MSCP/1\.0 (200 OK|400 Bad Request|500 Internal Error) ( )?[0-9]+\r\n`)

// section7_2_4 are the cases of section 7.2.4 of the draft.
func (m MSCPTarget) section7_2_4() []Case {
	good := document("request", unjoin)
	return []Case{
		must("mscp/7.2.4/1", "each request is followed by one response, and no more", m.onTCP(func(t *T, c *channel) {
			c.ask(unjoin)
			c.ask(`<v:myrequest xmlns:v="http://www.example.org/vendor"/>`)
			c.alive() // whose response must be the next
		})),
		must("mscp/7.2.4/2", "the response-line has a version, a status-code with its reason-phrase, and the request-id", m.onTCP(func(t *T, c *channel) {
			for _, a := range []*answer{c.ask(unjoin), c.askDocument("<>")} {
				if !statusLine.Match(a.Raw) {
					t.Errorf("it is %q", a.Raw[:max(0, bytes.IndexByte(a.Raw, '\n'))])
				}
			}
		})),
		must("mscp/7.2.4/3", "the body of a 400 holds the error response, a document of MSCP", m.onTCP(func(t *T, c *channel) {
			a := c.askDocument("<mscp")
			c.bad(a)
			if r := a.root(); r.Name != "mscp" || len(a.root().Elements) != 1 || a.root().Elements[0].Name != "response" {
				t.Errorf("it is %q", a.Body)
			}
		})),
		should("mscp/7.2.4/4", "a response of the application server's is not answered, and leads to nothing but the end of the connection", m.onTCP(func(t *T, c *channel) {
			c.raw(pdu("MSCP/1.0 200 OK 5", document("response", `<conferencejoined id1="a" id2="b"/>`)))
			c.raw(pdu(c.start(), good))
			a, err := c.read()
			if err != nil {
				c.endedBy(err)
			} else if a.Kind != draft.Response || a.ID != c.id {
				t.Errorf("a %v with the request-id %d came", a.Kind, a.ID)
			}
		})),
	}
}
