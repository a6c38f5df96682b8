package mscp

import (
	"strings"

	"github.com/gomscp/gomscp/internal/xmltree"
)

func (r *reading) other(n *xmltree.Node) *Other {
	o := &Other{Space: n.Space, Local: n.Local, Attrs: map[string]string{}, XML: r.handled(n, true)}
	for _, a := range n.Attrs {
		if a.Space == "" {
			o.Attrs[a.Local] = strings.TrimSpace(a.Value)
		}
	}
	return o
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
