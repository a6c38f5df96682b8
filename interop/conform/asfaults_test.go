package conform

import (
	"context"
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
	tls           bool // the channel goes over TLS
}

func (f asFault) String() string { return f.name + string(f.fault) }

// config gives the scripted application server the fault.
func (f asFault) config(t *testing.T) func(*scriptedas.Config) {
	return func(c *scriptedas.Config) {
		c.Fault, c.SDP, c.PDU, c.SIP = f.fault, f.sdp, withLength(f.pdu), f.sip
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
			return head
		}
		return replaceRegexp("Content-Length: [0-9]+", "Content-Length: "+strconv.Itoa(len(body)))(head) + "\r\n\r\n" + body
	}
}

// asFaults has one fault for each strict case.
func asFaults() []asFault {
	return slices.Concat(asChannelFaults, asPDUFaults, asResultFaults, asPaperFaults)
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
	{fails: "paper-as/2.3.3/2", fault: scriptedas.PushesElsewhere},
}

// firstOfAS is the first strict case that fails for an application server, and why.
func firstOfAS(t *testing.T, target ASTarget) Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cases, end := MSCPAS(target)
	defer end()
	var found Result
	o := Options{Timeout: 3 * time.Second, OnResult: func(r Result) {
		if r.Counts(Options{}) {
			found = r
			cancel()
		}
	}}
	if _, err := Run(ctx, strict(cases), o); err != nil && found.ID == "" {
		t.Fatal(err)
	}
	return found
}

// TestASFaults has each fault noticed first by its case, and each strict case notice one.
func TestASFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the cases up to that for each fault")
	}
	noticed := map[string]bool{}
	for _, f := range asFaults() {
		noticed[f.fails] = true
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			if r := firstOfAS(t, scripted(t, f.config(t))); r.ID != f.fails {
				t.Errorf("it is noticed first by %q, not %s: %s\n%s", r.ID, f.fails, r.Detail, r.Wire)
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
