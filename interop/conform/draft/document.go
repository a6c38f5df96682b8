package draft

import (
	"fmt"
	"slices"
	"strings"
)

// A Doc is a document with its findings.
type Doc struct {
	Root      *Element // nil if it is not well-formed
	Container string   // request, response or notification; "" if there is none
	ID        string   // the id of the container
	HasID     bool
	Element   *Element // the content of the container; nil if that is not one element
	Findings  []Finding
}

// Document reads a document and checks it against the schema of section 8 and the further
// rules of sections 3 to 5.
func Document(body []byte) *Doc {
	d := &Doc{}
	f := &findings{}
	root, err := parse(body)
	if err != nil {
		f.add("3.2", "all messages are XML documents in UTF-8", "the document is not well-formed: %v", err)
		d.Findings = f.list
		return d
	}
	d.Root = root
	if root.Name != "mscp" || root.Space != Namespace {
		f.add("3.2", "the top-level element is mscp in the namespace "+Namespace, "it is %s in %q", root.Name, root.Space)
	} else {
		element(root, f)
	}
	if len(root.Elements) == 1 && root.Elements[0].Space == Namespace {
		d.contain(root.Elements[0])
	}
	d.Findings = f.list
	return d
}

// contain takes the container.
func (d *Doc) contain(c *Element) {
	switch c.Name {
	case "request", "response", "notification":
		d.Container = c.Name
		d.ID, d.HasID = c.Attribute("id")
		if len(c.Elements) == 1 {
			d.Element = c.Elements[0]
		}
	}
}

const schemaRule = "the schema of MSCP messages"

// element judges an element of the draft's namespace, and what is in it.
func element(e *Element, f *findings) {
	decl, ok := schema[e.Name]
	if !ok {
		f.add("8", schemaRule, "there is no element %s", e.Name)
		return
	}
	for _, a := range e.Attributes {
		is, ok := decl.attributes[a.Name.Local]
		switch {
		case a.Name.Space == Namespace:
			f.add("8", schemaRule, "%s has an attribute %s with the namespace of MSCP, which no attribute has", e.Name, a.Name.Local)
		case a.Name.Space != "":
		case !ok:
			f.add("8", schemaRule, "%s has no attribute %s", e.Name, a.Name.Local)
		default:
			if wrong := is.is(a.Value); wrong != "" {
				f.add("8", schemaRule, "%s of %s, %q, %s", a.Name.Local, e.Name, a.Value, wrong)
			}
		}
	}
	for _, name := range sorted(decl.attributes) {
		if _, there := e.Attribute(name); decl.attributes[name].required && !there {
			f.add("8", schemaRule, "%s lacks %s, which is mandatory", e.Name, name)
		}
	}
	children(e, decl.content, f)
	prose(e, f)
}

func sorted(m map[string]attribute) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// children judges what is within an element.
func children(e *Element, c content, f *findings) {
	if text := e.Text; strings.Trim(text, " \t\r\n") != "" || text != "" && c == (content{}) {
		f.add("8", schemaRule, "%s holds text, %.60q", e.Name, text)
	}
	if c.one && len(e.Elements) != 1 {
		f.add("8", schemaRule, "%s holds %d elements, not exactly one", e.Name, len(e.Elements))
	}
	for _, child := range e.Elements {
		switch {
		case child.Space == "":
			f.add("8", schemaRule, "%s in %s has no namespace", child.Name, e.Name)
		case child.Space != Namespace:
			if !c.foreign {
				f.add("8", schemaRule, "%s may not hold %s of the namespace %s", e.Name, child.Name, child.Space)
			}
			papers(e, child, f)
		default:
			if !slices.Contains(strings.Fields(c.elements), child.Name) {
				f.add("8", schemaRule, "%s may not hold %s", e.Name, child.Name)
			}
			element(child, f)
		}
	}
}

