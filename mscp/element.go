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

// RestoreMsg asks the MS to keep the messages of a connection: they are from
// FromURI to ToURI. See the paper, section 2.3.4. FromName is the sender's display
// name, "" if there is none, and FromAlso further URIs of the same user with blanks
// between them: attributes of ours, from-name and from-also, which the paper's dialect
// does not have.
type RestoreMsg struct{ FromURI, ToURI, ConnectionID, FromName, FromAlso string }

// MsgRestored says that the MS knows whose the connection's messages are.
type MsgRestored struct{ FromURI, ToURI, ConnectionID string }

// MsgNotRestored says why the MS will not keep the connection's messages.
type MsgNotRestored struct{ FromURI, ToURI, ConnectionID, Reason string }

// SendMsg asks the MS to deliver what it keeps from FromURI to ToURI over the
// connection. See the paper, section 2.3.4.
type SendMsg struct{ FromURI, ToURI, ConnectionID string }

// MsgSended says that everything was delivered.
type MsgSended struct{ FromURI, ToURI, ConnectionID string }

// MsgNotSended says why not everything was delivered; what was not is kept.
type MsgNotSended struct{ FromURI, ToURI, ConnectionID, Reason string }

// Other is an element that has no type of its own here. Space is its
// namespace; Attrs are its attributes without a namespace.
type Other struct {
	Space, Local string
	Attrs        map[string]string
	// XML is the whole element, as it was read. If it is there, it is what is written.
	XML *etree.Element
}

func (*RestoreMsg) elementName() string     { return "RestoreMsg" }
func (*MsgRestored) elementName() string    { return "MsgRestored" }
func (*MsgNotRestored) elementName() string { return "MsgNotRestored" }
func (*SendMsg) elementName() string        { return "SendMsg" }
func (*MsgSended) elementName() string      { return "MsgSended" }
func (*MsgNotSended) elementName() string   { return "MsgNotSended" }
func (o *Other) elementName() string        { return o.Local }

// attrFromName is the attribute of a sender's display name.
const attrFromName = "from-name"

// attrFromAlso is the attribute of a sender's other URIs.
const attrFromAlso = "from-also"

// extensionNames are the attributes of the offline-message elements, in the
// order in which they are written.
var extensionNames = [4]string{"from-uri", "to-uri", "connection-id", "reason"}

// An extensionElement is one of the offline-message elements.
type extensionElement interface {
	Element
	// fields are the values of extensionNames; nil for one that the element
	// does not have.
	fields() [4]*string
}

func (e *RestoreMsg) fields() [4]*string  { return [4]*string{&e.FromURI, &e.ToURI, &e.ConnectionID} }
func (e *MsgRestored) fields() [4]*string { return [4]*string{&e.FromURI, &e.ToURI, &e.ConnectionID} }
func (e *MsgNotRestored) fields() [4]*string {
	return [4]*string{&e.FromURI, &e.ToURI, &e.ConnectionID, &e.Reason}
}
func (e *SendMsg) fields() [4]*string   { return [4]*string{&e.FromURI, &e.ToURI, &e.ConnectionID} }
func (e *MsgSended) fields() [4]*string { return [4]*string{&e.FromURI, &e.ToURI, &e.ConnectionID} }
func (e *MsgNotSended) fields() [4]*string {
	return [4]*string{&e.FromURI, &e.ToURI, &e.ConnectionID, &e.Reason}
}

// newExtension makes the empty offline-message element of that name, or nil.
func newExtension(name string) extensionElement {
	switch name {
	case "RestoreMsg":
		return &RestoreMsg{}
	case "MsgRestored":
		return &MsgRestored{}
	case "MsgNotRestored":
		return &MsgNotRestored{}
	case "SendMsg":
		return &SendMsg{}
	case "MsgSended":
		return &MsgSended{}
	case "MsgNotSended":
		return &MsgNotSended{}
	}
	return nil
}

func isExtensionName(name string) bool {
	switch name {
	case "RestoreMsg", "MsgRestored", "MsgNotRestored", "SendMsg", "MsgSended", "MsgNotSended":
		return true
	}
	return false
}
