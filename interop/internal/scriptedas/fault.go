package scriptedas

import "time"

// A Fault is one rule that the server breaks; the value says how.
type Fault string

// lateAck is by how much an ACK is late, for faults.
const lateAck = 400 * time.Millisecond

// Faults of the control channel.
const (
	ConnectsToSIPAddress Fault = "it connects to where SIP is taken, whatever the answer's c= says"
	ConnectsTwice        Fault = "it makes two connections"
	ConnectsToActive     Fault = "it connects to a media server whose answer is setup:active"
	TrustsAnyCertificate Fault = "it takes any certificate"
	KeepsVersion         Fault = "its new offer has the old version"
	NeverReoffers        Fault = "it makes no new offer for a connection that was closed"
	ReusesCallID         Fault = "its new dialog has the Call-ID of the last"
	StaysAway            Fault = "it sets no channel up again"
	EndsSilently         Fault = "it ends without BYE"
	LeavesConnection     Fault = "it leaves the connection open after BYE"
	ClosesWhenIdle       Fault = "it closes a connection that nothing has gone over for a while"
)

// Faults in reading PDUs and documents.
const (
	ReadsOneSegment       Fault = "it takes what one read gives for a PDU"
	DropsRestOfSegment    Fault = "it drops what follows a PDU in the same segment"
	NeedsContentTypeFirst Fault = "it needs Content-Type before Content-Length"
	DropsInfo             Fault = "it does not look into an INFO"
	EndsOnStrangeInfo     Fault = "it stops listening after an INFO that it does not understand"
	AnswersNotifications  Fault = "it answers dialoguser"
	AnswersRequests       Fault = "it answers a request of the media server"
	TakesResponsesInOrder Fault = "it takes responses in the order of its requests"
	EndsOnSurprise        Fault = "it ends the channel for a response that nobody asked for"
	HangsOnNotification   Fault = "it stops reading after a notification that it does not know"
	RefusesForeign        Fault = "it refuses a response with foreign attributes"
	MatchesText           Fault = "it looks for <MsgRestored in the text of a document"
	InterleavesPDUs       Fault = "it writes head and body of PDUs apart, and those of others between"
	CountsSendMsgApart    Fault = "it numbers SendMsg by a count of its own"
	WritesUnescaped       Fault = "it writes & in attributes as it is"
)

// Faults in what it makes of responses.
const (
	Takes400           Fault = "it takes a 400 for success"
	Takes500           Fault = "it takes a 500 for success"
	TakesErrors        Fault = "it takes an error element in a 200 for success"
	TakesAnyElement    Fault = "it takes the answer to another request for success"
	TakesAnyIDs        Fault = "it takes an answer about another connection for success"
	TakesMalformed     Fault = "it takes a document that is not well-formed for success"
	WaitsForever       Fault = "it waits for a response without a bound"
	ForgetsOutstanding Fault = "it never resolves what is outstanding when the connection ends"
)

// Faults of store sessions.
const (
	SwapsTags         Fault = "it names a connection with its tags the wrong way round"
	NamesBeforeAck    Fault = "it names a connection before its ACK"
	OwnOffer          Fault = "it changes the caller's offer"
	OwnAnswer         Fault = "it changes the media server's answer"
	KeepsURIForm      Fault = "it takes URIs as they are written"
	AnswersTooEarly   Fault = "it waits for MsgRestored an eighth of its time"
	AnswersFirst      Fault = "it answers the caller before RestoreMsg"
	NeverRefuses      Fault = "it never answers a caller whose session was refused"
	KeepsLegOfRefused Fault = "it keeps the media server's leg of a session that was refused"
	KeepsLegOfCaller  Fault = "it keeps the media server's leg of a caller who has hung up"
	EndsStoreSessions Fault = "it ends a store session by itself"
	IgnoresWeights    Fault = "it takes all media servers for equal"
)

// Faults of push sessions.
const (
	OffersInPush     Fault = "its INVITE to the media server has an offer"
	CallsInOwnName   Fault = "it calls the user in its own name"
	SwallowsAnswer   Fault = "the media server's ACK has no answer"
	LeavesPushLegs   Fault = "it does not end the legs after MsgSended"
	LeavesFailedLegs Fault = "it does not end the legs after MsgNotSended"
	ForgetsRefused   Fault = "it takes messages that were not delivered for delivered"
	LeavesMediaLeg   Fault = "it leaves the media server's leg alone when the user refuses"
	PushesElsewhere  Fault = "it has the other media server deliver"
)

