package mscp

// The elements of the draft's section 5.

// CreateConference asks for a conference. See section 5.1.
type CreateConference struct {
	ReservedTalkers           string // a number
	ReservedListeners         string // a number
	ReservedMedia             string // audio (the default), video or audiovideo
	AudioMixingPolicy         string // nbest (the default) or manual
	AudioMixingNBest          string // a number; default 0, all
	ActiveSpeakerNotification string // seconds; default 0, never; in section 8 only
	VideoMixingPolicy         string // vas, manual or userdefined
	VideoMixingVAS            string // seconds, positive; default 3
	Subscribe                 []Item
	Foreign
}

// ConferenceCreated answers a CreateConference. See section 5.1.
type ConferenceCreated struct {
	ConferenceID string
	Foreign
}

// ErrorConferenceCreate refuses a CreateConference. See section 5.1.
type ErrorConferenceCreate struct {
	ConferenceID, Reason string
	Foreign
}

// DestroyConference asks for the end of a conference. See section 5.2.
type DestroyConference struct {
	ConferenceID string
	Foreign
}

// ConferenceDestroyed answers a DestroyConference. See section 5.2.
type ConferenceDestroyed struct {
	ConferenceID string
	Foreign
}

// ErrorConferenceDestroy refuses a DestroyConference. See section 5.2.
type ErrorConferenceDestroy struct {
	ConferenceID, Reason string
	Foreign
}

// Join joins two of connections, dialogs and conferences. See section 5.3.
type Join struct {
	ID1, ID2       string
	MediaPreferred string // true or false (the default)
	EnterTone      string // true (the default), false or a URI
	ExitTone       string // true (the default), false or a URI
	AutoInputGain  string // true (the default) or false
	AutoOutputGain string // true (the default) or false
	DTMFClamp      string // true (the default) or false
	ToneClamp      string // true (the default) or false
	Streams        []Stream
	Foreign
}

// ConferenceJoined answers a Join. See section 5.3.
type ConferenceJoined struct {
	ID1, ID2 string
	Foreign
}

// ErrorConferenceJoin refuses a Join. See section 5.3.
type ErrorConferenceJoin struct {
	ID1, ID2, Reason string
	Foreign
}

// Unjoin undoes a Join. See section 5.4.
type Unjoin struct {
	ID1, ID2 string
	Foreign
}

// ConferenceUnjoined answers an Unjoin. See section 5.4.
type ConferenceUnjoined struct {
	ID1, ID2 string
	Foreign
}

// ErrorConferenceUnjoin refuses an Unjoin. See section 5.4.
type ErrorConferenceUnjoin struct {
	ID1, ID2, Reason string
	Foreign
}

// ConferenceUser is an event of a conference, in either direction. See section
// 5.5.
type ConferenceUser struct {
	EventName    string // the name attribute: letters, digits and dots
	ConferenceID string
	Namelist     []Item
	Foreign
}

func (*CreateConference) elementName() string       { return "createconference" }
func (*ConferenceCreated) elementName() string      { return "conferencecreated" }
func (*ErrorConferenceCreate) elementName() string  { return "errorconferencecreate" }
func (*DestroyConference) elementName() string      { return "destroyconference" }
func (*ConferenceDestroyed) elementName() string    { return "conferencedestroyed" }
func (*ErrorConferenceDestroy) elementName() string { return "errorconferencedestroy" }
func (*Join) elementName() string                   { return "join" }
func (*ConferenceJoined) elementName() string       { return "conferencejoined" }
func (*ErrorConferenceJoin) elementName() string    { return "errorconferencejoin" }
func (*Unjoin) elementName() string                 { return "unjoin" }
func (*ConferenceUnjoined) elementName() string     { return "conferenceunjoined" }
func (*ErrorConferenceUnjoin) elementName() string  { return "errorconferenceunjoin" }
func (*ConferenceUser) elementName() string         { return "conferenceuser" }

