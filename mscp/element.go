package mscp

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
// FromURI to ToURI. See the paper, section 2.3.4.
type RestoreMsg struct{ FromURI, ToURI, ConnectionID string }

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
	// XML is the element as it was read. If it is there, it is what is written.
	XML Fragment
}

func (*RestoreMsg) elementName() string     { return "RestoreMsg" }
func (*MsgRestored) elementName() string    { return "MsgRestored" }
func (*MsgNotRestored) elementName() string { return "MsgNotRestored" }
func (*SendMsg) elementName() string        { return "SendMsg" }
func (*MsgSended) elementName() string      { return "MsgSended" }
func (*MsgNotSended) elementName() string   { return "MsgNotSended" }
func (o *Other) elementName() string        { return o.Local }

// extension makes the offline-message element of that name, or nil.
func extension(name string, attr func(string) string) Element {
	from, to := attr("from-uri"), attr("to-uri")
	id := attr("connection-id")
	if id == "" {
		id = attr("connectionid")
	}
	switch name {
	case "RestoreMsg":
		return &RestoreMsg{from, to, id}
	case "MsgRestored":
		return &MsgRestored{from, to, id}
	case "MsgNotRestored":
		return &MsgNotRestored{from, to, id, attr("reason")}
	case "SendMsg":
		return &SendMsg{from, to, id}
	case "MsgSended":
		return &MsgSended{from, to, id}
	case "MsgNotSended":
		return &MsgNotSended{from, to, id, attr("reason")}
	}
	return nil
}

// An attribute is written in this order.
type attribute struct{ name, value string }

// extensionAttrs are the attributes of an offline-message element; ok is false
// for any other.
func extensionAttrs(e Element) (attrs []attribute, ok bool) {
	three := func(from, to, id string, more ...attribute) ([]attribute, bool) {
		return append([]attribute{{"from-uri", from}, {"to-uri", to}, {"connection-id", id}}, more...), true
	}
	switch e := e.(type) {
	case *RestoreMsg:
		return three(e.FromURI, e.ToURI, e.ConnectionID)
	case *MsgRestored:
		return three(e.FromURI, e.ToURI, e.ConnectionID)
	case *MsgNotRestored:
		return three(e.FromURI, e.ToURI, e.ConnectionID, attribute{"reason", e.Reason})
	case *SendMsg:
		return three(e.FromURI, e.ToURI, e.ConnectionID)
	case *MsgSended:
		return three(e.FromURI, e.ToURI, e.ConnectionID)
	case *MsgNotSended:
		return three(e.FromURI, e.ToURI, e.ConnectionID, attribute{"reason", e.Reason})
	}
	return nil, false
}