// Faults of dialogs.
const (
	TwoSources              Fault = "dialogprepare has two sources"
	StartsAnotherDialog     Fault = "dialogstart names another dialog than the prepared one"
	SourceBesidePrepared    Fault = "dialogstart has a source beside prepareddialogid"
	StartsOnCallersID       Fault = "dialogstart names the caller's own dialog"
	IgnoresNotPrepared      Fault = "it goes on after errordialognotprepared"
	IgnoresNotStarted       Fault = "it keeps the call after errordialognotstarted"
	IgnoresWrongState       Fault = "it keeps the call after errordialogwrongstate"
	IgnoresExit             Fault = "it keeps the call after dialogexit"
	IgnoresErrorDialog      Fault = "it keeps the call after errordialog"
	DropsEarlyNotifications Fault = "it drops notifications that come while it waits for a response"
	NeverTerminates         Fault = "it does not end a dialog whose caller is gone"
	TerminatesAnother       Fault = "it ends another dialog"
	ServesEndedDialogs      Fault = "it does what the notifications of an ended dialog ask for"
	EndsOnDialogUser        Fault = "it ends the call for dialoguser"
	IgnoresDisconnect       Fault = "it does nothing about dialogdisconnect"
)

// Faults of transfers.
const (
	NeverRefers              Fault = "it sends no REFER"
	RefersElsewhere          Fault = "its REFER names somebody else"
	NeverJoinsCallee         Fault = "it does not join the callee"
	JoinsCalleeToDialog      Fault = "it joins the callee with the dialog"
	NeverRejoins             Fault = "it does not join the caller and the dialog again when the callee has hung up"
	IgnoresTerminateTransfer Fault = "it does nothing about dialogterminatetransfer"
	KeepsCallee              Fault = "it keeps the callee"
	NeverCancels             Fault = "it never cancels"
	SaysNetworkBusyForBusy   Fault = "it says network_busy for a 486"
	SaysBusyForNetworkBusy   Fault = "it says busy for a 6xx"
	SaysBusyForNoAnswer      Fault = "it says busy for a callee who does not answer"
	IgnoresMaxTime           Fault = "it lets a transfer go on beyond maxtime"
)

// Faults of conferences.
const (
	BadReservation          Fault = "createconference reserves -5 talkers"
	IgnoresNotCreated       Fault = "it goes on after errorconferencecreate"
	IgnoresNotJoined        Fault = "it answers a caller who was not joined"
	ThrowsEverybodyOut      Fault = "it ends all calls when one cannot be joined"
	JoinsAnotherConference  Fault = "it joins the second caller to another conference"
	JoinsCallersID          Fault = "it joins the caller's own dialog"
	KeepsMediaOfLeaver      Fault = "it keeps the media server's leg of a caller who has left"
	NeverDestroys           Fault = "it never destroys a conference"
	DestroysAnother         Fault = "it destroys another conference"
	UsesDestroyedConference Fault = "it joins callers to a conference that it has destroyed"
	MutesByUnjoin           Fault = "it mutes a member by unjoin"
	EmptiesOnConferenceUser Fault = "it ends all calls for conferenceuser"
	FloorToNobody           Fault = "it gives the floor to somebody who is not there"
)

// Faults that no case was written for.
const (
	SendsMsgBeforeAck    Fault = "it sends SendMsg before the ACK that brings the answer"
	PushesTwice          Fault = "it delivers once more what was delivered"
	PushesToAbsent       Fault = "it calls users who have not come back"
	AnnouncesTwice       Fault = "it sends RestoreMsg twice for a session"
	NamesOneConnection   Fault = "it names one connection for all sessions"
	AnswersWithoutSDP    Fault = "its 200 to the caller has no answer"
	NeverSubscribes      Fault = "it never learns that a user has come back"
	KeepsMediaAfterExit  Fault = "it keeps the media server's leg after dialogexit"
	RefusesWithoutEnding Fault = "it leaves a caller whose dialog did not start alone"
	AcksBridgeLate       Fault = "it joins the callee before the ACK to the media server"
)
