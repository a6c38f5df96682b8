package mscp

import (
	"fmt"
	"slices"
	"strings"
)

// An answering is what a request may be answered with, and the attributes
// whose values its response repeats, by their names there and in the request.
type answering struct {
	section   string
	responses []string
	repeated  []repeated
}

type repeated struct {
	inResponse, inRequest string
	always                bool // also if the request has none
}

// answerings are by the request's name. See sections 4.1, 4.2, 5.1 to 5.4, and
// section 2.3.4 of the paper.
var answerings = map[string]answering{
	"dialogprepare": {"4.1", []string{"dialogprepared", "errordialognotprepared", "errordialogwrongstate"}, // [MSCP-4.1-3]
		[]repeated{{"connectionid", "connectionid", false}, {"conferenceid", "conferenceid", false}}}, // [MSCP-4.1-4]
	"dialogstart": {"4.2", []string{"dialogstarted", "errordialognotstarted", "errordialogwrongstate"}, // [MSCP-4.2-6]
		[]repeated{{"dialogid", "prepareddialogid", false}, // [MSCP-4.2-5]
			{"connectionid", "connectionid", false}, {"conferenceid", "conferenceid", false}}},
	"createconference": {"5.1", []string{"conferencecreated", "errorconferencecreate"}, nil}, // [MSCP-5.1-3]
	"destroyconference": {"5.2", []string{"conferencedestroyed", "errorconferencedestroy"}, // [MSCP-5.2-1]
		[]repeated{{"conferenceid", "conferenceid", true}}},
	"join": {"5.3", []string{"conferencejoined", "errorconferencejoin"}, // [MSCP-5.3-2]
		[]repeated{{"id1", "id1", true}, {"id2", "id2", true}}}, // [MSCP-5.3-1]
	"unjoin": {"5.4", []string{"conferenceunjoined", "errorconferenceunjoin"}, // [MSCP-5.4-2]
		[]repeated{{"id1", "id1", true}, {"id2", "id2", true}}}, // [MSCP-5.4-1]
	"SendInventory": {"inventory", []string{"InventoryFollows"}, []repeated{{"inventory-id", "inventory-id", true}}},
	"RestoreMsg": {"2.3.4 of the paper", []string{"MsgRestored", "MsgNotRestored"},
		[]repeated{{"from-uri", "from-uri", true}, {"to-uri", "to-uri", true}, {"connection-id", "connection-id", true}}},
	"SendMsg": {"2.3.4 of the paper", []string{"MsgSended", "MsgNotSended"},
		[]repeated{{"from-uri", "from-uri", true}, {"to-uri", "to-uri", true}, {"connection-id", "connection-id", true}}},
}

// CheckAnswer tells what is wrong with resp as the response to req: that it is
// none of the elements that the draft names for it, or that it does not repeat
// the request's ids. The error is a *ValidationError whose findings have no
// place. A request that neither the draft nor the paper names may be answered
// with anything.
func CheckAnswer(req, resp Element) error {
	a, ok := answerings[Name(req)]
	if !ok {
		return nil
	}
	if !slices.Contains(a.responses, Name(resp)) {
		return &ValidationError{[]Finding{{Rule: fmt.Sprintf("%s is no response to %s, but %s (section %s)",
			Name(resp), Name(req), strings.Join(a.responses, ", "), a.section), Fatal: true}}}
	}
	var found []Finding
	for _, r := range a.repeated {
		asked, answered := attributeOf(req, r.inRequest), attributeOf(resp, r.inResponse)
		if asked != answered && (asked != "" || r.always) {
			found = append(found, Finding{Rule: fmt.Sprintf("%s of %s is %q, but %s of %s was %q (section %s)",
				r.inResponse, Name(resp), shorten(answered), r.inRequest, Name(req), shorten(asked), a.section)})
		}
	}
	if found == nil {
		return nil
	}
	return &ValidationError{found}
}

// attributeOf is an attribute of an element by its name, or "".
func attributeOf(e Element, name string) string {
	switch e := e.(type) {
	case *Other:
		return e.Attrs[name]
	case *SendInventory:
		return map[string]string{"inventory-id": e.InventoryID}[name]
	case *RequestFailed:
		return map[string]string{"reason": e.Reason}[name]
	case *InventoryFollows:
		return map[string]string{"inventory-id": e.InventoryID}[name]
	case extensionElement:
		for i, value := range e.fields() {
			if extensionNames[i] == name && value != nil {
				return *value
			}
		}
	case draftElement:
		for _, a := range e.shape().attrs {
			if a.name == name {
				return *a.value
			}
		}
	}
	return ""
}
