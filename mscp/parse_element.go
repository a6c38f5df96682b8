package mscp

import (
	"github.com/gomscp/gomscp/internal/xmltree"
)

var paperMisnamed = map[string]string{"connection-id": "connectionid"}

// misnamed are the names that the draft's own examples and text use in the
// place of those of its schema: they are taken for them. See section 6.2
// (dialog), section 6.3 (event) and sections 4.1, 4.2 and 5.3 (media). The paper's are
// written as the draft's, too.
var misnamed = map[string]map[string]string{
	"dialogexit": {"dialogid": "dialog"},
	"dialoguser": {"name": "event"},
	"stream":     {"type": "media"},

	"RestoreMsg": paperMisnamed, "MsgRestored": paperMisnamed, "MsgNotRestored": paperMisnamed,
	"SendMsg": paperMisnamed, "MsgSended": paperMisnamed, "MsgNotSended": paperMisnamed,
}

// creator is what makes the typed element of n's name: the draft's, the paper's in any
// of three namespaces, or ours. It is nil for what is foreign or not known.
func (r *reading) creator(n *xmltree.Node) func() typedElement {
	if n.Space == ExtensionNamespace && ownElements[n.Local] != nil {
		return ownElements[n.Local]
	}
	if n.Space == ExtensionNamespace || n.Space == Namespace || n.Space == "" {
		if create := paperElements[n.Local]; create != nil {
			return create
		}
	}
	if r.ours(n) {
		return draftElements[n.Local]
	}
	return nil
}

// respelled are the names of elements that the draft's text and examples have in the
// place of those of its schema, and where.
var respelled = map[string]struct{ name, section string }{
	"dialogterminatecomplete": {"dialogtransfercomplete", "4.8.2"},
	"error.dialog.notstarted": {"errordialognotstarted", "4.2"},
}

// element reads one element that counts: of the draft, of the paper, or of ours.
func (r *reading) element(kind Kind, n *xmltree.Node) Element {
	if right, ok := respelled[n.Local]; ok && r.ours(n) {
		r.note(n, false, "%s instead of %s (section %s)", n.Local, right.name, right.section)
		n.Local = right.name
	}
	create := r.creator(n)
	if create == nil {
		r.note(n, false, "%s is no element of the draft (section 8)", shorten(n.Local))
		return r.other(n)
	}
	e := create()
	s := e.shape()
	if s.kind != kind { // [MSCP-8-8]
		// Section 6.1 has dialogexit in a response. What a request must not
		// hold, the server refuses.
		where := "section 8"
		if s.own {
			where = s.section
		}
		r.note(n, false, "%s in a %s (%s)", n.Local, kind, where)
	}
	if s.own && n.Space != ExtensionNamespace {
		r.note(n, false, "%s is not in the namespace %s (section 3.3)", n.Local, ExtensionNamespace) // [MSCP-3.3-2]
	}
	r.typed(e, n)
	return e
}

// typed fills e from n and notes what is wrong. Broken rules are fatal in a request of the
// draft, which must not be carried out then; responses, notifications and elements of ours
// are taken as they are.
func (r *reading) typed(e typedElement, n *xmltree.Node) {
	s := e.shape()
	fatal := s.kind == Request && !s.own
	names, ref := make([]string, 0, 8), s.ref()
	for i := range s.attrs {
		names = append(names, s.attrs[i].name)
		*e.attr(i) = r.attribute(n, &s.attrs[i], ref, fatal, &names)
	}
	if t, ok := e.(typedAttrs); ok {
		names = append(names, s.typed...)
		t.readTyped(r, n)
	}
	r.unknownAttrs(n, names...)
	r.noText(n, false)
	d, ok := e.(draftElement)
	if !ok {
		return
	}
	p := d.parts()
	for _, kid := range n.Kids {
		r.part(s, p, n, kid, fatal)
	}
	r.keepAttrs(p.foreign, n)
	if s.rules == nil {
		return
	}
	for _, text := range s.rules(e, n) {
		r.note(n, fatal, "%s: %s", n.Local, text)
	}
}

func (r *reading) attribute(n *xmltree.Node, a *attrSpec, ref string, fatal bool, names *[]string) string {
	v, ok := n.Attr(a.name)
	if !ok {
		if wrong := misnamed[n.Local][a.name]; wrong != "" {
			if v, ok = n.Attr(wrong); ok {
				*names = append(*names, wrong)
				r.note(n, false, "%s has %s instead of %s (%s)", n.Local, wrong, a.name, ref)
			}
		}
	}
	if !ok {
		if a.required {
			r.note(n, fatal, "%s has no %s (%s)", n.Local, a.name, ref) // [MSCP-8-6]
		}
		return ""
	}
	read := v
	v = a.of.value(v)
	if a.of.trim && v != read {
		r.note(n, false, "%s of %s has blanks around it (%s)", a.name, n.Local, ref)
	}
	if wrong := a.of.check(v); wrong != "" {
		r.note(n, fatal, "%s of %s %s (%s)", a.name, n.Local, wrong, ref)
	}
	return v
}

