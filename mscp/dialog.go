package mscp

import "github.com/beevik/etree"

// The elements of the draft's section 4. All attributes are strings as on the
// wire, "" where there is none; [SetDefaults] fills in the draft's defaults.

// DialogPrepare asks the MS to prepare a dialog. Exactly one of Src and Script
// is there, and at most one of ConnectionID and ConferenceID. See section 4.1.
type DialogPrepare struct {
	Src          string // URI of the dialog document
	Type         string // its media type; default application/voicexml+xml
	ConnectionID string
	ConferenceID string
	MaxAge       string         // seconds, as in HTTP
	MaxStale     string         // seconds, as in HTTP
	EncType      string         // default application/x-www-form-urlencoded
	Method       string         // get (the default) or post
	Script       *etree.Element // declares its namespace, which is not the draft's
	Namelist     []Item
	Subscribe    []Item
	Streams      []Stream
	Foreign
}

// DialogPrepared answers a DialogPrepare. See section 4.1.
type DialogPrepared struct {
	DialogID, ConnectionID, ConferenceID string
	Foreign
}

// ErrorDialogNotPrepared refuses a DialogPrepare. See section 4.1.
type ErrorDialogNotPrepared struct {
	DialogID, ConnectionID, ConferenceID, Reason string
	Foreign
}

// ErrorDialogWrongState refuses a DialogPrepare or a DialogStart. See sections
// 4.1 and 4.2.
type ErrorDialogWrongState struct {
	DialogID, ConnectionID, ConferenceID, Reason string
	Foreign
}

// DialogStart asks the MS to start a dialog: a prepared one, or the one of Src
// or Script. See section 4.2.
type DialogStart struct {
	Src              string // URI of the dialog document
	Type             string // its media type; default application/voicexml+xml
	PreparedDialogID string
	ConnectionID     string
	ConferenceID     string
	MaxAge           string         // seconds, as in HTTP
	MaxStale         string         // seconds, as in HTTP
	EncType          string         // default application/x-www-form-urlencoded
	Method           string         // get (the default) or post
	Script           *etree.Element // declares its namespace, which is not the draft's
	Namelist         []Item
	Subscribe        []Item
	Streams          []Stream
	Foreign
}

// DialogStarted answers a DialogStart. See section 4.2.
type DialogStarted struct {
	DialogID, ConnectionID, ConferenceID string
	Foreign
}

// ErrorDialogNotStarted refuses a DialogStart. See section 4.2.
type ErrorDialogNotStarted struct {
	DialogID, ConnectionID, ConferenceID, Reason string
	Foreign
}

// DialogTerminate ends a dialog. See section 4.3.
type DialogTerminate struct {
	DialogID  string
	Immediate string // true or false (the default)
	Foreign
}

// DialogExit says that a dialog has ended normally. See section 4.4.
type DialogExit struct {
	DialogID, ConnectionID, ConferenceID string
	Namelist                             []Item
	Foreign
}

// ErrorDialog says that a dialog has ended abnormally. See section 4.5.
type ErrorDialog struct {
	DialogID, ConnectionID, ConferenceID, Reason string
	Foreign
}

// DialogUser is an event of a dialog, in either direction. See section 4.6.
type DialogUser struct {
	EventName                            string // the name attribute: letters, digits and dots
	DialogID, ConnectionID, ConferenceID string
	Namelist                             []Item
	Foreign
}

// DialogDisconnect asks the AS to end the call. See section 4.7.
type DialogDisconnect struct {
	DialogID, ConnectionID, ConferenceID string
	Namelist                             []Item
	Foreign
}

// DialogTransfer asks the AS to transfer the call. See section 4.8.
type DialogTransfer struct {
	DialogID                   string
	Type                       string // blind, bridge or another
	ConnectionID, ConferenceID string
	URI                        string
	MaxTime                    string // see ParseDuration; 0s is for ever
	ConnectTimeout             string // see ParseDuration
	AAI                        string
	Namelist                   []Item
	Foreign
}

// DialogTerminateTransfer asks the AS to end a bridge transfer. See section 4.9.
type DialogTerminateTransfer struct {
	DialogID, ConnectionID, ConferenceID string
	Reason                               string // near_end_disconnect
	Foreign
}

// DialogTransferComplete tells the MS how a transfer ended. See section 4.10.
type DialogTransferComplete struct {
	DialogID, ConnectionID, ConferenceID string
	Reason                               string // maxtime_disconnect, busy, network_busy or noanswer
	Foreign
}

func (*DialogPrepare) elementName() string           { return "dialogprepare" }
func (*DialogPrepared) elementName() string          { return "dialogprepared" }
func (*ErrorDialogNotPrepared) elementName() string  { return "errordialognotprepared" }
func (*ErrorDialogWrongState) elementName() string   { return "errordialogwrongstate" }
func (*DialogStart) elementName() string             { return "dialogstart" }
func (*DialogStarted) elementName() string           { return "dialogstarted" }
func (*ErrorDialogNotStarted) elementName() string   { return "errordialognotstarted" }
func (*DialogTerminate) elementName() string         { return "dialogterminate" }
func (*DialogExit) elementName() string              { return "dialogexit" }
func (*ErrorDialog) elementName() string             { return "errordialog" }
func (*DialogUser) elementName() string              { return "dialoguser" }
func (*DialogDisconnect) elementName() string        { return "dialogdisconnect" }
func (*DialogTransfer) elementName() string          { return "dialogtransfer" }
func (*DialogTerminateTransfer) elementName() string { return "dialogterminatetransfer" }
func (*DialogTransferComplete) elementName() string  { return "dialogtransfercomplete" }

