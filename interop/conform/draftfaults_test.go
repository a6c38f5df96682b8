package conform

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/mscp"
)

// draftFaults were written from the draft, section by section, without regard to the
// cases: what a media server may get wrong.
var draftFaults = []fault{
	{name: "3.2: version 1.1", out: replace(`version="1.0"`, `version="1.1"`)},
	{name: "3.2: a notification in a response, as section 6.1 has it", out: func(s string) string {
		if strings.HasPrefix(s, "NOTIF") {
			return strings.NewReplacer("<notification>", "<response>", "</notification>", "</response>").Replace(s)
		}
		return s
	}},
	{name: "3.2: ids come back in upper case", out: func(s string) string {
		return regexp.MustCompile(`<response id="[^"]*"`).ReplaceAllStringFunc(s, func(m string) string {
			return "<response id=" + strings.ToUpper(strings.TrimPrefix(m, "<response id="))
		})
	}},
	{name: "3.2: a prefix that is not declared", out: replaceRegexp(`(?s)<mscp (.*)</mscp>`, "<m:mscp $1</m:mscp>")},
	{name: "3.2: text in the response", out: replace("<response>", "<response>ok")},
	{name: "3.2: an XML declaration is refused", answer: when(`<\?xml`, bad)},
	{name: "3.2: what is sent is declared to be Latin-1", out: replace("<mscp ", `<?xml version="1.0" encoding="ISO-8859-1"?><mscp `)},
	{name: "4.1: a script within src is refused", answer: when(`<dialogprepare><src>`, with(`<errordialognotprepared dialogid="d" reason="no script"/>`))},
	{name: "4.1: namelist is refused", answer: when(`<namelist>`, bad)},
	{name: "4.2: the dialogid is not the prepareddialogid", answer: when(`prepareddialogid=`, replaceRegexp(`<dialogstarted dialogid="[^"]*"`, `<dialogstarted dialogid="other"`))},
	{name: "4.2: all dialogs have one id", out: oneDialog()},
	{name: "4.2: the reason is empty", out: replaceRegexp(` reason="[^"]*"`, ` reason=""`)},
	{name: "4.4: dialogexit has no dialogid", out: replaceRegexp(`<dialogexit dialogid="[^"]*"`, "<dialogexit")},
	{name: "4.4: dialogexit names another connection", out: replaceRegexp(`(<dialogexit [^>]*)connectionid="[^"]*"`, `${1}connectionid="a;b;c"`)},
	{name: "4.4: dialogexit names two end points", out: replaceRegexp(`(<dialogexit [^>]*connectionid="[^"]*")`, `$1 conferenceid="c"`)},
	{name: "4.5: errordialog has no reason", out: replaceRegexp(`(<errordialog dialogid=[^>]*) reason="[^"]*"`, "$1")},
	{name: "4.8: connecttimeout without a unit", out: replace(`connecttimeout="20s"`, `connecttimeout="20"`)},
	{name: "5.1: a channel has one conference", number: func(c *flawed, _ int) string { return fmt.Sprintf("conf-%d", c.nth) }},
	{name: "5.1: reservedlisteners is not taken", answer: when(`reservedlisteners="`, bad)},
	{name: "5.2: destroyconference is not answered", answer: when(`<destroyconference`, nothing)},
	{name: "5.2: an unknown conference gets 400", answer: when(`<destroyconference conferenceid="conform-`, bad)},
	{name: "5.3: id1 and id2 change places", out: replaceRegexp(`(<conferencejoined) id1="([^"]*)" id2="([^"]*)"`, `$1 id1="$3" id2="$2"`)},
	{name: "5.3: streams are not taken", answer: when(`<join [^>]*><stream`, bad)},
	{name: "5.4: unjoin removes nobody", handle: func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		if u, ok := req.(*mscp.Unjoin); ok && strings.HasPrefix(u.ID1, "conference-") && strings.Contains(u.ID2, ";") {
			return &mscp.ConferenceUnjoined{ID1: u.ID1, ID2: u.ID2}, nil
		}
		return serve(req)
	}},
	{name: "7.2: one channel at a time", sdp: oneAtATime},
	{name: "7.2.1: a=setup:actpass", sdp: inAnswer("", replace("setup:passive", "setup:actpass"))},
	{name: "7.2.1: no c=", sdp: inAnswer("", replaceRegexp("c=IN.*\r\n", ""))},
	{name: "7.2.2: Content-Length counts characters", out: func(s string) string {
		if head, body, ok := strings.Cut(s, "\r\n\r\n"); ok && len(body) != len([]rune(body)) {
			return contentLength.ReplaceAllString(head, fmt.Sprintf("Content-Length: %d", len([]rune(body)))) + "\r\n\r\n" + body
		}
		return s
	}, verbatim: true},
	{name: "7.2.3: the media server sends requests", out: func(s string) string {
		if strings.HasPrefix(s, "NOTIF") {
			return s + pdu("REQ MSCP/1.0 1", document("request", unjoin))
		}
		return s
	}},
	{name: "7.2.4: two blanks before the request-id", out: replaceRegexp(`^(MSCP/1.0 [0-9]+ [A-Za-z ]+) ([0-9]+)\r\n`, "$1  $2\r\n")},
	{name: "7.2.5: a notification has a request-id", out: replace("NOTIF MSCP/1.0\r\n", "NOTIF MSCP/1.0 5\r\n")},
}

// oneDialog gives all dialogs one id.
func oneDialog() func(string) string {
	ids := regexp.MustCompile(`dialog-[A-Z2-7]{20,}`)
	return func(s string) string { return ids.ReplaceAllString(s, "dialog-1") }
}

// oneAtATime refuses a channel while there is another.
func oneAtATime(s *servingMS, offer, sdp string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.flawed {
		select {
		case <-f.ended:
		default:
			if strings.Contains(offer, "connection:new") {
				return regexp.MustCompile("m=application [0-9]+").ReplaceAllString(sdp, "m=application 0")
			}
		}
	}
	return sdp
}

// leastNoticed is how many of the draft's faults are to be noticed.
const leastNoticed = 27

// TestDraftFaults tells how many of the faults that were written without regard to the
// cases make the strict run fail.
func TestDraftFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs all cases for each fault")
	}
	type found struct{ name, id, detail string }
	results := make(chan found, len(draftFaults))
	t.Run("faults", func(t *testing.T) {
		for _, f := range draftFaults {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				r := first(t, f, 3*time.Second)
				results <- found{f.name, r.ID, r.Detail}
			})
		}
	})
	close(results)
	noticed := 0
	for r := range results {
		if r.id != "" {
			noticed++
			t.Logf("%s: noticed by %s: %.100s", r.name, r.id, r.detail)
		} else {
			t.Logf("%s: not noticed", r.name)
		}
	}
	t.Logf("%d of %d faults are noticed", noticed, len(draftFaults))
	if noticed < leastNoticed || len(draftFaults) < 30 {
		t.Errorf("%d of %d faults are noticed, not %d of at least 30", noticed, len(draftFaults), leastNoticed)
	}
}
