package conform

import (
	"strings"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// section3_3 are the cases of section 3.3 of the draft.
func (m MSCPTarget) section3_3() []Case {
	return []Case{
		must("mscp/3.3/1", "what is not well-formed gets 400, with the request's id, and the channel goes on", m.on(func(t *T, c *channel) {
			for _, body := range []string{
				`<mscp version="1.0" xmlns="urn:ietf:mscp"><request><unjoin id1="a" id2="b"/></request>`,
				`<mscp version="1.0" xmlns="urn:ietf:mscp"><request><unjoin id1="a" id1="c" id2="b"/></request></mscp>`,
				`<mscp version="1.0" xmlns="urn:ietf:mscp"><request><unjoin id1=a id2="b"/></request></mscp>`,
				`<mscp version="1.0" xmlns="urn:ietf:mscp"><request><unjoin id1="&undeclared;" id2="b"/></request></mscp>`,
				document("request", unjoin) + document("request", unjoin),
				"no XML at all",
			} {
				c.bad(c.askDocument(body))
			}
			c.alive()
		})),
		should("mscp/3.3/2", "documents are validated: an attribute that must be there, or has another value than it may have, is an error", m.on(func(t *T, c *channel) {
			for _, e := range []string{
				`<join id1="conform-a"/>`, `<unjoin id2="conform-b"/>`, `<destroyconference/>`,
				`<dialogprepare src="http://invalid.example/" method="put"/>`, `<createconference reservedtalkers="-1"/>`,
			} {
				c.refused(c.ask(e))
			}
		})),
		must("mscp/3.3/3", "attributes of other namespaces are ignored", m.on(func(t *T, c *channel) {
			c.is(c.askDocument(`<mscp version="1.0" xmlns="urn:ietf:mscp" xmlns:v="http://www.example.org/vendor" v:a="1"><request v:tag="mytag">`+
				`<unjoin id1="conform-a" id2="conform-b" v:id1="other"/></request></mscp>`), unjoinAnswers...)
		})),
		must("mscp/3.3/4", "elements of other namespaces within a request's element are ignored", m.on(func(t *T, c *channel) {
			e := c.is(c.ask(`<join id1="conform-a" id2="conform-b"><v:x xmlns:v="http://www.example.org/vendor"><stream type="none"/></v:x></join>`), joinAnswers...)
			if e.attr("id1") != "conform-a" {
				t.Errorf("id1 is %q", e.attr("id1"))
			}
		})),
		must("mscp/3.3/5", "an element of another namespace beside that of the request is ignored", m.on(func(t *T, c *channel) {
			c.is(c.ask(`<v:x xmlns:v="http://www.example.org/vendor"/>`+unjoin), unjoinAnswers...)
		})),
		should("mscp/3.3/6", "a request that is of another namespace, and not understood, is refused, as an empty one is", m.on(func(t *T, c *channel) {
			c.bad(c.ask(`<v:myrequest xmlns:v="http://www.example.org/vendor"/>`))
			c.alive()
		})),
		should("mscp/3.3/7", "elements nested ten thousand deep get 400, or end the connection, and that alone", m.onTCP(func(t *T, c *channel) {
			c.raw(pdu(c.start(), document("request", strings.Repeat("<a>", 10_000)+strings.Repeat("</a>", 10_000))))
			a, err := c.read()
			switch {
			case err != nil:
				c.endedBy(err)
			case a.Kind != draft.Response || a.ID != c.id || a.Status == 200:
				t.Errorf("a %v with the status %d came", a.Kind, a.Status)
			}
			m.setUp(t).alive()
		})),
	}
}
