package mscp

// The elements of the paper, section 2.3.4, which are read bare, too.

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

func (*RestoreMsg) elementName() string     { return "RestoreMsg" }
func (*MsgRestored) elementName() string    { return "MsgRestored" }
func (*MsgNotRestored) elementName() string { return "MsgNotRestored" }
func (*SendMsg) elementName() string        { return "SendMsg" }
func (*MsgSended) elementName() string      { return "MsgSended" }
func (*MsgNotSended) elementName() string   { return "MsgNotSended" }

// attrFromName is the attribute of a sender's display name, and attrFromAlso that of a
// sender's other URIs. They are ours.
const (
	attrFromName = "from-name"
	attrFromAlso = "from-also"
)

// paperElements makes every element of the paper by its name.
var paperElements = map[string]func() typedElement{
	"RestoreMsg":     func() typedElement { return &RestoreMsg{} },
	"MsgRestored":    func() typedElement { return &MsgRestored{} },
	"MsgNotRestored": func() typedElement { return &MsgNotRestored{} },
	"SendMsg":        func() typedElement { return &SendMsg{} },
	"MsgSended":      func() typedElement { return &MsgSended{} },
	"MsgNotSended":   func() typedElement { return &MsgNotSended{} },
}

// paperSection is where the elements of the paper are specified.
const paperSection = "paper, 2.3.4"

// offline is the shape of an element with the three attributes of the paper.
func offline(kind Kind, from, to, connection *string, more ...attrSpec) shape {
	attrs := make([]attrSpec, 0, 3+len(more))
	attrs = append(attrs, attrSpec{"from-uri", from, trimmed, true, ""}, attrSpec{"to-uri", to, trimmed, true, ""},
		attrSpec{"connection-id", connection, trimmed, true, ""})
	return shape{kind: kind, section: paperSection, own: true, attrs: append(attrs, more...)}
}

// What answers the requests of the paper.
var (
	restoreResponses = []string{"MsgRestored", "MsgNotRestored"}
	sendResponses    = []string{"MsgSended", "MsgNotSended"}
	offlineIDs       = []repeated{{"from-uri", "from-uri", true}, {"to-uri", "to-uri", true}, {"connection-id", "connection-id", true}}
)

func (e *RestoreMsg) shape() shape {
	s := offline(Request, &e.FromURI, &e.ToURI, &e.ConnectionID,
		attrSpec{attrFromName, &e.FromName, anyString, false, ""},
		attrSpec{attrFromAlso, &e.FromAlso, anyString, false, ""})
	s.responses, s.repeats = restoreResponses, offlineIDs
	return s
}

func (e *MsgRestored) shape() shape {
	return offline(Response, &e.FromURI, &e.ToURI, &e.ConnectionID)
}

func (e *MsgNotRestored) shape() shape {
	return offline(Response, &e.FromURI, &e.ToURI, &e.ConnectionID, attrSpec{"reason", &e.Reason, trimmed, true, ""})
}

func (e *SendMsg) shape() shape {
	s := offline(Request, &e.FromURI, &e.ToURI, &e.ConnectionID)
	s.responses, s.repeats = sendResponses, offlineIDs
	return s
}

func (e *MsgSended) shape() shape {
	return offline(Response, &e.FromURI, &e.ToURI, &e.ConnectionID)
}

func (e *MsgNotSended) shape() shape {
	return offline(Response, &e.FromURI, &e.ToURI, &e.ConnectionID, attrSpec{"reason", &e.Reason, trimmed, true, ""})
}
