package draft

// Namespace is the namespace of the draft's elements. See section 3.2.
const Namespace = "urn:ietf:mscp"

// PaperNamespace is the namespace of the paper's elements, as this project writes them.
const PaperNamespace = "urn:x-mscp:offline-message:1"

// An attribute is what the schema says of one.
type attribute struct {
	is       datatype
	required bool
}

// A content says which elements of the draft may be within an element, and how many.
type content struct {
	elements string // names with blanks between
	one      bool   // exactly one element, of those or foreign; otherwise any number
	foreign  bool   // elements of other namespaces may be there, too
}

// A declaration is what the schema says of one element. All elements take attributes of
// other namespaces.
type declaration struct {
	attributes map[string]attribute
	content    content
}

// The attribute groups of the schema, section 8.
var (
	dialogResponse = map[string]attribute{"dialogid": needed(str), "connectionid": may(str), "conferenceid": may(str)}
	conferenceID   = map[string]attribute{"conferenceid": needed(str)}
	ids            = map[string]attribute{"id1": needed(str), "id2": needed(str)}
	dialogID       = map[string]attribute{"dialogid": needed(str)}
	extended       = map[string]attribute{"connectionid": may(str), "conferenceid": may(str)}
	reason         = map[string]attribute{"reason": needed(str)} // "mandatory": sections 4.1 to 5.4
	document       = map[string]attribute{
		"src": may(anyURI), "type": may(str), "connectionid": may(str), "conferenceid": may(str),
		"maxage": may(str), "maxstale": may(str), "enctype": may(str), "method": may(oneOf("get", "post")),
	}
	joinOptions = map[string]attribute{
		"mediapreferred": may(boolean), "entertone": may(anyURI), "exittone": may(anyURI), // tone.datatype is a union with anyURI
		"autoinputgain": may(boolean), "autooutputgain": may(boolean), "dtmfclamp": may(boolean), "toneclamp": may(boolean),
	}
	eventName = map[string]attribute{"name": needed(usereventname)}
)

// The content models.
var (
	foreignOnly = content{foreign: true}
	withList    = content{elements: "namelist", foreign: true}
	scripted    = content{elements: "namelist subscribe stream src", foreign: true}
)

// schema is section 8 of the draft: every element that it declares.
var schema = map[string]declaration{
	"mscp":         {attrs(map[string]attribute{"version": needed(oneOf("1.0"))}), content{elements: "request response notification", one: true}},
	"request":      {attrs(map[string]attribute{"id": may(xmlID)}), content{elements: "dialogstart dialogprepare createconference destroyconference join unjoin", one: true, foreign: true}},
	"response":     {attrs(map[string]attribute{"id": may(xmlID)}), content{elements: responses, one: true, foreign: true}},
	"notification": {nil, content{elements: notifications, one: true, foreign: true}},

	"dialogterminate":         {attrs(dialogID, map[string]attribute{"immediate": may(boolean)}), foreignOnly},
	"dialogexit":              {attrs(dialogID, extended), withList},
	"errordialog":             {attrs(dialogID, extended, reason), foreignOnly},
	"dialoguser":              {attrs(eventName, dialogID, extended), withList},
	"dialogdisconnect":        {attrs(dialogID, extended), withList},
	"dialogtransfer":          {attrs(dialogID, extended, map[string]attribute{"type": needed(str), "uri": needed(anyURI), "maxtime": needed(duration), "connecttimeout": needed(duration), "aai": may(str)}), withList},
	"dialogterminatetransfer": {attrs(dialogID, extended, map[string]attribute{"reason": needed(oneOfString("near_end_disconnect"))}), foreignOnly},
	"dialogtransfercomplete":  {attrs(dialogID, extended, map[string]attribute{"reason": needed(oneOfString("maxtime_disconnect", "busy", "network_busy", "noanswer"))}), foreignOnly},
	"conferenceuser":          {attrs(eventName, conferenceID), withList},

	"dialogprepare":          {attrs(document), scripted},
	"dialogprepared":         {attrs(dialogResponse), foreignOnly},
	"errordialognotprepared": {attrs(dialogResponse, reason), foreignOnly},
	"errordialogwrongstate":  {attrs(dialogResponse, reason), foreignOnly},
	"dialogstart":            {attrs(document, map[string]attribute{"prepareddialogid": may(str)}), scripted},
	"dialogstarted":          {attrs(dialogResponse), foreignOnly},
	"errordialognotstarted":  {attrs(dialogResponse, reason), foreignOnly},

	"createconference": {attrs(map[string]attribute{
		"reservedtalkers": may(number), "reservedlisteners": may(number), "reservedmedia": may(oneOf("audio", "video", "audiovideo")),
		"audiomixingpolicy": may(oneOf("nbest", "manual")), "audiomixingnbest": may(number), "activespeakernotification": may(number),
		"videomixingpolicy": may(oneOf("vas", "manual", "userdefined")), "videomixingvas": may(number),
	}), content{elements: "subscribe", foreign: true}},
	"conferencecreated":      {attrs(conferenceID), foreignOnly},
	"errorconferencecreate":  {attrs(conferenceID, reason), content{}},
	"destroyconference":      {attrs(conferenceID), foreignOnly},
	"conferencedestroyed":    {attrs(conferenceID), foreignOnly},
	"errorconferencedestroy": {attrs(conferenceID, reason), foreignOnly},
	"join":                   {attrs(ids, joinOptions), content{elements: "stream", foreign: true}},
	"conferencejoined":       {attrs(ids), foreignOnly},
	"errorconferencejoin":    {attrs(ids, reason), foreignOnly},
	"unjoin":                 {attrs(ids), foreignOnly},
	"conferenceunjoined":     {attrs(ids), foreignOnly},
	"errorconferenceunjoin":  {attrs(ids, reason), foreignOnly},

	"subscribe": {nil, content{elements: "item"}},
	"namelist":  {nil, content{elements: "item", foreign: true}},
	"item":      {attrs(map[string]attribute{"name": needed(str), "value": needed(str)}), content{}},
	"src":       {nil, content{one: true, foreign: true}},
	"stream":    {attrs(map[string]attribute{"type": needed(oneOf("audio", "video", "audiovideo")), "direction": needed(oneOf("both", "transmit", "receive"))}), content{}},
}

const (
	responses = "dialogprepared errordialognotprepared errordialogwrongstate dialogstarted errordialognotstarted " +
		"conferencecreated errorconferencecreate conferencedestroyed errorconferencedestroy " +
		"conferencejoined errorconferencejoin conferenceunjoined errorconferenceunjoin"
	notifications = "dialogterminate dialogexit errordialog dialoguser dialogdisconnect dialogtransfer " +
		"dialogterminatetransfer dialogtransfercomplete conferenceuser"
)

// paper has, by the element which the paper adds, the container that it belongs to. See
// its section 2.3.4; the refusals are this project's.
var paper = map[string]string{
	"RestoreMsg": "request", "SendMsg": "request",
	"MsgRestored": "response", "MsgSended": "response", "MsgNotRestored": "response", "MsgNotSended": "response",
}

// attrs joins groups of attributes.
func attrs(groups ...map[string]attribute) map[string]attribute {
	all := map[string]attribute{}
	for _, g := range groups {
		for name, a := range g {
			all[name] = a
		}
	}
	return all
}

func needed(is datatype) attribute { return attribute{is, true} }
func may(is datatype) attribute    { return attribute{is, false} }
