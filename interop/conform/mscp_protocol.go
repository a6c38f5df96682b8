package conform

import (
	"fmt"
	"strings"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// oneOfEach is each request of the draft, for things that do not exist, and the
// elements of which one is to answer it.
var oneOfEach = []struct {
	request string
	answers []string
}{
	{`<dialogprepare src="http://invalid.example/a.vxml"/>`, prepareAnswers},
	{`<dialogstart src="http://invalid.example/a.vxml" connectionid="conform;1;2"/>`, startAnswers},
	{`<destroyconference conferenceid="conform-none"/>`, []string{"conferencedestroyed", "errorconferencedestroy"}},
	{`<join id1="conform-a" id2="conform-b"/>`, joinAnswers},
	{`<unjoin id1="conform-a" id2="conform-b"/>`, unjoinAnswers},
}

var (
	prepareAnswers = []string{"dialogprepared", "errordialognotprepared", "errordialogwrongstate"}
	startAnswers   = []string{"dialogstarted", "errordialognotstarted", "errordialogwrongstate"}
	createAnswers  = []string{"conferencecreated", "errorconferencecreate"}
	joinAnswers    = []string{"conferencejoined", "errorconferencejoin"}
	unjoinAnswers  = []string{"conferenceunjoined", "errorconferenceunjoin"}
)

const unjoin = `<unjoin id1="conform-a" id2="conform-b"/>`

func (m MSCPTarget) protocolCases() []Case {
	return []Case{
		must("mscp/2.1/1", "a function that is not supported, or cannot be done, is refused with the element that the draft has for it", m.on(func(t *T, c *channel) {
			for _, r := range oneOfEach {
				c.is(c.ask(r.request), r.answers...)
			}
		})),
		must("mscp/3.1/1", "every request is answered", m.on(func(t *T, c *channel) {
			const n = 32
			var all strings.Builder
			for range n {
				all.WriteString(pdu(c.start(), document("request", unjoin)))
			}
			c.raw(all.String())
			waiting := map[uint64]bool{}
			for id := c.id - n + 1; id <= c.id; id++ {
				waiting[id] = true
			}
			for len(waiting) > 0 {
				a := c.pdu()
				if a.Kind == draft.Response && !waiting[a.ID] {
					t.Fatalf("a response to %d, which nobody asked, or which was answered already", a.ID)
				}
				delete(waiting, a.ID)
			}
		})),
		must("mscp/3.1/2", "a notification is not answered", m.on(func(t *T, c *channel) {
			c.raw(pdu("NOTIF MSCP/1.0", document("notification", `<dialogterminate dialogid="conform-none"/>`)))
			c.alive() // whose response must be the next
		})),
		must("mscp/3.2/1", "documents are XML in UTF-8", m.on(func(t *T, c *channel) {
			a := c.ask(`<unjoin id1="会议" id2="né"/>`)
			e := c.is(a, unjoinAnswers...)
			if e.attr("id1") != "会议" || e.attr("id2") != "né" {
				t.Errorf("id1 and id2 come back as %q and %q", e.attr("id1"), e.attr("id2"))
			}
		})),
		must("mscp/3.2/2", "the top-level element is mscp, with a version of 1.0, in the namespace urn:ietf:mscp", m.on(func(t *T, c *channel) {
			a := c.ask(unjoin)
			if n := a.root(); n.Name != "mscp" || n.Space != draft.Namespace {
				t.Errorf("it is %q in %q", n.Name, n.Space)
			}
			if v := a.root().attr("version"); v != "1.0" {
				t.Errorf("the version is %q", v)
			}
		})),
		must("mscp/3.2/3", "a response's document holds one response, and that one element", m.on(func(t *T, c *channel) {
			a := c.ask(unjoin)
			if len(a.root().Elements) != 1 || a.root().Elements[0].Name != "response" || len(a.root().Elements[0].Elements) != 1 {
				t.Errorf("the document is %s", a.Body)
			}
		})),
		must("mscp/3.2/4", "the response to a request without an id has none", m.on(func(t *T, c *channel) {
			if a := c.ask(unjoin); len(a.root().Elements) == 1 && a.Doc().HasID {
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
			c.bad(c.askDocument(document("notification", `<dialogterminate dialogid="a"/>`)))
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
		should("mscp/9/1", "a document with a DTD does not have the media server fetch or expand anything", m.on(func(t *T, c *channel) {
			c.bad(c.askDocument(`<!DOCTYPE mscp [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>` +
				`<mscp version="1.0" xmlns="urn:ietf:mscp"><request><unjoin id1="&c;" id2="b"/></request></mscp>`))
			c.alive()
		})),
	}
}
