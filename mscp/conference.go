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

func conference(p *string, more ...attrSpec) []attrSpec {
	return append([]attrSpec{{"conferenceid", p, anyString, true, ""}}, more...)
}

func pair(id1, id2 *string, more ...attrSpec) []attrSpec {
	return append([]attrSpec{{"id1", id1, anyString, true, ""}, {"id2", id2, anyString, true, ""}}, more...)
}

// bothIDs are what the responses to join and unjoin repeat.
var bothIDs = []repeated{{"id1", "id1", true}, {"id2", "id2", true}}

func (e *CreateConference) shape() shape {
	return shape{kind: Request, section: "5.1", attrs: []attrSpec{
		{"reservedtalkers", &e.ReservedTalkers, nonNegative, false, ""},
		{"reservedlisteners", &e.ReservedListeners, nonNegative, false, ""},
		{"reservedmedia", &e.ReservedMedia, media, false, "audio"},
		{"audiomixingpolicy", &e.AudioMixingPolicy, audioPolicy, false, "nbest"},
		{"audiomixingnbest", &e.AudioMixingNBest, nonNegative, false, "0"},
		{"activespeakernotification", &e.ActiveSpeakerNotification, nonNegative, false, "0"},
		{"videomixingpolicy", &e.VideoMixingPolicy, videoPolicy, false, ""},
		{"videomixingvas", &e.VideoMixingVAS, positive, false, "3"},
	}, subscribe: &e.Subscribe, foreign: &e.Foreign,
		rules:     e.rules,
		responses: []string{"conferencecreated", "errorconferencecreate"}, // [MSCP-5.1-3]
	}
}

func (e *ConferenceCreated) shape() shape {
	return shape{kind: Response, section: "5.1", attrs: conference(&e.ConferenceID), foreign: &e.Foreign}
}

func (e *ErrorConferenceCreate) shape() shape {
	return shape{kind: Response, section: "5.1", attrs: conference(&e.ConferenceID, reason(&e.Reason)), foreign: &e.Foreign}
}

func (e *DestroyConference) shape() shape {
	return shape{kind: Request, section: "5.2", attrs: conference(&e.ConferenceID), foreign: &e.Foreign,
		responses: []string{"conferencedestroyed", "errorconferencedestroy"}, // [MSCP-5.2-1]
		repeats:   []repeated{{"conferenceid", "conferenceid", true}},
	}
}

func (e *ConferenceDestroyed) shape() shape {
	return shape{kind: Response, section: "5.2", attrs: conference(&e.ConferenceID), foreign: &e.Foreign}
}

func (e *ErrorConferenceDestroy) shape() shape {
	return shape{kind: Response, section: "5.2", attrs: conference(&e.ConferenceID, reason(&e.Reason)), foreign: &e.Foreign}
}

func (e *Join) shape() shape {
	return shape{kind: Request, section: "5.3", attrs: pair(&e.ID1, &e.ID2,
		attrSpec{"mediapreferred", &e.MediaPreferred, boolean, false, "false"},
		attrSpec{"entertone", &e.EnterTone, tone, false, "true"},
		attrSpec{"exittone", &e.ExitTone, tone, false, "true"},
		attrSpec{"autoinputgain", &e.AutoInputGain, boolean, false, "true"},
		attrSpec{"autooutputgain", &e.AutoOutputGain, boolean, false, "true"},
		attrSpec{"dtmfclamp", &e.DTMFClamp, boolean, false, "true"},
		attrSpec{"toneclamp", &e.ToneClamp, boolean, false, "true"},
	), streams: &e.Streams, foreign: &e.Foreign,
		responses: []string{"conferencejoined", "errorconferencejoin"}, // [MSCP-5.3-2]
		repeats:   bothIDs,                                             // [MSCP-5.3-1]
	}
}

func (e *ConferenceJoined) shape() shape {
	return shape{kind: Response, section: "5.3", attrs: pair(&e.ID1, &e.ID2), foreign: &e.Foreign}
}

func (e *ErrorConferenceJoin) shape() shape {
	return shape{kind: Response, section: "5.3", attrs: pair(&e.ID1, &e.ID2, reason(&e.Reason)), foreign: &e.Foreign}
}

func (e *Unjoin) shape() shape {
	return shape{kind: Request, section: "5.4", attrs: pair(&e.ID1, &e.ID2), foreign: &e.Foreign,
		responses: []string{"conferenceunjoined", "errorconferenceunjoin"}, // [MSCP-5.4-2]
		repeats:   bothIDs,                                                 // [MSCP-5.4-1]
	}
}

func (e *ConferenceUnjoined) shape() shape {
	return shape{kind: Response, section: "5.4", attrs: pair(&e.ID1, &e.ID2), foreign: &e.Foreign}
}

func (e *ErrorConferenceUnjoin) shape() shape {
	return shape{kind: Response, section: "5.4", attrs: pair(&e.ID1, &e.ID2, reason(&e.Reason)), foreign: &e.Foreign}
}

func (e *ConferenceUser) shape() shape {
	return shape{kind: Notification, section: "5.5", attrs: append([]attrSpec{{"name", &e.EventName, eventName, true, ""}},
		conference(&e.ConferenceID)...), namelist: &e.Namelist, foreign: &e.Foreign}
}
