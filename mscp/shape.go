package mscp

import (
	"bytes"

	"github.com/beevik/etree"

	"github.com/gomscp/gomscp/internal/xmltree"
)

// An Item is a name and a value of a namelist or a subscribe element. See
// section 4.1.
type Item struct {
	Name, Value string
	Foreign
}

// A Stream is a direction of media flow. See sections 4.1 and 5.3.
type Stream struct {
	Type      string // audio, video or audiovideo
	Direction string // transmit, receive or both
	Foreign
}

// A ForeignAttr is an attribute; Space is its namespace, where an etree.Attr would have
// a prefix.
type ForeignAttr struct{ Space, Local, Value string }

// Foreign is what an element has of other namespaces than the draft's. It is
// read only where [Options].KeepForeign asks for it. See section 3.3.
type Foreign struct {
	Attrs    []ForeignAttr
	Elements []*etree.Element // each declares the prefixes that it uses
	// Inside is what the element's namelist, subscribe and src have, by their
	// names, since these have no types of their own.
	Inside map[string]Foreign
}

// A shape is the row of one kind of element in the table of this package: which attributes
// it has, which rules, and what answers it. There is one for each kind, made once.
type shape struct {
	kind    Kind
	section string // of the draft, or what ref returns for an element of ours
	own     bool   // of ExtensionNamespace
	attrs   []attrSpec
	typed   []string // further attributes, which are no strings: see typedAttrs

	// rules are what holds between the attributes and children of the element, beyond
	// each one's own datatype, as it was read: an attribute that is there and empty is
	// there. Each is a text with its section.
	rules func(e typedElement, n *xmltree.Node) []string

	responses []string   // to a request
	repeats   []repeated // what they repeat of it
}

// ref is where the element is specified, as findings say it.
func (s *shape) ref() string {
	if s.own {
		return s.section
	}
	return "section " + s.section
}

// An attrSpec is one attribute of an element.
type attrSpec struct {
	name     string
	of       datatype
	required bool
	def      string // the default
}

// repeated is an attribute of a request whose value its response has.
type repeated struct {
	inResponse, inRequest string
	always                bool // also if the request has none
}

// A typedElement is an Element with a type of its own.
type typedElement interface {
	Element
	shape() *shape
	// attr is the field for shape().attrs[i]. Both are looked up several times for each
	// transaction, so neither allocates.
	attr(i int) *string
}

// A draftElement is one of sections 4 and 5, which has children.
type draftElement interface {
	typedElement
	parts() parts
}

// parts are the fields for the children of an element, nil for those that it cannot have,
// and for what is foreign in it.
type parts struct {
	script              **etree.Element
	namelist, subscribe *[]Item
	streams             *[]Stream
	foreign             *Foreign
}

// typedAttrs is an element of ours with attributes that are no strings.
type typedAttrs interface {
	readTyped(*reading, *xmltree.Node) // children, too
	writeTyped(*bytes.Buffer)
}

// typedChildren is an element of ours with children.
type typedChildren interface {
	writeChildren(*bytes.Buffer)
}

// draftElements makes every element of sections 4 and 5 by its name.
var draftElements = map[string]func() typedElement{
	"dialogprepare":           func() typedElement { return &DialogPrepare{} },
	"dialogprepared":          func() typedElement { return &DialogPrepared{} },
	"errordialognotprepared":  func() typedElement { return &ErrorDialogNotPrepared{} },
	"errordialogwrongstate":   func() typedElement { return &ErrorDialogWrongState{} },
	"dialogstart":             func() typedElement { return &DialogStart{} },
	"dialogstarted":           func() typedElement { return &DialogStarted{} },
	"errordialognotstarted":   func() typedElement { return &ErrorDialogNotStarted{} },
	"dialogterminate":         func() typedElement { return &DialogTerminate{} },
	"dialogexit":              func() typedElement { return &DialogExit{} },
	"errordialog":             func() typedElement { return &ErrorDialog{} },
	"dialoguser":              func() typedElement { return &DialogUser{} },
	"dialogdisconnect":        func() typedElement { return &DialogDisconnect{} },
	"dialogtransfer":          func() typedElement { return &DialogTransfer{} },
	"dialogterminatetransfer": func() typedElement { return &DialogTerminateTransfer{} },
	"dialogtransfercomplete":  func() typedElement { return &DialogTransferComplete{} },
	"createconference":        func() typedElement { return &CreateConference{} },
	"conferencecreated":       func() typedElement { return &ConferenceCreated{} },
	"errorconferencecreate":   func() typedElement { return &ErrorConferenceCreate{} },
	"destroyconference":       func() typedElement { return &DestroyConference{} },
	"conferencedestroyed":     func() typedElement { return &ConferenceDestroyed{} },
	"errorconferencedestroy":  func() typedElement { return &ErrorConferenceDestroy{} },
	"join":                    func() typedElement { return &Join{} },
	"conferencejoined":        func() typedElement { return &ConferenceJoined{} },
	"errorconferencejoin":     func() typedElement { return &ErrorConferenceJoin{} },
	"unjoin":                  func() typedElement { return &Unjoin{} },
	"conferenceunjoined":      func() typedElement { return &ConferenceUnjoined{} },
	"errorconferenceunjoin":   func() typedElement { return &ErrorConferenceUnjoin{} },
	"conferenceuser":          func() typedElement { return &ConferenceUser{} },
}

// SetDefaults gives every attribute that e lacks the draft's default. A
// DialogStart of a prepared dialog must not have them, and gets none.
func SetDefaults(e Element) {
	d, ok := e.(typedElement)
	if !ok || isPrepared(e) { // [MSCP-4.2-9]
		return
	}
	for i, a := range d.shape().attrs {
		if v := d.attr(i); *v == "" {
			*v = a.def // [MSCP-4.1-8]
		}
	}
}

// isPrepared reports whether e starts a dialog that was prepared.
func isPrepared(e Element) bool {
	s, ok := e.(*DialogStart)
	return ok && s.PreparedDialogID != ""
}
