package conform

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/internal/scriptedas"
)

// An asFault is what an application server does wrong, and the strict case that must notice
// it first: a fault of the scripted one, or a change of what it sends.
type asFault struct {
	fails         string
	fault         scriptedas.Fault
	name          string // of a change
	sdp, pdu, sip func(string) string
	tls, info     bool // the channel goes over TLS, over INFO
	alone         bool // it disturbs every case, so that its own is run alone
}

// skips reports whether a case is about another kind of channel.
func (f asFault) skips(id string) bool {
	switch _, rest, _ := strings.Cut(id, "/"); {
	case rest == "7.2.1/15":
		return !f.tls
	case strings.HasPrefix(rest, "7.1/"):
		return !f.info
	case strings.HasPrefix(rest, "7.2"):
		return f.info
	}
	return false
}

func (f asFault) String() string { return f.name + string(f.fault) }

// config gives the scripted application server the fault.
func (f asFault) config(t *testing.T) func(*scriptedas.Config) {
	return func(c *scriptedas.Config) {
		c.Fault, c.SDP, c.PDU, c.SIP, c.Info = f.fault, f.sdp, withLength(f.pdu), f.sip, f.info
		if f.tls {
			identity, err := newCertificate()
			if err != nil {
				t.Fatal(err)
			}
			c.TLS = &identity
		}
	}
}

// withLength has the Content-Length of a PDU be that of its changed body.
func withLength(change func(string) string) func(string) string {
	if change == nil {
		return nil
	}
	return func(s string) string {
		head, body, ok := strings.Cut(change(s), "\r\n\r\n")
		if !ok {
			return head // a document in an INFO
		}
		return replaceRegexp("Content-Length: [0-9]+", "Content-Length: "+strconv.Itoa(len(body)))(head) + "\r\n\r\n" + body
	}
}

// asFaults has one fault for each strict case.
func asFaults() []asFault {
	return slices.Concat(asChannelFaults, asInfoFaults, asPDUFaults, asResultFaults, asPaperFaults, asDialogFaults, asTransferFaults, asConferenceFaults)
}

var asChannelFaults = []asFault{
	{fails: "mscp-as/7.2.1/1", name: "no m-line of a channel", sdp: replace("TCP/MS", "TCP/XX")},
	{fails: "mscp-as/7.2.1/2", name: "another port", sdp: replace("application 9 ", "application 5000 ")},
	{fails: "mscp-as/7.2.1/3", name: "another role", sdp: replace("setup:active", "setup:actpass")},
	{fails: "mscp-as/7.2.1/4", name: "an existing connection", sdp: replace("connection:new", "connection:existing")},
	{fails: "mscp-as/7.2.1/5", name: "no time", sdp: replace("t=0 0\r\n", "")},
	{fails: "mscp-as/7.2.1/6", fault: scriptedas.ConnectsToSIPAddress},
	{fails: "mscp-as/7.2.1/6", fault: scriptedas.ConnectsTwice},
	{fails: "mscp-as/7.2.1/7", fault: scriptedas.ConnectsToActive},
	{fails: "mscp-as/7.2.1/11", fault: scriptedas.ReusesCallID},
	{fails: "mscp-as/7.2.1/12", fault: scriptedas.EndsSilently},
	{fails: "mscp-as/7.2.1/12", fault: scriptedas.LeavesConnection},
	{fails: "mscp-as/7.2.1/13", fault: scriptedas.ClosesWhenIdle},
	{fails: "mscp-as/7.2.1/15", fault: scriptedas.TrustsAnyCertificate, tls: true},
}

var asInfoFaults = []asFault{
	{fails: "mscp-as/7.1/1", fault: scriptedas.DropsInfo, info: true, alone: true},
	{fails: "mscp-as/7.1/2", fault: scriptedas.CountsSendMsgApart, info: true},
	{fails: "mscp-as/7.1/3", fault: scriptedas.TakesResponsesInOrder, info: true},
	{fails: "mscp-as/7.1/4", fault: scriptedas.EndsOnStrangeInfo, info: true},
	{fails: "mscp-as/7.1/5", fault: scriptedas.ForgetsOutstanding, info: true},
}

