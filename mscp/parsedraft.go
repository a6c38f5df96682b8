package mscp

import "strings"

// misnamed are the names that the draft's own examples and text use in the
// place of those of its schema: they are taken for them. See section 6.2
// (dialog), section 6.3 (event) and sections 4.1, 4.2 and 5.3 (media).
var misnamed = map[string]map[string]string{
	"dialogexit": {"dialogid": "dialog"},
	"dialoguser": {"name": "event"},
	"stream":     {"type": "media"},
}

// draft fills e from n and notes what is wrong. Broken rules are fatal in a
// request, which must not be carried out then; responses and notifications are
// taken as they are.
func (r *reading) draft(e draftElement, s shape, n *node) {
	fatal := s.kind == Request
	var names []string
	for _, a := range s.attrs {
		names = append(names, a.name)
		*a.value = r.attribute(n, a, s.section, fatal, &names)
	}
	r.unknownAttrs(n, names...)
	r.noText(n, false)
	for _, kid := range n.kids {
		r.part(s, n, kid, fatal)
	}
	if r.keep {
		s.foreign.Attrs = foreignAttrs(n)
	}
	for _, text := range rules(e) {
		r.note(n, fatal, "%s: %s", n.local, text)
	}
}

func (r *reading) attribute(n *node, a attrSpec, section string, fatal bool, names *[]string) string {
	v, ok := n.attr(a.name)
	if wrong := misnamed[n.local][a.name]; !ok && wrong != "" {
		if v, ok = n.attr(wrong); ok {
			*names = append(*names, wrong)
			r.note(n, false, "%s has %s instead of %s (section 8)", n.local, wrong, a.name)
		}
	}
	if !ok {
		if a.required {
			r.note(n, fatal, "%s has no %s (section %s)", n.local, a.name, section)
		}
		return ""
	}
	if t := strings.TrimSpace(v); t != v {
		r.note(n, false, "%s of %s has blanks around it (section %s)", a.name, n.local, section)
		v = t
	}
	if wrong := a.check(v); wrong != "" {
		r.note(n, fatal, "%s of %s %s (section %s)", a.name, n.local, wrong, section)
	}
	return v
}

// part reads one child of an element of the draft.
func (r *reading) part(s shape, n, kid *node, fatal bool) {
	switch {
	case !r.ours(kid):
		if kid.space == "" {
			r.note(kid, false, "%s has no namespace (section 3.3)", shorten(kid.local))
		}
		if r.keep { // [MSCP-3.3-3]
			s.foreign.Elements = append(s.foreign.Elements, kid.fragment(r.b))
		}
	case kid.local == "namelist" && s.namelist != nil:
		r.items(kid, s.namelist, s.section, fatal)
	case kid.local == "subscribe" && s.subscribe != nil:
		r.items(kid, s.subscribe, s.section, fatal)
	case kid.local == "stream" && s.streams != nil:
		r.stream(kid, s.streams, s.section, fatal)
	case kid.local == "src" && s.script != nil:
		r.script(kid, s.script, s.section, fatal)
	default:
		r.note(kid, fatal, "%s in %s (section 8)", shorten(kid.local), n.local) // [MSCP-3.3-4]
	}
}

func (r *reading) items(n *node, items *[]Item, section string, fatal bool) {
	if *items != nil {
		r.note(n, false, "%s twice (section %s)", n.local, section)
	}
	r.unknownAttrs(n)
	for _, kid := range n.kids {
		if !r.ours(kid) {
			continue // [MSCP-3.3-3]
		}
		if kid.local != "item" {
			r.note(kid, fatal, "%s in %s (section 8)", shorten(kid.local), n.local)
			continue
		}
		var it Item
		for _, a := range []attrSpec{{"name", &it.Name, anyString, true, ""}, {"value", &it.Value, anyString, true, ""}} {
			v, ok := kid.attr(a.name)
			if !ok {
				r.note(kid, fatal, "item has no %s (section %s)", a.name, section)
			}
			*a.value = v
		}
		r.unknownAttrs(kid, "name", "value")
		*items = append(*items, it)
	}
	if len(*items) == 0 {
		r.note(n, false, "%s without an item (section %s)", n.local, section)
	}
}

func (r *reading) stream(n *node, streams *[]Stream, section string, fatal bool) {
	var s Stream
	var names []string
	for _, a := range []attrSpec{{"type", &s.Type, media, true, ""}, {"direction", &s.Direction, direction, true, ""}} {
		names = append(names, a.name)
		*a.value = r.attribute(n, a, section, fatal, &names)
	}
	r.unknownAttrs(n, names...)
	*streams = append(*streams, s)
}

// script keeps the inline document of a src element as it is.
func (r *reading) script(n *node, script *Fragment, section string, fatal bool) {
	r.unknownAttrs(n)
	if *script != nil {
		r.note(n, fatal, "src twice (section %s)", section)
	}
	if len(n.kids) != 1 {
		r.note(n, fatal, "src holds %d elements, not one (section 8)", len(n.kids))
	}
	r.noText(n, fatal)
	if len(n.kids) == 0 {
		return
	}
	if n.kids[0].space == Namespace {
		r.note(n.kids[0], fatal, "the script is in the draft's namespace (section 8)")
	}
	*script = n.kids[0].fragment(r.b)
}