func conference(more ...attrSpec) []attrSpec {
	return append([]attrSpec{{"conferenceid", anyString, true, ""}}, more...)
}

func pair(more ...attrSpec) []attrSpec {
	return append([]attrSpec{{"id1", anyString, true, ""}, {"id2", anyString, true, ""}}, more...)
}

// bothIDs are what the responses to join and unjoin repeat.
var bothIDs = []repeated{{"id1", "id1", true}, {"id2", "id2", true}}

var createConferenceShape = shape{kind: Request, section: "5.1", attrs: []attrSpec{
	{"reservedtalkers", nonNegative, false, ""},
	{"reservedlisteners", nonNegative, false, ""},
	{"reservedmedia", media, false, "audio"},
	{"audiomixingpolicy", audioPolicy, false, "nbest"},
	{"audiomixingnbest", nonNegative, false, "0"},
	{"activespeakernotification", nonNegative, false, "0"},
	{"videomixingpolicy", videoPolicy, false, ""},
	{"videomixingvas", positive, false, "3"},
},
	rules:     createRules,
	responses: []string{"conferencecreated", "errorconferencecreate"}, // [MSCP-5.1-3]
}

func (e *CreateConference) shape() *shape { return &createConferenceShape }
func (e *CreateConference) attr(i int) *string {
	return [...]*string{&e.ReservedTalkers, &e.ReservedListeners, &e.ReservedMedia, &e.AudioMixingPolicy, &e.AudioMixingNBest, &e.ActiveSpeakerNotification, &e.VideoMixingPolicy, &e.VideoMixingVAS}[i]
}
func (e *CreateConference) parts() parts { return parts{subscribe: &e.Subscribe, foreign: &e.Foreign} }

var conferenceCreatedShape = shape{kind: Response, section: "5.1", attrs: conference()}

func (e *ConferenceCreated) shape() *shape      { return &conferenceCreatedShape }
func (e *ConferenceCreated) attr(i int) *string { return [...]*string{&e.ConferenceID}[i] }
func (e *ConferenceCreated) parts() parts       { return parts{foreign: &e.Foreign} }

var errorConferenceCreateShape = shape{kind: Response, section: "5.1", attrs: conference(reason)}

func (e *ErrorConferenceCreate) shape() *shape { return &errorConferenceCreateShape }
func (e *ErrorConferenceCreate) attr(i int) *string {
	return [...]*string{&e.ConferenceID, &e.Reason}[i]
}
func (e *ErrorConferenceCreate) parts() parts { return parts{foreign: &e.Foreign} }

var destroyConferenceShape = shape{kind: Request, section: "5.2", attrs: conference(),
	responses: []string{"conferencedestroyed", "errorconferencedestroy"}, // [MSCP-5.2-1]
	repeats:   []repeated{{"conferenceid", "conferenceid", true}},
}

func (e *DestroyConference) shape() *shape      { return &destroyConferenceShape }
func (e *DestroyConference) attr(i int) *string { return [...]*string{&e.ConferenceID}[i] }
func (e *DestroyConference) parts() parts       { return parts{foreign: &e.Foreign} }

var conferenceDestroyedShape = shape{kind: Response, section: "5.2", attrs: conference()}

func (e *ConferenceDestroyed) shape() *shape      { return &conferenceDestroyedShape }
func (e *ConferenceDestroyed) attr(i int) *string { return [...]*string{&e.ConferenceID}[i] }
func (e *ConferenceDestroyed) parts() parts       { return parts{foreign: &e.Foreign} }

var errorConferenceDestroyShape = shape{kind: Response, section: "5.2", attrs: conference(reason)}

func (e *ErrorConferenceDestroy) shape() *shape { return &errorConferenceDestroyShape }
func (e *ErrorConferenceDestroy) attr(i int) *string {
	return [...]*string{&e.ConferenceID, &e.Reason}[i]
}
func (e *ErrorConferenceDestroy) parts() parts { return parts{foreign: &e.Foreign} }