var asPDUFaults = []asFault{
	{fails: "mscp-as/3.2/1", fault: scriptedas.WritesUnescaped},
	{fails: "mscp-as/3.2/2", name: "Latin-1", pdu: replace("j%C3%B6rg", "j\xf6rg")},
	{fails: "mscp-as/3.3/1", fault: scriptedas.RefusesForeign},
	{fails: "mscp-as/3.3/2", fault: scriptedas.MatchesText},
	{fails: "mscp-as/7.2.2/1", fault: scriptedas.InterleavesPDUs},
	{fails: "mscp-as/7.2.2/2", fault: scriptedas.ReadsOneSegment},
	{fails: "mscp-as/7.2.2/3", fault: scriptedas.DropsRestOfSegment},
	{fails: "mscp-as/7.2.2/4", fault: scriptedas.NeedsContentTypeFirst},
	{fails: "mscp-as/7.2.3/1", fault: scriptedas.CountsSendMsgApart},
	{fails: "mscp-as/7.2.3/2", fault: scriptedas.AnswersNotifications},
	{fails: "mscp-as/7.2.3/3", fault: scriptedas.AnswersRequests},
	{fails: "mscp-as/7.2.4/1", fault: scriptedas.TakesResponsesInOrder},
	{fails: "mscp-as/7.2.4/2", fault: scriptedas.EndsOnSurprise},
	{fails: "mscp-as/7.2.5/1", fault: scriptedas.HangsOnNotification},
}

var asResultFaults = []asFault{
	{fails: "mscp-as/2.1/1", fault: scriptedas.TakesErrors},
	{fails: "mscp-as/7.2.4/3", fault: scriptedas.Takes400},
	{fails: "mscp-as/7.2.4/4", fault: scriptedas.Takes500},
	{fails: "mscp-as/7.2.4/5", fault: scriptedas.TakesAnyElement},
	{fails: "mscp-as/7.2.4/6", fault: scriptedas.TakesAnyIDs},
	{fails: "mscp-as/7.2.4/7", fault: scriptedas.TakesMalformed},
	{fails: "mscp-as/7.2.4/8", fault: scriptedas.WaitsForever},
	{fails: "mscp-as/7.2.4/9", fault: scriptedas.ForgetsOutstanding},
}

var asPaperFaults = []asFault{
	{fails: "mscp-as/2.3.1/1", fault: scriptedas.SwapsTags},
	{fails: "mscp-as/2.3.1/2", fault: scriptedas.NamesBeforeAck},
	{fails: "paper-as/2.3.2/1", fault: scriptedas.OwnOffer},
	{fails: "paper-as/2.3.2/1", fault: scriptedas.OwnAnswer},
	{fails: "paper-as/2.3.4/1", fault: scriptedas.KeepsURIForm},
	{fails: "paper-as/2.3.4/2", fault: scriptedas.AnswersTooEarly},
	{fails: "paper-as/2.3.4/3", fault: scriptedas.KeepsLegOfRefused},
	{fails: "paper-as/2.2/1", fault: scriptedas.EndsStoreSessions},
	{fails: "paper-as/2.2/1", fault: scriptedas.KeepsLegOfCaller},
	{fails: "paper-as/2.3.3/1", fault: scriptedas.IgnoresWeights},
	{fails: "paper-as/2.2/2", fault: scriptedas.CallsInOwnName},
	{fails: "paper-as/2.2/2", fault: scriptedas.SwallowsAnswer},
	{fails: "paper-as/2.2/3", fault: scriptedas.LeavesPushLegs},
	{fails: "paper-as/2.2/4", fault: scriptedas.LeavesFailedLegs},
	{fails: "paper-as/2.2/4", fault: scriptedas.ForgetsRefused},
	{fails: "paper-as/2.2/5", fault: scriptedas.LeavesMediaLeg},
	{fails: "paper-as/2.2/6", fault: scriptedas.PushesTwice, alone: true},
	{fails: "paper-as/2.1/1", fault: scriptedas.PushesToAbsent, alone: true},
	{fails: "paper-as/2.3.3/2", fault: scriptedas.PushesElsewhere},
}

