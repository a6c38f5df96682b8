package mscp

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// Options are how a document is read. The zero value reads leniently and
// drops what is foreign.
type Options struct {
	// Strict refuses a document with any finding.
	Strict bool
	// KeepForeign keeps attributes and elements of other namespaces beside
	// those of the draft, so that they survive being written again.
	KeepForeign bool
}

// A Finding is one broken rule of a document.
type Finding struct {
	Offset    int64 // in bytes
	Line, Col int   // from 1; Col in bytes
	Rule      string
	// Fatal findings refuse the document in lenient reading, too.
	Fatal bool
}

func (f Finding) String() string {
	if f.Line == 0 { // it has no place
		return f.Rule
	}
	return fmt.Sprintf("%d:%d: %s", f.Line, f.Col, f.Rule)
}

// A ValidationError holds everything that is wrong with a document.
type ValidationError struct{ Findings []Finding }

func (e *ValidationError) Error() string {
	var texts []string
	for _, f := range e.Findings {
		texts = append(texts, f.String())
	}
	return "mscp: " + strings.Join(texts, "; ")
}

// ParseDocument reads one document leniently. Errors are *ParseError.
func ParseDocument(b []byte) (*Document, error) { return ParseWith(b, Options{}) }

// ParseWith reads one document. Errors are *ParseError; in strict reading
// *ValidationError where the document could be read, but breaks rules.
func ParseWith(b []byte, o Options) (*Document, error) {
	doc, err := parsePartly(b, o)
	if err != nil {
		return nil, err
	}
	return doc, nil
}

// parsePartly is ParseWith, and returns with an error as much of the document
// as could be read, or nil.
func parsePartly(b []byte, o Options) (*Document, error) {
	doc, found, err := parse(b, o)
	if err != nil {
		return nil, err
	}
	if o.Strict && len(found) > 0 {
		locate(b, found)
		return doc, &ValidationError{found}
	}
	for _, f := range found {
		if f.Fatal { // [MSCP-3.3-5]
			return doc, &ParseError{f.Offset, f.Rule}
		}
	}
	return doc, nil
}

// Validate lists every rule that a document breaks, in the order of the
// elements. What is not well-formed XML, or over a limit, is one finding.
func Validate(b []byte) []Finding {
	_, found, err := parse(b, Options{})
	if p, ok := err.(*ParseError); ok {
		found = []Finding{{Offset: p.Offset, Rule: p.Rule, Fatal: true}}
	}
	locate(b, found)
	return found
}