// ids are the three attributes that most dialog elements share.
func ids(more ...attrSpec) []attrSpec {
	return append([]attrSpec{
		{"dialogid", anyString, true, ""},
		{"connectionid", anyString, false, ""},
		{"conferenceid", anyString, false, ""},
	}, more...)
}

// reason is the attribute of every error element.
var reason = attrSpec{"reason", anyString, true, ""}

var dialogPrepareShape = shape{
	kind: Request, section: "4.1",
	attrs: []attrSpec{
		{"src", uri, false, ""},
		{"type", mediaType, false, "application/voicexml+xml"},
		{"connectionid", anyString, false, ""},
		{"conferenceid", anyString, false, ""},
		{"maxage", seconds, false, ""},
		{"maxstale", seconds, false, ""},
		{"enctype", mediaType, false, "application/x-www-form-urlencoded"},
		{"method", method, false, "get"},
	},
	rules:     prepareRules,
	responses: []string{"dialogprepared", "errordialognotprepared", "errordialogwrongstate"},                // [MSCP-4.1-3]
	repeats:   []repeated{{"connectionid", "connectionid", false}, {"conferenceid", "conferenceid", false}}, // [MSCP-4.1-4]
}

func (e *DialogPrepare) shape() *shape { return &dialogPrepareShape }
func (e *DialogPrepare) attr(i int) *string {
	return [...]*string{&e.Src, &e.Type, &e.ConnectionID, &e.ConferenceID, &e.MaxAge, &e.MaxStale, &e.EncType, &e.Method}[i]
}
func (e *DialogPrepare) parts() parts {
	return parts{script: &e.Script, namelist: &e.Namelist, subscribe: &e.Subscribe, streams: &e.Streams, foreign: &e.Foreign}
}

var dialogStartShape = shape{
	kind: Request, section: "4.2",
	attrs: []attrSpec{
		{"src", uri, false, ""},
		{"type", mediaType, false, "application/voicexml+xml"},
		{"prepareddialogid", anyString, false, ""},
		{"connectionid", anyString, false, ""},
		{"conferenceid", anyString, false, ""},
		{"maxage", seconds, false, ""},
		{"maxstale", seconds, false, ""},
		{"enctype", mediaType, false, "application/x-www-form-urlencoded"},
		{"method", method, false, "get"},
	},
	rules:     startRules,
	responses: []string{"dialogstarted", "errordialognotstarted", "errordialogwrongstate"}, // [MSCP-4.2-6]
	repeats: []repeated{{"dialogid", "prepareddialogid", false}, // [MSCP-4.2-5]
		{"connectionid", "connectionid", false}, {"conferenceid", "conferenceid", false}},
}

func (e *DialogStart) shape() *shape { return &dialogStartShape }
func (e *DialogStart) attr(i int) *string {
	return [...]*string{&e.Src, &e.Type, &e.PreparedDialogID, &e.ConnectionID, &e.ConferenceID, &e.MaxAge, &e.MaxStale, &e.EncType, &e.Method}[i]
}
func (e *DialogStart) parts() parts {
	return parts{script: &e.Script, namelist: &e.Namelist, subscribe: &e.Subscribe, streams: &e.Streams, foreign: &e.Foreign}
}

var dialogPreparedShape = shape{kind: Response, section: "4.1", attrs: ids(),
	rules: notBoth("4.1"), // [MSCP-4.1-5]
}

func (e *DialogPrepared) shape() *shape { return &dialogPreparedShape }
func (e *DialogPrepared) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID}[i]
}
func (e *DialogPrepared) parts() parts { return parts{foreign: &e.Foreign} }

var errorDialogNotPreparedShape = shape{kind: Response, section: "4.1", attrs: ids(reason),
	rules: notBoth("4.1"), // [MSCP-4.1-5]
}

func (e *ErrorDialogNotPrepared) shape() *shape { return &errorDialogNotPreparedShape }
func (e *ErrorDialogNotPrepared) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID, &e.Reason}[i]
}
func (e *ErrorDialogNotPrepared) parts() parts { return parts{foreign: &e.Foreign} }

var errorDialogWrongStateShape = shape{kind: Response, section: "4.1", attrs: ids(reason),
	rules: notBoth("4.1, 4.2"), // [MSCP-4.1-5]
}

func (e *ErrorDialogWrongState) shape() *shape { return &errorDialogWrongStateShape }
func (e *ErrorDialogWrongState) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID, &e.Reason}[i]
}
func (e *ErrorDialogWrongState) parts() parts { return parts{foreign: &e.Foreign} }