var asDialogFaults = []asFault{
	{fails: "mscp-as/4.1/1", fault: scriptedas.TwoSources},
	{fails: "mscp-as/4.1/2", fault: scriptedas.IgnoresNotPrepared},
	{fails: "mscp-as/4.2/1", fault: scriptedas.StartsAnotherDialog},
	{fails: "mscp-as/4.2/2", fault: scriptedas.StartsOnCallersID},
	{fails: "mscp-as/4.2/3", fault: scriptedas.IgnoresNotStarted},
	{fails: "mscp-as/4.2/4", fault: scriptedas.IgnoresWrongState},
	{fails: "mscp-as/4.3/1", fault: scriptedas.NeverTerminates},
	{fails: "mscp-as/4.3/1", fault: scriptedas.TerminatesAnother},
	{fails: "mscp-as/4.3/2", fault: scriptedas.ServesEndedDialogs},
	{fails: "mscp-as/4.4/1", fault: scriptedas.IgnoresExit},
	{fails: "mscp-as/4.4/2", fault: scriptedas.DropsEarlyNotifications},
	{fails: "mscp-as/4.5/1", fault: scriptedas.IgnoresErrorDialog},
	{fails: "mscp-as/4.6/1", fault: scriptedas.EndsOnDialogUser},
	{fails: "mscp-as/4.7/1", fault: scriptedas.IgnoresDisconnect},
}

var asTransferFaults = []asFault{
	{fails: "mscp-as/4.8.1/1", fault: scriptedas.NeverRefers},
	{fails: "mscp-as/4.8.1/1", fault: scriptedas.RefersElsewhere},
	{fails: "mscp-as/4.8.2/1", fault: scriptedas.NeverJoinsCallee},
	{fails: "mscp-as/4.8.2/1", fault: scriptedas.JoinsCalleeToDialog},
	{fails: "mscp-as/4.8.2/2", fault: scriptedas.NeverRejoins},
	{fails: "mscp-as/4.8.2/3", fault: scriptedas.KeepsCallee},
	{fails: "mscp-as/4.9/1", fault: scriptedas.IgnoresTerminateTransfer},
	{fails: "mscp-as/4.10/1", fault: scriptedas.SaysNetworkBusyForBusy},
	{fails: "mscp-as/4.10/2", fault: scriptedas.SaysBusyForNetworkBusy},
	{fails: "mscp-as/4.10/3", fault: scriptedas.SaysBusyForNoAnswer},
	{fails: "mscp-as/4.10/3", fault: scriptedas.NeverCancels},
	{fails: "mscp-as/4.10/4", fault: scriptedas.IgnoresMaxTime},
}

var asConferenceFaults = []asFault{
	{fails: "mscp-as/5.1/1", fault: scriptedas.BadReservation},
	{fails: "mscp-as/5.1/1", fault: scriptedas.JoinsCallersID},
	{fails: "mscp-as/5.1/2", fault: scriptedas.UsesDestroyedConference},
	{fails: "mscp-as/5.1/3", fault: scriptedas.IgnoresNotCreated},
	{fails: "mscp-as/5.2/1", fault: scriptedas.NeverDestroys},
	{fails: "mscp-as/5.3/1", fault: scriptedas.JoinsAnotherConference},
	{fails: "mscp-as/5.3/2", fault: scriptedas.IgnoresNotJoined},
	{fails: "mscp-as/5.3/2", fault: scriptedas.ThrowsEverybodyOut},
	{fails: "mscp-as/5.3/3", fault: scriptedas.MutesByUnjoin},
	{fails: "mscp-as/5.4/1", fault: scriptedas.KeepsMediaOfLeaver},
	{fails: "mscp-as/5.5/1", fault: scriptedas.FloorToNobody},
	{fails: "mscp-as/5.5/2", fault: scriptedas.EmptiesOnConferenceUser},
}

// TestASFaults has each fault noticed by its case, with -faults.first first by it, and each
// strict case notice one.
func TestASFaults(t *testing.T) {
	sideBySide(t)
	if testing.Short() || raceDetector {
		t.Skip("it runs the cases up to that for each fault")
	}
	noticed := map[string]bool{}
	for _, f := range asFaults() {
		noticed[f.fails] = true
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			target := scripted(t, f.config(t))
			if !strings.HasPrefix(f.fails, "mscp-as/4.") && !strings.HasPrefix(f.fails, "mscp-as/5.") {
				target.Dialog, target.Conference = "", "" // one that serves neither
			}
			var only []string
			if f.alone || !*firstNoticed {
				only = []string{f.fails}
			}
			if r, err := firstFailure(t.Context(), target, 3*time.Second, only...); r.ID != f.fails {
				t.Errorf("it is noticed first by %q, not %s: %v, %s\n%s", r.ID, f.fails, err, r.Detail, r.Wire)
			}
		})
	}
	cases, end := MSCPAS(ASTarget{})
	defer end()
	for _, c := range strict(cases) {
		if !noticed[c.ID] {
			t.Errorf("no fault is for %s", c.ID)
		}
	}
}
