package mscp

import (
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
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

// A Fragment is one XML element as it was written, with every namespace
// declaration that it needs to stand inside an mscp document.
type Fragment []byte

// A ForeignAttr is an attribute; Space is its namespace.
type ForeignAttr struct{ Space, Local, Value string }

// Foreign is what an element has of other namespaces than the draft's. It is
// read only where [Options].KeepForeign asks for it. See section 3.3.
type Foreign struct {
	Attrs    []ForeignAttr
	Elements []Fragment
	// Inside is what the element's namelist, subscribe and src have, by their
	// names, since these have no types of their own.
	Inside map[string]Foreign
}

// A shape tells how an element of the draft is written; it points into it.
type shape struct {
	kind                Kind
	section             string
	attrs               []attrSpec
	script              *Fragment
	namelist, subscribe *[]Item
	streams             *[]Stream
	foreign             *Foreign
}

// An attrSpec is one attribute of an element.
type attrSpec struct {
	name     string
	value    *string
	check    func(string) string // what is wrong with a value, or ""
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
	if s, start := e.(*DialogStart); !ok || start && s.PreparedDialogID != "" {
		return
	}
	for _, a := range d.shape().attrs {
		if *a.value == "" {
			*a.value = a.def
		}
	}
}

var durationPattern = regexp.MustCompile(`^\+?([0-9]*\.)?[0-9]+(ms|s)$`)

// ParseDuration reads a duration of the draft, such as 20s, +1.5s or 200ms.
// See section 8, duration.datatype.
func ParseDuration(s string) (time.Duration, error) {
	if !durationPattern.MatchString(s) {
		return 0, fmt.Errorf("mscp: %q is no duration (section 8)", shorten(s))
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("mscp: duration: %w", err)
	}
	return d, nil
}

func anyString(string) string { return "" }

func oneOf(values ...string) func(string) string {
	return func(s string) string {
		if slices.Contains(values, s) {
			return ""
		}
		return "is not one of " + strings.Join(values, ", ")
	}
}

var (
	boolean         = oneOf("true", "false")
	method          = oneOf("get", "post")
	media           = oneOf("audio", "video", "audiovideo")
	direction       = oneOf("transmit", "receive", "both")
	audioPolicy     = oneOf("nbest", "manual")
	videoPolicy     = oneOf("vas", "manual", "userdefined")
	terminateReason = oneOf("near_end_disconnect")
	completeReason  = oneOf("maxtime_disconnect", "busy", "network_busy", "noanswer")
)

func uri(s string) string {
	if _, err := url.Parse(s); err != nil || s == "" || strings.ContainsAny(s, " <>\"{}|\\^`") {
		return "is no URI"
	}
	return ""
}

func tone(s string) string {
	if boolean(s) != "" && uri(s) != "" {
		return "is not true, false or a URI"
	}
	return ""
}

func mediaType(s string) string {
	if t, _, err := mime.ParseMediaType(s); err != nil || !strings.Contains(t, "/") {
		return "is no media type"
	}
	return ""
}

func nonNegative(s string) string {
	if _, err := strconv.ParseUint(s, 10, 63); err != nil {
		return "is no number of 0 or more"
	}
	return ""
}

func positive(s string) string {
	if n, err := strconv.ParseUint(s, 10, 63); err != nil || n == 0 {
		return "is no number of 1 or more"
	}
	return ""
}

func eventName(s string) string {
	for _, c := range []byte(s) {
		if c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "holds more than letters, digits and dots"
		}
	}
	if s == "" {
		return "is empty"
	}
	return ""
}

func duration(s string) string {
	if _, err := ParseDuration(s); err != nil {
		return "is no duration"
	}
	return ""
}

// rules are what holds between the attributes and children of e, beyond each
// one's own datatype. Each is a text with its section.
func rules(e draftElement) []string {
	switch e := e.(type) {
	case *DialogPrepare:
		return slices.Concat(
			unless((e.Src != "") != (e.Script != nil), "exactly one of the src attribute and the src element (section 4.1)"), // [MSCP-4.1-1]
			notBoth(e.ConnectionID, e.ConferenceID, "4.1"),                                                                   // [MSCP-4.1-2]
		)
	case *DialogStart:
		return startRules(e)
	case *DialogPrepared:
		return notBoth(e.ConnectionID, e.ConferenceID, "4.1")
	case *DialogStarted:
		return unless((e.ConnectionID != "") != (e.ConferenceID != ""), "exactly one of connectionid and conferenceid (section 4.2)") // [MSCP-4.2-4]
	case *ErrorDialogNotStarted:
		return unless((e.ConnectionID != "") != (e.ConferenceID != ""), "exactly one of connectionid and conferenceid (section 4.2)") // [MSCP-4.2-4]
	case *DialogExit:
		return notBoth(e.ConnectionID, e.ConferenceID, "4.4")
	case *ErrorDialog:
		return notBoth(e.ConnectionID, e.ConferenceID, "4.5")
	case *DialogUser:
		return notBoth(e.ConnectionID, e.ConferenceID, "4.6")
	case *DialogDisconnect:
		return notBoth(e.ConnectionID, e.ConferenceID, "4.7")
	case *DialogTransfer:
		return notBoth(e.ConnectionID, e.ConferenceID, "4.8")
	case *DialogTerminateTransfer:
		return notBoth(e.ConnectionID, e.ConferenceID, "4.9")
	case *DialogTransferComplete:
		return notBoth(e.ConnectionID, e.ConferenceID, "4.10")
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

func notBoth(connection, conference, section string) []string {
	return unless(connection == "" || conference == "", "connectionid and conferenceid are both there (section "+section+")")
}

func startRules(e *DialogStart) []string {
	found := notBoth(e.ConnectionID, e.ConferenceID, "4.2") // [MSCP-4.2-3]
	if e.PreparedDialogID == "" {
		found = append(found, unless((e.Src != "") != (e.Script != nil), "exactly one of the src attribute, the src element and prepareddialogid (section 4.2)")...)
		// A prepared dialog may inherit its end point.
		return append(found, unless(e.ConnectionID+e.ConferenceID != "", "neither connectionid nor conferenceid (section 4.2)")...)
	}
	for _, f := range []struct { // [MSCP-4.2-1]
		name  string
		there bool
	}{
		{"src", e.Src != ""}, {"type", e.Type != ""}, {"maxage", e.MaxAge != ""}, {"maxstale", e.MaxStale != ""},
		{"enctype", e.EncType != ""}, {"method", e.Method != ""}, {"src element", e.Script != nil},
		{"namelist", e.Namelist != nil}, {"subscribe", e.Subscribe != nil}, {"stream", e.Streams != nil},
	} {
		found = append(found, unless(!f.there, f.name+" beside prepareddialogid (section 4.2)")...)
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
