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

// offline are the three attributes of every element of the paper, and more.
func offline(more ...attrSpec) []attrSpec {
	return append([]attrSpec{
		{"from-uri", trimmed, true, ""},
		{"to-uri", trimmed, true, ""},
		{"connection-id", trimmed, true, ""},
	}, more...)
}

// offlineIDs are what the responses to the requests of the paper repeat.
var offlineIDs = []repeated{{"from-uri", "from-uri", true}, {"to-uri", "to-uri", true}, {"connection-id", "connection-id", true}}

var restoreMsgShape = shape{kind: Request, section: paperSection, own: true,
	attrs: offline(
		attrSpec{attrFromName, anyString, false, ""},
		attrSpec{attrFromAlso, anyString, false, ""},
	),
	responses: []string{"MsgRestored", "MsgNotRestored"},
	repeats:   offlineIDs,
}

func (e *RestoreMsg) shape() *shape { return &restoreMsgShape }
func (e *RestoreMsg) attr(i int) *string {
	return [...]*string{&e.FromURI, &e.ToURI, &e.ConnectionID, &e.FromName, &e.FromAlso}[i]
}

var sendMsgShape = shape{kind: Request, section: paperSection, own: true, attrs: offline(),
	responses: []string{"MsgSended", "MsgNotSended"},
	repeats:   offlineIDs,
}

func (e *SendMsg) shape() *shape      { return &sendMsgShape }
func (e *SendMsg) attr(i int) *string { return [...]*string{&e.FromURI, &e.ToURI, &e.ConnectionID}[i] }

// The shapes of what answers them.
var (
	offlineDoneShape   = shape{kind: Response, section: paperSection, own: true, attrs: offline()}
	offlineFailedShape = shape{kind: Response, section: paperSection, own: true, attrs: offline(attrSpec{"reason", trimmed, true, ""})}
)

func (e *MsgRestored) shape() *shape { return &offlineDoneShape }
func (e *MsgRestored) attr(i int) *string {
	return [...]*string{&e.FromURI, &e.ToURI, &e.ConnectionID}[i]
}

func (e *MsgNotRestored) shape() *shape { return &offlineFailedShape }
func (e *MsgNotRestored) attr(i int) *string {
	return [...]*string{&e.FromURI, &e.ToURI, &e.ConnectionID, &e.Reason}[i]
}

func (e *MsgSended) shape() *shape { return &offlineDoneShape }
func (e *MsgSended) attr(i int) *string {
	return [...]*string{&e.FromURI, &e.ToURI, &e.ConnectionID}[i]
}

func (e *MsgNotSended) shape() *shape { return &offlineFailedShape }
func (e *MsgNotSended) attr(i int) *string {
	return [...]*string{&e.FromURI, &e.ToURI, &e.ConnectionID, &e.Reason}[i]
}
