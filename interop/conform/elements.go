package conform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomscp/gomscp/interop/conform/draft"
)

// The elements of which one answers a request; the first says that it has succeeded.
var (
	prepareAnswers = []string{"dialogprepared", "errordialognotprepared", "errordialogwrongstate"}
	startAnswers   = []string{"dialogstarted", "errordialognotstarted", "errordialogwrongstate"}
	createAnswers  = []string{"conferencecreated", "errorconferencecreate"}
	joinAnswers    = []string{"conferencejoined", "errorconferencejoin"}
	unjoinAnswers  = []string{"conferenceunjoined", "errorconferenceunjoin"}
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

const unjoin = `<unjoin id1="conform-a" id2="conform-b"/>`

// document puts a container around an element.
func document(container, element string) string {
	return fmt.Sprintf(`<mscp version="1.0" xmlns="urn:ietf:mscp"><%s>%s</%[1]s></mscp>`, container, element)
}

// pdu puts a start line and headers before a body.
func pdu(start, body string) string {
	return fmt.Sprintf("%s\r\nContent-Type: application/mscp+xml\r\nContent-Length: %d\r\n\r\n%s", start, len(body), body)
}

// attribute is one attribute in XML.
func attribute(name, value string) string {
	return fmt.Sprintf(`%s="%s"`, name, strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(value))
}

// element is an empty element with attributes, given as names and values in turn.
func element(name string, attrs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(attrs); i += 2 {
		b.WriteString(" " + attribute(attrs[i], attrs[i+1]))
	}
	return "<" + name + b.String() + "/>"
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

// first is the element of a response without mscp around it.
func (a *answer) first() node {
	if r := a.root(); r.Name == "response" && len(r.Elements) > 0 {
		return node{r.Elements[0]}
	}
	return node{&draft.Element{}}
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

// wants checks attributes, given as names and values in turn.
func (n node) wants(t *T, attrs ...string) {
	t.Helper()
	for i := 0; i+1 < len(attrs); i += 2 {
		if got := n.attr(attrs[i]); got != attrs[i+1] {
			t.Errorf("%s of %s is %q, not %q", attrs[i], n.Name, got, attrs[i+1])
		}
	}
}