var joinShape = shape{kind: Request, section: "5.3", attrs: pair(
	attrSpec{"mediapreferred", boolean, false, "false"},
	attrSpec{"entertone", tone, false, "true"},
	attrSpec{"exittone", tone, false, "true"},
	attrSpec{"autoinputgain", boolean, false, "true"},
	attrSpec{"autooutputgain", boolean, false, "true"},
	attrSpec{"dtmfclamp", boolean, false, "true"},
	attrSpec{"toneclamp", boolean, false, "true"},
),
	responses: []string{"conferencejoined", "errorconferencejoin"}, // [MSCP-5.3-2]
	repeats:   bothIDs,                                             // [MSCP-5.3-1]
}

func (e *Join) shape() *shape { return &joinShape }
func (e *Join) attr(i int) *string {
	return [...]*string{&e.ID1, &e.ID2, &e.MediaPreferred, &e.EnterTone, &e.ExitTone, &e.AutoInputGain, &e.AutoOutputGain, &e.DTMFClamp, &e.ToneClamp}[i]
}
func (e *Join) parts() parts { return parts{streams: &e.Streams, foreign: &e.Foreign} }

var conferenceJoinedShape = shape{kind: Response, section: "5.3", attrs: pair()}

func (e *ConferenceJoined) shape() *shape      { return &conferenceJoinedShape }
func (e *ConferenceJoined) attr(i int) *string { return [...]*string{&e.ID1, &e.ID2}[i] }
func (e *ConferenceJoined) parts() parts       { return parts{foreign: &e.Foreign} }

var errorConferenceJoinShape = shape{kind: Response, section: "5.3", attrs: pair(reason)}

func (e *ErrorConferenceJoin) shape() *shape      { return &errorConferenceJoinShape }
func (e *ErrorConferenceJoin) attr(i int) *string { return [...]*string{&e.ID1, &e.ID2, &e.Reason}[i] }
func (e *ErrorConferenceJoin) parts() parts       { return parts{foreign: &e.Foreign} }

var unjoinShape = shape{kind: Request, section: "5.4", attrs: pair(),
	responses: []string{"conferenceunjoined", "errorconferenceunjoin"}, // [MSCP-5.4-2]
	repeats:   bothIDs,                                                 // [MSCP-5.4-1]
}

func (e *Unjoin) shape() *shape      { return &unjoinShape }
func (e *Unjoin) attr(i int) *string { return [...]*string{&e.ID1, &e.ID2}[i] }
func (e *Unjoin) parts() parts       { return parts{foreign: &e.Foreign} }

var conferenceUnjoinedShape = shape{kind: Response, section: "5.4", attrs: pair()}

func (e *ConferenceUnjoined) shape() *shape      { return &conferenceUnjoinedShape }
func (e *ConferenceUnjoined) attr(i int) *string { return [...]*string{&e.ID1, &e.ID2}[i] }
func (e *ConferenceUnjoined) parts() parts       { return parts{foreign: &e.Foreign} }

var errorConferenceUnjoinShape = shape{kind: Response, section: "5.4", attrs: pair(reason)}

func (e *ErrorConferenceUnjoin) shape() *shape { return &errorConferenceUnjoinShape }
func (e *ErrorConferenceUnjoin) attr(i int) *string {
	return [...]*string{&e.ID1, &e.ID2, &e.Reason}[i]
}
func (e *ErrorConferenceUnjoin) parts() parts { return parts{foreign: &e.Foreign} }

var conferenceUserShape = shape{kind: Notification, section: "5.5", attrs: append([]attrSpec{{"name", eventName, true, ""}},
	conference()...)}

func (e *ConferenceUser) shape() *shape      { return &conferenceUserShape }
func (e *ConferenceUser) attr(i int) *string { return [...]*string{&e.EventName, &e.ConferenceID}[i] }
func (e *ConferenceUser) parts() parts       { return parts{namelist: &e.Namelist, foreign: &e.Foreign} }
