package mscp

import (
	"slices"

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

// A shape tells how an element of the draft is written; it points into it.
type shape struct {
	kind                Kind
	section             string
	attrs               []attrSpec
	script              **etree.Element
	namelist, subscribe *[]Item
	streams             *[]Stream
	foreign             *Foreign
}

// An attrSpec is one attribute of an element.
type attrSpec struct {
	name     string
	value    *string
	of       datatype
	required bool
	def      string // the default
}

// draftElement is an Element of sections 4 and 5.
type draftElement interface {
	Element
	shape() shape
}

// newDraftElement makes an empty element of that name, or nil.
func newDraftElement(name string) draftElement {
	if create := draftElements[name]; create != nil {
		return create()
	}
	return nil
}

// draftElements makes every element of sections 4 and 5 by its name.
var draftElements = map[string]func() draftElement{
	"dialogprepare":           func() draftElement { return &DialogPrepare{} },
	"dialogprepared":          func() draftElement { return &DialogPrepared{} },
	"errordialognotprepared":  func() draftElement { return &ErrorDialogNotPrepared{} },
	"errordialogwrongstate":   func() draftElement { return &ErrorDialogWrongState{} },
	"dialogstart":             func() draftElement { return &DialogStart{} },
	"dialogstarted":           func() draftElement { return &DialogStarted{} },
	"errordialognotstarted":   func() draftElement { return &ErrorDialogNotStarted{} },
	"dialogterminate":         func() draftElement { return &DialogTerminate{} },
	"dialogexit":              func() draftElement { return &DialogExit{} },
	"errordialog":             func() draftElement { return &ErrorDialog{} },
	"dialoguser":              func() draftElement { return &DialogUser{} },
	"dialogdisconnect":        func() draftElement { return &DialogDisconnect{} },
	"dialogtransfer":          func() draftElement { return &DialogTransfer{} },
	"dialogterminatetransfer": func() draftElement { return &DialogTerminateTransfer{} },
	"dialogtransfercomplete":  func() draftElement { return &DialogTransferComplete{} },
	"createconference":        func() draftElement { return &CreateConference{} },
	"conferencecreated":       func() draftElement { return &ConferenceCreated{} },
	"errorconferencecreate":   func() draftElement { return &ErrorConferenceCreate{} },
	"destroyconference":       func() draftElement { return &DestroyConference{} },
	"conferencedestroyed":     func() draftElement { return &ConferenceDestroyed{} },
	"errorconferencedestroy":  func() draftElement { return &ErrorConferenceDestroy{} },
	"join":                    func() draftElement { return &Join{} },
	"conferencejoined":        func() draftElement { return &ConferenceJoined{} },
	"errorconferencejoin":     func() draftElement { return &ErrorConferenceJoin{} },
	"unjoin":                  func() draftElement { return &Unjoin{} },
	"conferenceunjoined":      func() draftElement { return &ConferenceUnjoined{} },
	"errorconferenceunjoin":   func() draftElement { return &ErrorConferenceUnjoin{} },
	"conferenceuser":          func() draftElement { return &ConferenceUser{} },
}

// SetDefaults gives every attribute that e lacks the draft's default. A
// DialogStart of a prepared dialog must not have them, and gets none.
func SetDefaults(e Element) {
	d, ok := e.(draftElement)
	if !ok || isPrepared(e) { // [MSCP-4.2-9]
		return
	}
	for _, a := range d.shape().attrs {
		if *a.value == "" {
			*a.value = a.def // [MSCP-4.1-8]
		}
	}
}

// isPrepared reports whether e starts a dialog that was prepared.
func isPrepared(e Element) bool {
	s, ok := e.(*DialogStart)
	return ok && s.PreparedDialogID != ""
}

// rules are what holds between the attributes and children of e, beyond each
// one's own datatype, where n is what e was read from: an attribute that is
// there and empty is there. Each is a text with its section.
func rules(e draftElement, n *xmltree.Node) []string {
	switch e := e.(type) {
	case *DialogPrepare:
		return slices.Concat(
			unless(has(n, "src") != hasChild(n, "src"), "exactly one of the src attribute and the src element (section 4.1)"), // [MSCP-4.1-1]
			notBoth(n, "4.1"), // [MSCP-4.1-2]
		)
	case *DialogStart:
		return startRules(e, n)
	case *DialogPrepared, *ErrorDialogNotPrepared:
		return notBoth(n, "4.1") // [MSCP-4.1-5]
	case *ErrorDialogWrongState:
		return notBoth(n, "4.1, 4.2") // [MSCP-4.1-5]
	case *DialogStarted, *ErrorDialogNotStarted:
		return unless(has(n, "connectionid") != has(n, "conferenceid"), "exactly one of connectionid and conferenceid (section 4.2)") // [MSCP-4.2-4]
	case *DialogExit:
		return notBoth(n, "4.4") // [MSCP-4.4-2]
	case *ErrorDialog:
		return notBoth(n, "4.5") // [MSCP-4.5-2]
	case *DialogUser:
		return notBoth(n, "4.6") // [MSCP-4.6-1]
	case *DialogDisconnect:
		return notBoth(n, "4.7") // [MSCP-4.7-1]
	case *DialogTransfer:
		return notBoth(n, "4.8") // [MSCP-4.8-1]
	case *DialogTerminateTransfer:
		return notBoth(n, "4.9") // [MSCP-4.9-1]
	case *DialogTransferComplete:
		return notBoth(n, "4.10") // [MSCP-4.10-1]
	case *CreateConference:
		return createRules(e)
	}
	return nil
}

func unless(ok bool, text string) []string {
	if ok {
		return nil
	}
	return []string{text}
}

// has reports whether n has the attribute, and hasChild whether it has the
// child of the draft, be they empty.
func has(n *xmltree.Node, name string) bool {
	_, ok := n.Attr(name)
	return ok
}

func hasChild(n *xmltree.Node, name string) bool {
	return slices.ContainsFunc(n.Kids, func(kid *xmltree.Node) bool { return kid.Local == name && kid.Space == n.Space })
}

func notBoth(n *xmltree.Node, section string) []string {
	return unless(!has(n, "connectionid") || !has(n, "conferenceid"), "connectionid and conferenceid are both there (section "+section+")")
}

func startRules(e *DialogStart, n *xmltree.Node) []string {
	found := notBoth(n, "4.2") // [MSCP-4.2-3]
	if !has(n, "prepareddialogid") {
		found = append(found, unless(has(n, "src") != hasChild(n, "src"), "exactly one of the src attribute, the src element and prepareddialogid (section 4.2)")...) // [MSCP-4.2-7]
		// A prepared dialog may inherit its end point.
		return append(found, unless(e.ConnectionID+e.ConferenceID != "", "neither connectionid nor conferenceid (section 4.2)")...) // [MSCP-4.2-8]
	}
	found = append(found, unless(e.PreparedDialogID != "", "prepareddialogid is empty (section 4.2)")...)
	for _, name := range []string{"src", "type", "maxage", "maxstale", "enctype", "method"} {
		found = append(found, unless(!has(n, name), name+" beside prepareddialogid (section 4.2)")...) // [MSCP-4.2-1]
	}
	for _, name := range []string{"src", "namelist", "subscribe", "stream"} {
		found = append(found, unless(!hasChild(n, name), name+" element beside prepareddialogid (section 4.2)")...) // [MSCP-4.2-1]
	}
	return found
}

func createRules(e *CreateConference) []string {
	if e.ReservedMedia != "video" && e.ReservedMedia != "audiovideo" {
		return nil
	}
	return slices.Concat(
		unless(e.AudioMixingPolicy != "", "video without audiomixingpolicy (section 5.1)"),                                                        // [MSCP-5.1-2]
		unless((e.AudioMixingPolicy == "manual") == (e.VideoMixingPolicy == "manual"), "only one of the mixing policies is manual (section 5.1)"), // [MSCP-5.1-1]
	)
}
