package mscp

import "github.com/beevik/etree"

// Namespace is the namespace of the draft's elements. See section 3.2.
const Namespace = "urn:ietf:mscp"

// ExtensionNamespace is that of the offline-message elements.
const ExtensionNamespace = "urn:x-mscp:offline-message:1"

// ContentType is the media type of a document. See section 3.2.
const ContentType = "application/mscp+xml"

// An Element is what a request, response or notification holds.
type Element interface {
	// elementName is the name of the XML element.
	elementName() string
}

// Name is the name of the XML element that e is written as.
func Name(e Element) string {
	if e == nil {
		return "nothing"
	}
	return e.elementName()
}

// Other is an element that has no type of its own here. Space is its
// namespace; Attrs are its attributes without a namespace.
type Other struct {
	Space, Local string
	Attrs        map[string]string
	// XML is the whole element, as it was read. If it is there, it is what is written.
	XML *etree.Element
}

func (o *Other) elementName() string { return o.Local }