func locate(b []byte, found []Finding) {
	for i := range found {
		before := b[:min(int(found[i].Offset), len(b))]
		found[i].Line = 1 + bytes.Count(before, []byte("\n"))
		found[i].Col = len(before) - bytes.LastIndexByte(before, '\n')
	}
}

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
		if !r.known(kid) {
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

// known reports whether the element counts: it is the draft's or the paper's.
func (r *reading) known(n *xmltree.Node) bool {
	return r.ours(n) || r.isExtension(n) || isInventory(n) || n.Is(ExtensionNamespace, "RequestFailed")
}

func (r *reading) isExtension(n *xmltree.Node) bool {
	if n.Space != ExtensionNamespace && n.Space != Namespace && n.Space != "" {
		return false
	}
	return isExtensionName(n.Local)
}

// element reads one known element.
func (r *reading) element(kind Kind, n *xmltree.Node) Element {
	if r.isExtension(n) {
		return r.extension(kind, n)
	}
	if isInventory(n) {
		return r.inventory(kind, n)
	}
	if n.Is(ExtensionNamespace, "RequestFailed") {
		return r.requestFailed(kind, n)
	}
	name := n.Local
	if name == "dialogterminatecomplete" { // as the text of section 4.8.2 has it
		name = "dialogtransfercomplete"
		r.note(n, false, "dialogterminatecomplete instead of dialogtransfercomplete (section 4.8.2)")
	}
	if name == "error.dialog.notstarted" { // as an example of section 4.2 has it
		name = "errordialognotstarted"
		r.note(n, false, "error.dialog.notstarted instead of errordialognotstarted (section 4.2)")
	}
	e := newDraftElement(name)
	if e == nil {
		r.note(n, false, "%s is no element of the draft (section 8)", shorten(n.Local))
		return r.other(n)
	}
	s := e.shape()
	if s.kind != kind { // [MSCP-8-8]
		// Section 6.1 has dialogexit in a response. What a request must not
		// hold, the server refuses.
		r.note(n, false, "%s in a %s (section 8)", name, kind)
	}
	r.draft(e, s, n)
	return e
}

func (r *reading) requestFailed(kind Kind, n *xmltree.Node) Element {
	reason, ok := n.Attr("reason")
	if !ok {
		r.note(n, false, "RequestFailed has no reason (section 7.2.4)")
	}
	if kind != Response {
		r.note(n, false, "RequestFailed in a %s (section 7.2.4)", kind)
	}
	r.unknownAttrs(n, "reason")
	r.noText(n, false)
	return &RequestFailed{Reason: reason}
}

func (r *reading) other(n *xmltree.Node) *Other {
	o := &Other{Space: n.Space, Local: n.Local, Attrs: map[string]string{}, XML: r.handled(n, true)}
	for _, a := range n.Attrs {
		if a.Space == "" {
			o.Attrs[a.Local] = strings.TrimSpace(a.Value)
		}
	}
	return o
}

// extension reads an element of the paper, in any of three namespaces: ours,
// the draft's, which a bare one inside mscp inherits, and none.
func (r *reading) extension(kind Kind, n *xmltree.Node) Element {
	if n.Space != ExtensionNamespace {
		r.note(n, false, "%s is not in the namespace %s (section 3.3)", n.Local, ExtensionNamespace) // [MSCP-3.3-2]
	}
	e := newExtension(n.Local)
	names := make([]string, 0, len(extensionNames)+1)
	for i, value := range e.fields() {
		if value == nil {
			continue
		}
		name := extensionNames[i]
		v, ok := n.Attr(name)
		if name == "connection-id" && !ok {
			if v, ok = n.Attr("connectionid"); ok {
				r.note(n, false, "%s has connectionid instead of connection-id (paper, 2.3.4)", n.Local)
				name = "connectionid"
			}
		}
		names = append(names, name)
		if *value = strings.TrimSpace(v); *value != v {
			r.note(n, false, "%s of %s has blanks around it (paper, 2.3.4)", name, n.Local)
		}
		if !ok {
			r.note(n, false, "%s has no %s (paper, 2.3.4)", n.Local, name)
		}
	}
	if m, ok := e.(*RestoreMsg); ok {
		m.FromName, _ = n.Attr(attrFromName)
		m.FromAlso, _ = n.Attr(attrFromAlso)
		names = append(names, attrFromName, attrFromAlso)
	}
	if (kind == Request) != isRequest(e) {
		r.note(n, false, "%s in a %s (paper, 2.3.4)", n.Local, kind)
	}
	r.unknownAttrs(n, names...)
	return e
}

// unknownAttrs notes attributes without a namespace that the element does not
// have; they are ignored.
func (r *reading) unknownAttrs(n *xmltree.Node, names ...string) {
next:
	for _, a := range n.Attrs {
		if a.Space != "" && a.Space != Namespace {
			continue // [MSCP-3.3-3]
		}
		for _, name := range names {
			if a.Local == name {
				continue next
			}
		}
		r.note(n, false, "%s has no attribute %s (section 8)", shorten(n.Local), shorten(a.Local)) // [MSCP-8-7]
	}
}

func (r *reading) noText(n *xmltree.Node, fatal bool) {
	if strings.TrimSpace(n.Text) != "" {
		r.note(n, fatal, "text in %s (section 8)", shorten(n.Local)) // [MSCP-8-9]
	}
}

// keepAttrs keeps n's attributes of other namespaces in f, if that is wanted.
func (r *reading) keepAttrs(f *Foreign, n *xmltree.Node) {
	for _, a := range n.Attrs {
		if r.keep && a.Space != "" && a.Space != Namespace {
			f.Attrs = append(f.Attrs, ForeignAttr(a))
		}
	}
}

// keepElement keeps an element of another namespace in f, if that is wanted.
func (r *reading) keepElement(f *Foreign, n *xmltree.Node) {
	if n.Space == "" {
		r.note(n, false, "%s has no namespace (section 3.3)", shorten(n.Local))
	}
	if r.keep {
		if e := r.handled(n, false); e != nil {
			f.Elements = append(f.Elements, e)
		}
	}
}

// isXMLID reports whether s is an xsd:ID, of ASCII or beyond.
func isXMLID(s string) bool {
	for i, c := range s {
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0xC0
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9') && c != 0xB7) {
			return false
		}
	}
	return s != ""
}