// part reads one child of an element of the draft.
func (r *reading) part(s *shape, p parts, n, kid *xmltree.Node, fatal bool) {
	switch {
	case !r.ours(kid): // [MSCP-3.3-3]
		r.keepElement(p.foreign, kid)
	case kid.Local == "namelist" && p.namelist != nil:
		r.items(kid, p.namelist, s, p.foreign, fatal)
	case kid.Local == "subscribe" && p.subscribe != nil:
		r.items(kid, p.subscribe, s, p.foreign, fatal)
	case kid.Local == "stream" && p.streams != nil:
		r.stream(kid, p.streams, s.ref(), fatal)
	case kid.Local == "src" && p.script != nil:
		r.script(kid, s, p, fatal)
	default:
		r.note(kid, fatal, "%s in %s (section 8)", shorten(kid.Local), n.Local) // [MSCP-3.3-4]
	}
}

func (r *reading) items(n *xmltree.Node, items *[]Item, s *shape, foreign *Foreign, fatal bool) {
	if *items != nil { // [MSCP-4.1-11]
		r.note(n, false, "%s twice (section %s)", n.Local, s.section)
	}
	r.unknownAttrs(n)
	r.noText(n, false)
	inside := foreign.Inside[n.Local]
	for _, kid := range n.Kids {
		switch {
		case !r.ours(kid): // [MSCP-3.3-3]
			r.keepElement(&inside, kid)
		case kid.Local == "item":
			*items = append(*items, r.item(kid, s.section, fatal))
		default:
			r.note(kid, fatal, "%s in %s (section 8)", shorten(kid.Local), n.Local)
		}
	}
	if len(*items) == 0 {
		r.note(n, false, "%s without an item (section %s)", n.Local, s.section) // [MSCP-4.1-10]
		return                                                                  // it is not written, so neither is what is foreign in it
	}
	r.keepAttrs(&inside, n)
	foreign.keepInside(n.Local, inside)
}

func (r *reading) item(n *xmltree.Node, section string, fatal bool) (it Item) {
	for _, a := range []struct {
		name  string
		value *string
	}{{"name", &it.Name}, {"value", &it.Value}} {
		v, ok := n.Attr(a.name)
		if !ok {
			r.note(n, fatal, "item has no %s (section %s)", a.name, section) // [MSCP-4.1-10]
		}
		*a.value = v
	}
	r.unknownAttrs(n, "name", "value")
	r.leaf(&it.Foreign, n, fatal)
	return it
}

var streamAttrs = []attrSpec{{"type", media, true, ""}, {"direction", direction, true, ""}}

func (r *reading) stream(n *xmltree.Node, streams *[]Stream, ref string, fatal bool) {
	var s Stream
	var names []string
	for i, value := range []*string{&s.Type, &s.Direction} {
		names = append(names, streamAttrs[i].name)
		*value = r.attribute(n, &streamAttrs[i], ref, fatal, &names)
	}
	r.unknownAttrs(n, names...)
	r.leaf(&s.Foreign, n, fatal)
	*streams = append(*streams, s)
}

// leaf reads an element that holds nothing but what is foreign.
func (r *reading) leaf(f *Foreign, n *xmltree.Node, fatal bool) {
	r.noText(n, false)
	r.keepAttrs(f, n)
	for _, kid := range n.Kids {
		if r.ours(kid) {
			r.note(kid, fatal, "%s in %s (section 8)", shorten(kid.Local), n.Local)
			continue
		}
		r.keepElement(f, kid) // [MSCP-3.3-3]
	}
}

// keepInside keeps what is foreign in a child that has no type of its own.
func (f *Foreign) keepInside(name string, inside Foreign) {
	if inside.Attrs == nil && inside.Elements == nil {
		return
	}
	if f.Inside == nil {
		f.Inside = map[string]Foreign{}
	}
	f.Inside[name] = inside
}

// script keeps the inline document of a src element as it is.
func (r *reading) script(n *xmltree.Node, s *shape, p parts, fatal bool) {
	r.unknownAttrs(n)
	if *p.script != nil {
		r.note(n, fatal, "src twice (section %s)", s.section) // [MSCP-4.1-11]
	}
	if len(n.Kids) != 1 {
		r.note(n, fatal, "src holds %d elements, not one (section 8)", len(n.Kids)) // [MSCP-8-10]
	}
	r.noText(n, fatal)
	if len(n.Kids) == 0 {
		return
	}
	if n.Kids[0].Space == Namespace {
		r.note(n.Kids[0], fatal, "the script is in the draft's namespace (section 8)")
	}
	*p.script = r.handled(n.Kids[0], fatal)
	var inside Foreign
	r.keepAttrs(&inside, n)
	p.foreign.keepInside(n.Local, inside)
}