// papers judges an element that the paper adds.
func papers(container, e *Element, f *findings) {
	want, known := paper[e.Name]
	if e.Space != PaperNamespace || !known {
		return
	}
	const rule = "the paper's messages, its section 2.3.4"
	if container.Name != want {
		f.add("3.2", rule, "%s is in a %s", e.Name, container.Name)
	}
	for _, name := range []string{"from-uri", "to-uri", "connection-id"} {
		if e.Get(name) == "" {
			f.add("3.2", rule, "%s lacks %s", e.Name, name)
		}
	}
	if strings.HasPrefix(e.Name, "MsgNot") && e.Get("reason") == "" {
		f.add("3.2", rule, "%s lacks a reason", e.Name)
	}
}

// prose judges what sections 4 and 5 say of an element and the schema does not.
func prose(e *Element, f *findings) {
	has := func(name string) bool { _, ok := e.Attribute(name); return ok }
	holds := func(name string) bool {
		return slices.ContainsFunc(e.Elements, func(c *Element) bool { return c.Space == Namespace && c.Name == name })
	}
	if has("connectionid") && has("conferenceid") {
		f.add("4", "only one of connectionid and conferenceid may be specified", "%s has both", e.Name)
	}
	switch e.Name {
	case "dialogstarted":
		if !has("connectionid") && !has("conferenceid") {
			f.add("4.2", "exactly one of connectionid and conferenceid is specified", "dialogstarted has neither")
		}
	case "dialogprepare":
		if has("src") == holds("src") {
			f.add("4.1", "exactly one of the attribute and the element src is specified", "dialogprepare has both or neither")
		}
	case "dialogstart":
		started(has, holds, f)
	case "createconference":
		mixed(e, f)
	case "namelist", "subscribe":
		if !holds("item") {
			f.add("4", e.Name+" contains one or more items", "%s contains none", e.Name)
		}
	}
	if r, ok := e.Attribute("reason"); ok && strings.HasPrefix(e.Name, "error") && strings.TrimSpace(r) == "" {
		f.add("4", "reason says why, and is mandatory", "the reason of %s is empty", e.Name)
	}
}

// started judges a dialogstart.
func started(has, holds func(string) bool, f *findings) {
	if has("src") && holds("src") {
		f.add("4.2", "it is an error to specify both the attribute and the element src", "dialogstart has both")
	}
	if !has("prepareddialogid") {
		if !has("src") && !holds("src") {
			f.add("4.2", "a dialog has a document", "dialogstart has neither src nor prepareddialogid")
		}
		if !has("connectionid") && !has("conferenceid") {
			f.add("4.2", "it is an error if neither connectionid nor conferenceid is specified", "dialogstart has neither")
		}
		return
	}
	for _, name := range []string{"src", "type", "maxage", "maxstale", "enctype", "method"} {
		if has(name) {
			f.add("4.2", "with prepareddialogid, "+name+" must not be specified", "it is")
		}
	}
	for _, name := range []string{"src", "namelist", "subscribe", "stream"} {
		if holds(name) {
			f.add("4.2", "with prepareddialogid, the element "+name+" must not be specified", "it is")
		}
	}
}

// mixed judges the policies of a conference with video. See section 5.1.
func mixed(e *Element, f *findings) {
	media := collapse(e.Get("reservedmedia"))
	if media != "video" && media != "audiovideo" {
		return
	}
	audio, video := collapse(e.Get("audiomixingpolicy")), collapse(e.Get("videomixingpolicy"))
	if audio == "" {
		f.add("5.1", "with video, audiomixingpolicy must be specified", "createconference lacks it")
	}
	if (audio == "manual") != (video == "manual") {
		f.add("5.1", "with video, both mixing policies are manual or neither is", "they are %q and %q", audio, video)
	}
}

// As checks that a document is valid in a PDU of that kind: it must have the container of
// that kind. See sections 3.2 and 7.2.3 to 7.2.5.
func (d *Doc) As(kind Kind) []Finding {
	if d.Root == nil || d.Container == kind.String() {
		return d.Findings
	}
	rule := fmt.Sprintf("a %s is carried by its own kind of message", kind)
	return append(slices.Clone(d.Findings), Finding{"3.2", rule, fmt.Sprintf("the document of a %s holds %q", kind, d.Container)})
}
