package mscp

import (
	"bytes"

	"github.com/beevik/etree"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// handled is an element as the API gives it to people: with the namespace declarations
// that it needs to stand alone in an mscp document, and without a parent. It is nil,
// with a finding, for what etree does not read.
func (r *reading) handled(n *xmltree.Node, fatal bool) *etree.Element {
	doc := etree.NewDocument()
	doc.ReadSettings.PreserveCData = true
	if err := doc.ReadFromBytes(n.Fragment(r.b, Namespace)); err != nil {
		r.note(n, fatal, "%s cannot be read as a tree: %v", shorten(n.Local), err)
		return nil
	}
	e := doc.Root()
	doc.RemoveChild(e)
	return e
}

// writeXML writes an element that people have made, or that was read. Whitespace in
// attributes is escaped, so that it is read as it was written.
func writeXML(b *bytes.Buffer, e *etree.Element) {
	e.WriteTo(b, &etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true})
}