var dialogStartedShape = shape{kind: Response, section: "4.2", attrs: ids(),
	rules: oneOfBoth, // [MSCP-4.2-4]
}

func (e *DialogStarted) shape() *shape { return &dialogStartedShape }
func (e *DialogStarted) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID}[i]
}
func (e *DialogStarted) parts() parts { return parts{foreign: &e.Foreign} }

var errorDialogNotStartedShape = shape{kind: Response, section: "4.2", attrs: ids(reason),
	rules: oneOfBoth, // [MSCP-4.2-4]
}

func (e *ErrorDialogNotStarted) shape() *shape { return &errorDialogNotStartedShape }
func (e *ErrorDialogNotStarted) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID, &e.Reason}[i]
}
func (e *ErrorDialogNotStarted) parts() parts { return parts{foreign: &e.Foreign} }

var dialogTerminateShape = shape{kind: Notification, section: "4.3", attrs: []attrSpec{
	{"dialogid", anyString, true, ""},
	{"immediate", boolean, false, "false"},
}}

func (e *DialogTerminate) shape() *shape      { return &dialogTerminateShape }
func (e *DialogTerminate) attr(i int) *string { return [...]*string{&e.DialogID, &e.Immediate}[i] }
func (e *DialogTerminate) parts() parts       { return parts{foreign: &e.Foreign} }

var dialogExitShape = shape{kind: Notification, section: "4.4", attrs: ids(),
	rules: notBoth("4.4"), // [MSCP-4.4-2]
}

func (e *DialogExit) shape() *shape { return &dialogExitShape }
func (e *DialogExit) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID}[i]
}
func (e *DialogExit) parts() parts { return parts{namelist: &e.Namelist, foreign: &e.Foreign} }

var errorDialogShape = shape{kind: Notification, section: "4.5", attrs: ids(reason),
	rules: notBoth("4.5"), // [MSCP-4.5-2]
}

func (e *ErrorDialog) shape() *shape { return &errorDialogShape }
func (e *ErrorDialog) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID, &e.Reason}[i]
}
func (e *ErrorDialog) parts() parts { return parts{foreign: &e.Foreign} }

var dialogUserShape = shape{kind: Notification, section: "4.6", attrs: append([]attrSpec{{"name", eventName, true, ""}}, ids()...),
	rules: notBoth("4.6"), // [MSCP-4.6-1]
}

func (e *DialogUser) shape() *shape { return &dialogUserShape }
func (e *DialogUser) attr(i int) *string {
	return [...]*string{&e.EventName, &e.DialogID, &e.ConnectionID, &e.ConferenceID}[i]
}
func (e *DialogUser) parts() parts { return parts{namelist: &e.Namelist, foreign: &e.Foreign} }

var dialogDisconnectShape = shape{kind: Notification, section: "4.7", attrs: ids(),
	rules: notBoth("4.7"), // [MSCP-4.7-1]
}

func (e *DialogDisconnect) shape() *shape { return &dialogDisconnectShape }
func (e *DialogDisconnect) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID}[i]
}
func (e *DialogDisconnect) parts() parts { return parts{namelist: &e.Namelist, foreign: &e.Foreign} }

var dialogTransferShape = shape{kind: Notification, section: "4.8", attrs: ids(
	attrSpec{"type", anyString, true, ""},
	attrSpec{"uri", validURI, true, ""},
	attrSpec{"maxtime", duration, true, ""},
	attrSpec{"connecttimeout", duration, true, ""},
	attrSpec{"aai", anyString, false, ""},
),
	rules: notBoth("4.8"), // [MSCP-4.8-1]
}

func (e *DialogTransfer) shape() *shape { return &dialogTransferShape }
func (e *DialogTransfer) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID, &e.Type, &e.URI, &e.MaxTime, &e.ConnectTimeout, &e.AAI}[i]
}
func (e *DialogTransfer) parts() parts { return parts{namelist: &e.Namelist, foreign: &e.Foreign} }

var dialogTerminateTransferShape = shape{kind: Notification, section: "4.9", attrs: ids(
	attrSpec{"reason", terminateReason, true, ""}),
	rules: notBoth("4.9"), // [MSCP-4.9-1]
}

func (e *DialogTerminateTransfer) shape() *shape { return &dialogTerminateTransferShape }
func (e *DialogTerminateTransfer) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID, &e.Reason}[i]
}
func (e *DialogTerminateTransfer) parts() parts { return parts{foreign: &e.Foreign} }

var dialogTransferCompleteShape = shape{kind: Notification, section: "4.10", attrs: ids(
	attrSpec{"reason", completeReason, true, ""}),
	rules: notBoth("4.10"), // [MSCP-4.10-1]
}

func (e *DialogTransferComplete) shape() *shape { return &dialogTransferCompleteShape }
func (e *DialogTransferComplete) attr(i int) *string {
	return [...]*string{&e.DialogID, &e.ConnectionID, &e.ConferenceID, &e.Reason}[i]
}
func (e *DialogTransferComplete) parts() parts { return parts{foreign: &e.Foreign} }
