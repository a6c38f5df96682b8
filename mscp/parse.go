package mscp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// A reading is one document being understood.
type reading struct {
	b     []byte
	keep  bool
	bare  bool // the paper's form: no mscp, and elements without a namespace
	found []Finding
}

func parse(b []byte, o Options) (*Document, []Finding, error) {
	root, err := parseTree(b)
	if err != nil {
		return nil, nil, err
	}
	r := &reading{b: b, keep: o.KeepForeign}
	doc := r.document(root)
	return doc, r.found, nil
}

// note takes down a finding, up to MaxFindings of them.
func (r *reading) note(n *xmltree.Node, fatal bool, format string, args ...any) {
	if len(r.found) < MaxFindings {
		r.found = append(r.found, Finding{Offset: n.Offset, Rule: fmt.Sprintf(format, args...), Fatal: fatal})
	} else if fatal { // which must not get lost
		r.found[MaxFindings-1].Fatal = true
	}
}

func (r *reading) ours(n *xmltree.Node) bool {
	return n.Space == Namespace || r.bare && n.Space == ""
}

func (r *reading) document(root *xmltree.Node) *Document {
	if root.Local != "mscp" {
		r.bare = true
		r.note(root, false, "%s without mscp around it (section 3.2)", shorten(root.Local)) // [MSCP-3.2-2]
		return r.container(root)
	}
	if root.Space != Namespace {
		r.note(root, true, "mscp is not in the namespace %s (section 3.2)", Namespace) // [MSCP-3.2-2]
		return nil
	}
	if version, ok := root.Attr("version"); !ok {
		r.note(root, true, "mscp has no version (section 3.2)") // [MSCP-3.2-2]
	} else if version != "1.0" {
		r.note(root, true, "version %q is not 1.0 (section 3.2)", shorten(version)) // [MSCP-3.2-2]
	}
	r.unknownAttrs(root, "version")
	r.noText(root, true)
	var doc *Document
	var beside Foreign
	for _, kid := range root.Kids {
		switch {
		case kid.Space == "":
			r.note(kid, false, "%s has no namespace (section 3.3)", shorten(kid.Local))
		case !r.ours(kid): // [MSCP-3.3-3]
			r.keepElement(&beside, kid)
		case doc != nil:
			r.note(kid, true, "more than one element in mscp (section 3.2)") // [MSCP-3.2-3]
		default:
			if doc = r.container(kid); doc == nil {
				return nil
			}
		}
	}
	if doc == nil {
		r.note(root, true, "mscp is empty (section 3.2)") // [MSCP-3.2-3]
		return nil
	}
	r.keepAttrs(&beside, root)
	doc.Root = beside
	return doc
}

// container reads request, response or notification.
func (r *reading) container(n *xmltree.Node) *Document {
	doc := &Document{}
	for kind, name := range kindNames {
		if n.Local == name && name != "" {
			doc.Kind = Kind(kind)
		}
	}
	if doc.Kind == 0 || !r.ours(n) {
		r.note(n, true, "%s is none of request, response and notification (section 3.2)", shorten(n.Local)) // [MSCP-3.2-3]
		return nil
	}
	id, hasID := n.Attr("id")
	id = xmltree.Collapse(id) // [MSCP-8-1]
	switch {
	case hasID && doc.Kind == Notification: // [MSCP-3.2-9]
		r.note(n, false, "notification has an id (section 3.2)")
	case hasID && !isXMLID(id): // [MSCP-3.2-10]
		r.note(n, false, "id %q is no xsd:ID (section 8)", shorten(id))
	}
	doc.ID = id
	r.unknownAttrs(n, "id")
	r.status(doc, n)
	r.keepAttrs(&doc.Foreign, n)
	r.children(doc, n)
	return doc
}

// status takes our own attribute of a response from what is foreign.
func (r *reading) status(doc *Document, n *xmltree.Node) {
	if doc.Kind != Response {
		return
	}
	for i, a := range n.Attrs {
		if a.Space != ExtensionNamespace || a.Local != "status" {
			continue
		}
		status, err := strconv.Atoi(a.Value)
		if err == nil && status >= 100 && status <= 999 && a.Value == strconv.Itoa(status) {
			doc.Status = status
			n.Attrs = slices.Delete(n.Attrs, i, i+1)
		}
		return
	}
}

// children chooses the element that counts: one that is known, or else the
// only foreign one.
func (r *reading) children(doc *Document, n *xmltree.Node) {
	var foreign []*xmltree.Node
	for _, kid := range n.Kids {
		if !r.ours(kid) && r.creator(kid) == nil {
			foreign = append(foreign, kid)
			continue
		}
		if doc.Element != nil {
			r.note(kid, true, "more than one element in %s (section 3.2)", doc.Kind) // [MSCP-3.2-4]
			return
		}
		doc.Element = r.element(doc.Kind, kid)
	}
	if doc.Element == nil && len(foreign) > 0 {
		last := foreign[len(foreign)-1]
		doc.Element = r.other(last)
		foreign = foreign[:len(foreign)-1]
	}
	for _, kid := range foreign { // [MSCP-3.3-3]
		r.keepElement(&doc.Foreign, kid)
	}
	text := strings.TrimSpace(n.Text)
	switch {
	case doc.Element != nil:
		r.noText(n, true)
	case doc.Kind == Response:
		doc.Reason = text
		r.note(n, false, "response holds no element (sections 3.2, 8)") // [MSCP-3.2-4]
	default:
		r.note(n, true, "%s is empty (section 3.2)", doc.Kind) // [MSCP-3.2-4]
	}
}
