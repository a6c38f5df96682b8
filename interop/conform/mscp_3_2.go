package conform

import (
	"fmt"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// section3_2 are the cases of section 3.2 of the draft.
func (m MSCPTarget) section3_2() []Case {
	return []Case{
		must("mscp/3.2/1", "documents are XML in UTF-8", m.on(func(t *T, c *channel) {
			a := c.ask(`<unjoin id1="会议" id2="né"/>`)
			e := c.is(a, unjoinAnswers...)
			if e.attr("id1") != "会议" || e.attr("id2") != "né" {
				t.Errorf("id1 and id2 come back as %q and %q", e.attr("id1"), e.attr("id2"))
			}
		})),
		must("mscp/3.2/2", "the top-level element is mscp, with a version of 1.0, in the namespace urn:ietf:mscp", m.on(func(t *T, c *channel) {
			for _, a := range []*answer{c.ask(unjoin), c.askDocument(`<mscp version="1.0"`)} {
				if n := a.root(); c.infos == nil && (n.Name != "mscp" || n.Space != draft.Namespace || n.attr("version") != "1.0") {
					t.Errorf("it is %q in %q, with the version %q", n.Name, n.Space, n.attr("version"))
				}
			}
		})),
		must("mscp/3.2/3", "a response's document holds one response, and that one element", m.on(func(t *T, c *channel) {
			c.destroy(c.ask("<createconference/>").element()) // which is judged, too
			a := c.ask(unjoin)
			if len(a.root().Elements) != 1 || a.root().Elements[0].Name != "response" || len(a.root().Elements[0].Elements) != 1 {
				t.Errorf("the document is %s", a.Body)
			}
		})),
		must("mscp/3.2/4", "the response to a request without an id has none", m.on(func(t *T, c *channel) {
			if a := c.askDocument(document("request", unjoin)); len(a.root().Elements) == 1 && a.Doc().HasID {
				t.Errorf("it has the id %q", a.Doc().ID)
			}
		})),
		must("mscp/3.2/5", "the response to a request with an id has the same", m.on(func(t *T, c *channel) {
			a := c.askDocument(`<mscp version="1.0" xmlns="urn:ietf:mscp"><request id="req17">` + unjoin + `</request></mscp>`)
			if len(a.root().Elements) != 1 || a.Doc().ID != "req17" {
				t.Errorf("the document is %s", a.Body)
			}
		})),
		must("mscp/3.2/6", "a document with two requests is refused", m.on(func(t *T, c *channel) {
			c.bad(c.askDocument(`<mscp version="1.0" xmlns="urn:ietf:mscp"><request>` + unjoin + `</request><request>` + unjoin + `</request></mscp>`))
			c.alive()
		})),
		must("mscp/3.2/7", "a document without a request is refused", m.on(func(t *T, c *channel) {
			c.bad(c.askDocument(`<mscp version="1.0" xmlns="urn:ietf:mscp"/>`))
			c.bad(c.askDocument(document("request", "")))
			c.alive()
		})),
		must("mscp/3.2/8", "a request that holds a response or a notification is refused", m.on(func(t *T, c *channel) {
			c.bad(c.askDocument(document("response", `<conferencejoined id1="a" id2="b"/>`)))
			if c.infos == nil { // whose messages are of the kind that they hold
				c.bad(c.askDocument(document("notification", `<dialogterminate dialogid="a"/>`)))
			}
			c.alive()
		})),
		should("mscp/3.2/9", "a document without a version, or with another, is refused", m.on(func(t *T, c *channel) {
			for _, v := range []string{"", ` version="2.0"`} {
				c.bad(c.askDocument(fmt.Sprintf(`<mscp%s xmlns="urn:ietf:mscp"><request>%s</request></mscp>`, v, unjoin)))
			}
		})),
		must("mscp/3.2/10", "an XML declaration, comments and prefixes change nothing", m.on(func(t *T, c *channel) {
			a := c.askDocument("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a --><m:mscp version='1.0' xmlns:m='urn:ietf:mscp'>\n" +
				"<m:request><!-- b -->\n<m:unjoin id1='conform-a' id2='conform-b'></m:unjoin></m:request></m:mscp>\n")
			c.is(a, unjoinAnswers...)
		})),
	}
}
