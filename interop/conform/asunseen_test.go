package conform

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomscp/gomscp/interop/internal/scriptedas"
)

// unseenASFaults are those that were not thought of while the cases were written.
var unseenASFaults = []asFault{
	{name: "no version", pdu: replace(` version="1.0"`, "")},
	{name: "another namespace", pdu: replace("urn:ietf:mscp", "urn:ietf:mscp2")},
	{name: "another content type", pdu: replace("application/mscp+xml", "text/xml")},
	{name: "MSCP/1.1", pdu: replace("MSCP/1.0", "MSCP/1.1")},
	{name: "lines that end with LF", pdu: func(s string) string {
		head, body, _ := strings.Cut(s, "\r\n\r\n")
		return strings.ReplaceAll(head, "\r\n", "\n") + "\n\r\n\r\n" + body
	}},
	{name: "a request-id with letters", pdu: replaceRegexp("(?m)^REQ MSCP/1.0 ", "REQ MSCP/1.0 a")},
	{name: "two requests in a document", pdu: replaceRegexp(`(<RestoreMsg[^>]*>)`, "$1$1")},
	{name: "another encoding", pdu: replace("<mscp ", `<?xml version="1.0" encoding="ISO-8859-1"?><mscp `)},
	{name: "an attribute of none", pdu: replace("<request>", `<request tag="a">`)},
	{name: "a RestoreMsg without connection-id", pdu: replaceRegexp(` connection-id="[^"]*"`, "")},
	{name: "commas in connection-id", pdu: func(s string) string { return replaceRegexp(`(connection-id="[^";]*);([^";]*);`, "$1,$2,")(s) }},
	{name: "a RestoreMsg of the draft's namespace", pdu: replace(` xmlns="urn:x-mscp:offline-message:1"`, "")},
	{name: "no from-uri", pdu: replaceRegexp(`from-uri="[^"]*"`, `from-uri=""`)},
	{name: "falling request-ids", pdu: falling()},
	{name: "one request-id", pdu: replaceRegexp("(?m)^REQ MSCP/1.0 [0-9]+", "REQ MSCP/1.0 7")},
	{name: "an end tag too few", pdu: replace("</mscp>", "")},
	{name: "UDP", sdp: replace("TCP/MS", "UDP/MS")},
	{name: "no o=", sdp: replaceRegexp("o=[^\r]*\r\n", "")},
	{name: "setup:passive", sdp: replace("setup:active", "setup:passive")},
	{name: "no connection attribute", sdp: replace("a=connection:new\r\n", "")},
	{name: "SDP lines that end with LF", sdp: replace("\r\n", "\n")},
	{name: "immediate=\"yes\"", pdu: replace(`immediate="false"`, `immediate="yes"`)},
	{name: "a reason of its own", pdu: replace(`reason="noanswer"`, `reason="no-answer"`)},
	{name: "the caller joined to themselves", pdu: replaceRegexp(`<join id1="([^"]*)" id2="[^"]*"`, `<join id1="$1" id2="$1"`)},
	{fault: scriptedas.OffersInPush},
	{fault: scriptedas.AnswersFirst},
	{fault: scriptedas.NeverRefuses},
	{fault: scriptedas.StaysAway},
	{fault: scriptedas.SourceBesidePrepared},
	{fault: scriptedas.DestroysAnother},
	{fault: scriptedas.SendsMsgBeforeAck},
	{fault: scriptedas.AnnouncesTwice},
	{fault: scriptedas.NamesOneConnection},
	{fault: scriptedas.AnswersWithoutSDP},
	{fault: scriptedas.NeverSubscribes},
	{fault: scriptedas.KeepsMediaAfterExit},
	{fault: scriptedas.RefusesWithoutEnding},
	{fault: scriptedas.AcksBridgeLate},
}

// falling numbers requests downwards.
func falling() func(string) string {
	var n atomic.Int64
	n.Store(1 << 20)
	return func(s string) string {
		if !strings.HasPrefix(s, "REQ ") {
			return s
		}
		return replaceRegexp("^REQ MSCP/1.0 [0-9]+", "REQ MSCP/1.0 "+strconv.FormatInt(n.Add(-1), 10))(s)
	}
}

// TestASUnseenFaults has each of them noticed by some strict case.
func TestASUnseenFaults(t *testing.T) {
	sideBySide(t)
	if !*firstNoticed {
		t.Skip("it runs the cases for each fault; see -faults.first")
	}
	for _, f := range unseenASFaults {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			if r, err := firstFailure(t.Context(), scripted(t, f.config(t)), 3*time.Second); r.ID == "" {
				t.Errorf("no case notices it: %v", err)
			}
		})
	}
}

// firstFailure is the first strict case that fails for an application server, of all or of
// some.
func firstFailure(ctx context.Context, target ASTarget, timeout time.Duration, only ...string) (found Result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cases, end := MSCPAS(target)
	defer end()
	if cases, err = Select(cases, only...); err != nil {
		return found, err
	}
	_, err = Run(ctx, strict(cases), Options{Timeout: timeout, OnResult: func(r Result) {
		if r.Counts(Options{}) {
			found = r
			cancel()
		}
	}})
	return found, err
}
