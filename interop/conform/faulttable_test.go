package conform

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gomscp/gomscp/mscp"
)

// when changes the responses to requests that match a pattern.
func when(pattern string, with func(resp string) string) func(req, resp string) string {
	re := regexp.MustCompile(pattern)
	return func(req, resp string) string {
		if re.MatchString(req) {
			return with(resp)
		}
		return resp
	}
}

// responding is a response of a status with an element, to the request of another.
func responding(start, element string) func(resp string) string {
	return func(resp string) string {
		id := startID.FindStringSubmatch(resp)
		if id == nil {
			return resp
		}
		return pdu("MSCP/1.0 "+start+" "+id[1], document("response", element))
	}
}

// with answers 200 with an element.
func with(element string) func(string) string { return responding("200 OK", element) }

// bad answers 400.
var bad = responding("400 Bad Request", `<e:error xmlns:e="urn:conform" reason="it is not liked"/>`)

func twice(resp string) string { return resp + resp }

func nothing(string) string { return "" }

// told says a response when a PDU matches that is no request.
func told(pattern string) func(*flawed, string, bool) string {
	re := regexp.MustCompile(pattern)
	return func(c *flawed, s string, _ bool) string {
		if re.MatchString(s) {
			c.say(pdu("MSCP/1.0 200 OK 1", document("response", unjoined)))
		}
		return s
	}
}

var (
	protocolFaults = []fault{
		{name: "join is answered as unjoin", fails: "mscp/2.1/1", answer: when(`<join id1="conform-a"`, replace("errorconferencejoin", "errorconferenceunjoin"))},
		{name: "everything is refused", fails: "mscp/2.1/2", handle: refuseAll},
		{name: "every id is a connection's", fails: "mscp/2.3.1/1", anyConnection: true},
		{name: "connections outlive their dialogs", fails: "mscp/2.3.1/2", immortal: true},
		{name: "ids of conferences are counted by channel", fails: "mscp/2.3.1/3", number: func(c *flawed, _ int) string { return fmt.Sprintf("conf-%d", len(c.given)) }},
		{name: "ids of conferences come again after some channels", fails: "mscp/2.3.1/4", number: func(c *flawed, _ int) string { return fmt.Sprintf("conf-%d-%d", c.nth%3, len(c.given)) }},
		{name: "ids of conferences are counted from the start", fails: "mscp/2.3.1/5", number: func(_ *flawed, n int) string { return fmt.Sprintf("conf-%d", n) }},
		{name: "the twentieth of many requests is lost", fails: "mscp/3.1/1", in: func(c *flawed, s string, _ bool) string {
			if len(c.order) == 20 {
				return ""
			}
			return s
		}},
		{name: "dialogterminate is answered", fails: "mscp/3.1/2", in: told(`^NOTIF(?s:.*)dialogterminate dialogid="conform-none"/`)},
		{name: "every application server is told of every dialog", fails: "mscp/3.1/3", notify: func(s *servingMS, e mscp.Element, _ func(mscp.Element)) { s.tellAll(e) }},
		{name: "Latin-1 is sent", fails: "mscp/3.2/1", out: replace("né", "n\xe9")},
		{name: "a 400 has no version", fails: "mscp/3.2/2", out: func(s string) string {
			if strings.Contains(s, " 400 ") {
				return strings.Replace(s, ` version="1.0"`, "", 1)
			}
			return s
		}},
		{name: "conferencedestroyed has company", fails: "mscp/3.2/3", out: replaceRegexp(`(<conferencedestroyed [^>]*></conferencedestroyed>)`, "$1$1")},
		{name: "an id in the XML", fails: "mscp/3.2/4", out: replace("<response>", `<response id="a">`)},
		{name: "no id in the XML", fails: "mscp/3.2/5", out: replaceRegexp(`<response id="[^"]*"`, "<response")},
		{name: "two requests are taken as one", fails: "mscp/3.2/6", answer: when(`</request><request>`, with(unjoined))},
		{name: "an empty request is taken", fails: "mscp/3.2/7", answer: when(`<request></request>`, with(unjoined))},
		{name: "a response is taken as a request", fails: "mscp/3.2/8", answer: when(`<response><conferencejoined`, with(unjoined))},
		{name: "prefixes are not known", fails: "mscp/3.2/10", answer: when(`<m:mscp`, bad)},
		{name: "what is no XML is taken", fails: "mscp/3.3/1", answer: when(`no XML at all`, with(unjoined))},
		{name: "foreign attributes are refused", fails: "mscp/3.3/3", answer: when(`v:id1=`, bad)},
		{name: "foreign elements are refused", fails: "mscp/3.3/4", answer: when(`<v:x [^>]*><stream`, bad)},
		{name: "foreign elements beside the request are refused", fails: "mscp/3.3/5", answer: when(`<v:x [^>]*/><unjoin`, bad)},
	}
	prepareFaults = []fault{
		{name: "dialogprepared has no dialogid", fails: "mscp/4.1/1", out: replaceRegexp(`<dialogprepared dialogid="[^"]*"`, "<dialogprepared")},
		{name: "the connectionid of dialogprepare is lost", fails: "mscp/4.1/2", answer: when(`<dialogprepare [^>]*connectionid="conform;1;2"`, replaceRegexp(` connectionid="[^"]*"`, ""))},
		{name: "the conferenceid of dialogprepare is lost", fails: "mscp/4.1/3", answer: when(`<dialogprepare [^>]*conferenceid=`, replaceRegexp(` conferenceid="[^"]*"`, ""))},
		{name: "dialogprepare takes two documents", fails: "mscp/4.1/4", answer: when(`<dialogprepare [^>]*><src>`, with(`<dialogprepared dialogid="d"/>`))},
		{name: "dialogprepare takes none", fails: "mscp/4.1/5", answer: when(`<dialogprepare/>`, with(`<dialogprepared dialogid="d"/>`))},
		{name: "dialogprepare takes two end points", fails: "mscp/4.1/6", answer: when(`<dialogprepare [^>]*connectionid=[^>]*conferenceid=`, with(`<dialogprepared dialogid="d"/>`))},
		{name: "an unknown item has dialogprepare refused", fails: "mscp/4.1/7", answer: when(`<dialogprepare(?s:.*)conform.unheard.of`, with(`<errordialognotprepared dialogid="d" reason="unknown item"/>`))},
		{name: "all prepared dialogs have one id", fails: "mscp/4.1/8", out: replaceRegexp(`<dialogprepared dialogid="[^"]*"`, `<dialogprepared dialogid="d"`)},
		{name: "no dialog is prepared for a connection", fails: "mscp/4.1/9", answer: when(`<dialogprepare [^>]*connectionid="[^c]`, with(`<errordialognotprepared dialogid="d" reason="for no connection"/>`))},
		{name: "a prepared dialog runs at once", fails: "mscp/4.1/10", handle: func(s *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
			e, err := serve(req)
			if p, ok := e.(*mscp.DialogPrepared); ok {
				s.tellAll(&mscp.DialogExit{DialogID: p.DialogID})
			}
			return e, err
		}},
		{name: "maxage is not taken", fails: "mscp/4.1/11", answer: when(`maxage=`, bad)},
	}
	startFaults = []fault{
		{name: "errordialognotstarted has no dialogid", fails: "mscp/4.2/1", answer: when(`<dialogstart src="data:[^>]*connectionid="conform;1;2"/>`, replaceRegexp(` dialogid="[^"]*"`, ""))},
		{name: "the prepareddialogid does not come back", fails: "mscp/4.2/2", answer: when(`prepareddialogid="conform-none" conn`, replace(`dialogid="conform-none"`, `dialogid="d"`))},
		{name: "errordialognotstarted of a conference has two end points", fails: "mscp/4.2/3", answer: when(`<dialogstart [^>]*conferenceid=`, replace(` conferenceid=`, ` connectionid="c" conferenceid=`))},
		{name: "dialogstart takes two documents", fails: "mscp/4.2/4", answer: when(`<dialogstart prepareddialogid="[^>]*src=`, with(`<dialogstarted dialogid="conform-none" connectionid="conform;1;2"/>`))},
		{name: "dialogstart takes two end points", fails: "mscp/4.2/5", answer: when(`<dialogstart [^>]*connectionid=[^>]*conferenceid=`, with(`<dialogstarted dialogid="d" connectionid="conform;1;2"/>`))},
		{name: "dialogstart takes no end point", fails: "mscp/4.2/6", answer: when(`<dialogstart src="[^"]*" type="text/plain"/>`, with(`<dialogstarted dialogid="d" connectionid="c"/>`))},
		{name: "dialogs start on nothing", fails: "mscp/4.2/7", answer: when(`connectionid="conform;none;none"`, with(`<dialogstarted dialogid="d" connectionid="conform;none;none"/>`))},
		{name: "the connection of dialogprepare is forgotten", fails: "mscp/4.2/8", answer: when(`<dialogstart prepareddialogid="[^"]*"/>`, replaceRegexp(` connectionid="[^"]*"`, ` connectionid="c"`))},
		{name: "what was prepared for no connection cannot start", fails: "mscp/4.2/9", handle: preparedForNone()},
		{name: "a dialog may start anywhere", fails: "mscp/4.2/10", handle: func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
			e, err := serve(req)
			if q, ok := req.(*mscp.DialogStart); ok && strings.HasPrefix(q.PreparedDialogID, "dialog-") && mscp.Name(e) == "errordialognotstarted" {
				return &mscp.DialogStarted{DialogID: q.PreparedDialogID, ConnectionID: q.ConnectionID}, nil
			}
			return e, err
		}},
		{name: "every document's dialog has one id", fails: "mscp/4.2/11", out: sameDialog()},
		{name: "a dialog starts twice", fails: "mscp/4.2/12", handle: func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
			e, err := serve(req)
			if w, ok := e.(*mscp.ErrorDialogWrongState); ok {
				return &mscp.DialogStarted{DialogID: w.DialogID, ConnectionID: w.ConnectionID}, nil
			}
			return e, err
		}},
		{name: "no dialog starts on a conference", fails: "mscp/4.2/13", answer: when(`<dialogstart conferenceid="conference-`, replaceRegexp(`<dialogstarted ([^>]*)></dialogstarted>`, `<errordialognotstarted $1 reason="not there"/>`))},
	}
	dialogFaults = []fault{
		{name: "an immediate dialogterminate is answered", fails: "mscp/4.3/1", in: told(`^NOTIF(?s:.*)dialogid="conform-none" immediate="true"`)},
		{name: "the immediate end of a dialog is told", fails: "mscp/4.3/2", notified: terminating("true", "false")},
		{name: "what is prepared cannot be ended", fails: "mscp/4.3/3", handle: unstarted.handle, notified: unstarted.notified},
		{name: "dialogexit comes twice", fails: "mscp/4.4/1", notify: func(_ *servingMS, e mscp.Element, tell func(mscp.Element)) {
			tell(e)
			if mscp.Name(e) == "dialogexit" {
				tell(e)
			}
		}},
		{name: "no end that is asked for is told", fails: "mscp/4.4/2", notified: terminating("false", "true")},
		{name: "every end is immediate", fails: "mscp/4.4/3", notified: terminating("", "true")},
		{name: "a conference is told as a connection", fails: "mscp/4.4/4", notify: telling(func(e mscp.Element) mscp.Element {
			if x, ok := e.(*mscp.DialogExit); ok && x.ConferenceID != "" {
				return &mscp.DialogExit{DialogID: x.DialogID, ConnectionID: x.ConferenceID}
			}
			return e
		})},
		{name: "a failure is told as an exit", fails: "mscp/4.5/1", notify: telling(func(e mscp.Element) mscp.Element {
			if x, ok := e.(*mscp.ErrorDialog); ok && x.Reason == "it is made to fail" {
				return &mscp.DialogExit{DialogID: x.DialogID, ConnectionID: x.ConnectionID}
			}
			return e
		})},
		{name: "dialogs end with their connection in silence", fails: "mscp/4.5/2", notify: hiding("the connection has ended")},
		{name: "dialogs end with their conference in silence", fails: "mscp/4.5/3", notify: hiding("the conference was destroyed")},
		{name: "dialoguser is answered", fails: "mscp/4.6/1", in: told(`^NOTIF(?s:.*)<dialoguser [^>]*dialogid="conform-none"`)},
		{name: "dialoguser ends the dialog", fails: "mscp/4.6/2", notified: ending("dialoguser")},
		{name: "dialogdisconnect is not sent", fails: "mscp/4.7/1", notify: telling(func(e mscp.Element) mscp.Element {
			if d, ok := e.(*mscp.DialogDisconnect); ok {
				return &mscp.DialogUser{EventName: "disconnect", DialogID: d.DialogID}
			}
			return e
		})},
		{name: "dialogtransfer has no maxtime", fails: "mscp/4.8/1", out: replace(` maxtime="0s"`, "")},
		{name: "a dialog is not joined to its connection again", fails: "mscp/4.8/2", handle: joining(func(j *mscp.Join) bool {
			return strings.HasPrefix(j.ID2, "dialog-") && !strings.HasPrefix(j.ID1, "conference-")
		})},
		{name: "dialogtransfercomplete ends the dialog", fails: "mscp/4.10/1", notified: ending("dialogtransfercomplete")},
	}
	conferenceFaults = []fault{
		{name: "a conference with reserved slots has no id", fails: "mscp/5.1/1", answer: when(`reservedtalkers="2" reservedlisteners="1"`, replaceRegexp(` conferenceid="[^"]*"`, ""))},
		{name: "manual audio goes with other video", fails: "mscp/5.1/2", answer: when(`audiomixingpolicy="manual" videomixingpolicy="vas"`, with(`<conferencecreated conferenceid="c"/>`))},
		{name: "video needs no audio", fails: "mscp/5.1/3", answer: when(`reservedmedia="video" videomixingpolicy="vas"`, with(`<conferencecreated conferenceid="c"/>`))},
		{name: "a channel's conferences have one id", fails: "mscp/5.1/4", number: func(c *flawed, _ int) string { return fmt.Sprintf("conf-%d-%p", c.nth, c) }},
		{name: "audiomixingnbest is not taken", fails: "mscp/5.1/5", answer: when(`audiomixingnbest=`, bad)},
		{name: "an unknown item has createconference refused", fails: "mscp/5.1/6", answer: when(`<createconference><subscribe>`, with(`<errorconferencecreate conferenceid="c" reason="unknown item"/>`))},
		{name: "errorconferencedestroy names another", fails: "mscp/5.2/1", out: replaceRegexp(`<errorconferencedestroy conferenceid="[^"]*"`, `<errorconferencedestroy conferenceid="c"`)},
		{name: "what is destroyed is destroyed again", fails: "mscp/5.2/2", handle: destroyedAgain()},
		{name: "what is destroyed is joined", fails: "mscp/5.2/3", handle: destroyedJoined()},
		{name: "everything is joined", fails: "mscp/5.3/1", answer: when(`<join id1="conform-a" id2="conform-b"/>`, with(`<conferencejoined id1="conform-a" id2="conform-b"/>`))},
		{name: "ids end at a semicolon", fails: "mscp/5.3/2", answer: when(`<join [^>]*id2="a84b4c71@`, replace(";1923;1134", ""))},
		{name: "mediapreferred is not taken", fails: "mscp/5.3/3", answer: when(`mediapreferred=`, bad)},
		{name: "the conference has to come first", fails: "mscp/5.3/4", handle: joining(func(j *mscp.Join) bool {
			return !strings.HasPrefix(j.ID1, "conf") && !strings.HasPrefix(j.ID1, "dialog-") && strings.HasPrefix(j.ID2, "conference-")
		})},
		{name: "a join cannot be changed", fails: "mscp/5.3/5", handle: joining(func(j *mscp.Join) bool { return len(j.Streams) > 0 && strings.HasPrefix(j.ID1, "conference-") })},
		{name: "conferences are not joined", fails: "mscp/5.3/6", handle: joining(func(j *mscp.Join) bool {
			return strings.HasPrefix(j.ID1, "conference-") && strings.HasPrefix(j.ID2, "conference-")
		})},
		{name: "dialogs are not joined to conferences", fails: "mscp/5.3/7", handle: joining(func(j *mscp.Join) bool {
			return strings.HasPrefix(j.ID1, "conference-") && strings.HasPrefix(j.ID2, "dialog-")
		})},
		{name: "connections without a dialog are not joined", fails: "mscp/5.3/8", handle: joiningWithoutDialog()},
		{name: "a join that fails ends another", fails: "mscp/5.3/9", handle: failedJoin()},
		{name: "everything is unjoined", fails: "mscp/5.4/1", answer: when("\r\n\r\n<mscp version=\"1.0\" xmlns=\"urn:ietf:mscp\"><request><unjoin id1=\"conform-a\" id2=\"conform-b\"/></request></mscp>$", with(unjoined))},
		{name: "unjoin changes ids", fails: "mscp/5.4/2", answer: when(`<unjoin [^>]*id2="b;c"`, replaceRegexp(` id1="[^"]*"`, ` id1="a"`))},
		{name: "who has left cannot come back", fails: "mscp/5.4/4", handle: neverBack()},
		{name: "unjoin removes everybody", fails: "mscp/5.4/6", handle: allLeave()},
		{name: "conferenceuser is answered", fails: "mscp/5.5/1", in: told(`^NOTIF(?s:.*)<conferenceuser [^>]*"conform-none"`)},
		{name: "conferenceuser ends the conference", fails: "mscp/5.5/2", handle: floor.handle, notified: floor.notified},
	}
	setUpFaults = []fault{
		{name: "an id over INFO is lost", fails: "mscp/7.1/1", info: replace(` id="a1"`, "")},
		{name: "notifications over INFO are answered", fails: "mscp/7.1/2", infoEcho: true},
		{name: "responses over INFO go over another dialog", fails: "mscp/7.1/3", infoCross: true},
		{name: "two of many requests change places", fails: "mscp/7.2/1", in: func(c *flawed, s string, _ bool) string {
			if len(c.order) == 41 {
				c.held = s
				return ""
			}
			held := c.held
			c.held = ""
			return s + held
		}},
		{name: "a notification is overtaken", fails: "mscp/7.2/2", in: func(c *flawed, s string, more bool) string {
			if more && strings.HasPrefix(s, "NOTIF") && strings.Contains(s, `dialogid="dialog-`) {
				c.held = s
				return ""
			}
			held := c.held
			c.held = ""
			return s + held
		}},
		{name: "a half-closed connection is closed", fails: "mscp/7.2/3", in: func(_ *flawed, s string, _ bool) string {
			if strings.Contains(s, "conform-half") {
				return "" // what has no answer yet gets none
			}
			return s
		}},
		{name: "port 9 where c= is the medium's", fails: "mscp/7.2.1/1", sdp: inAnswer(`(?s)m=.*c=`, replaceRegexp("m=application [0-9]+", "m=application 9"))},
		{name: "the wrong role", fails: "mscp/7.2.1/2", sdp: inAnswer("", replace("setup:passive", "setup:active"))},
		{name: "an existing connection", fails: "mscp/7.2.1/3", sdp: inAnswer("", replace("connection:new", "connection:existing"))},
		{name: "i= comes back at the end", fails: "mscp/7.2.1/4", sdp: inAnswer("(?m)^i=", func(s string) string { return s + "i=Control\r\n" })},
		{name: "a=setup of the session is not known", fails: "mscp/7.2.1/5", sdp: inAnswer(`(?s)a=setup.*m=`, replaceRegexp("m=application [0-9]+", "m=application 9"))},
		{name: "an offer of setup:passive is taken", fails: "mscp/7.2.1/7", check: func(*mscp.Media) error { return nil }},
		{name: "no m-line for others", fails: "mscp/7.2.1/8", sdp: inAnswer("", replaceRegexp("m=audio.*\r\n", ""))},
		{name: "a channel that outlives its dialog", fails: "mscp/7.2.1/9", lasting: true},
		{name: "no re-INVITE is taken", fails: "mscp/7.2.1/10", noReinvite: true},
		{name: "one BYE ends all channels", fails: "mscp/7.2.1/11", sharedFate: true},
		{name: "what was made ends with its TCP connection", fails: "mscp/7.2.1/12", ownerEnds: true},
		{name: "a new connection waits for the end of the old one", fails: "mscp/7.2.1/13", serial: true},
		{name: "each answer is of another session", fails: "mscp/7.2.1/14", sdp: func(s *servingMS, _, sdp string) string {
			return replaceRegexp(`(?m)^o=- [0-9]+`, fmt.Sprintf("o=- %d", s.count()))(sdp)
		}},
		{name: "notifications go over the first connection", fails: "mscp/7.2.1/15", stale: true},
		{name: "the fingerprint of another certificate", fails: "mscp/7.2.1/16", sdp: inAnswer("", replaceRegexp("a=fingerprint:.*\r\n", "a=fingerprint:sha-256 "+strings.TrimSuffix(strings.Repeat("AB:", 32), ":")+"\r\n"))},
		{name: "every certificate is taken", fails: "mscp/7.2.1/17", anyCertificate: true},
	}
	pduFaults = []fault{
		{name: "another phrase", fails: "mscp/7.2.2/1", answer: when("\r\n\r\n<$", replace("Bad Request", "Bad request"))},
		{name: "no Content-Type", fails: "mscp/7.2.2/2", answer: when("\r\n\r\n<<$", replaceRegexp("Content-Type: .*\r\n", ""))},
		{name: "another Content-Type", fails: "mscp/7.2.2/3", answer: when("charset=UTF-8", replace("application/mscp+xml", "text/xml"))},
		{name: "short segments are lost", fails: "mscp/7.2.2/4", segment: func(b []byte) []byte {
			if len(b) < 60 { // no PDU is that short
				return nil
			}
			return b
		}},
		{name: "a request behind a notification is lost", fails: "mscp/7.2.2/5", in: func(c *flawed, s string, _ bool) string {
			if strings.Contains(s, `dialogid="x"`) {
				c.state = 1
			} else if c.state == 1 {
				c.state = 0
				return ""
			}
			return s
		}},
		{name: "Content-Length must not come first", fails: "mscp/7.2.2/6", answer: when("^REQ [^\r]*\r\nContent-Length", bad)},
		{name: "request-ids are counted", fails: "mscp/7.2.3/1", in: counted},
		{name: "a request-id of 0 is none", fails: "mscp/7.2.3/2", answer: when("^REQ MSCP/1.0 0\r\n", nothing)},
		{name: "request-ids have 32 bits", fails: "mscp/7.2.3/3", out: replaceRegexp(`(?m)^(MSCP/1.0 200 OK) 42949[0-9]*`, "$1 6")},
		{name: "two blanks are one too many", fails: "mscp/7.2.3/4", answer: when("^REQ MSCP/1.0  ", bad)},
		{name: "one blank is one too few, before short ids", fails: "mscp/7.2.3/5", answer: when("^REQ MSCP/1.0 [0-9][0-9]\r\n", bad)},
		{name: "request-ids rise slowly", fails: "mscp/7.2.3/9", answer: when("^REQ MSCP/1.0 10[0-9]{5}\r\n", bad)},
		{name: "what is foreign is answered twice", fails: "mscp/7.2.4/1", answer: when("<v:myrequest", twice)},
		{name: "no phrase", fails: "mscp/7.2.4/2", answer: when("\r\n\r\n<>$", replace("Bad Request ", ""))},
		{name: "a 400 without an element", fails: "mscp/7.2.4/3", answer: when("\r\n\r\n<mscp$", replaceRegexp(`<response>.*</response>`, "<response></response>"))},
		{name: "many notifications are the end", fails: "mscp/7.2.5/1", in: func(c *flawed, s string, _ bool) string {
			if strings.HasPrefix(s, "NOTIF") {
				c.state++
			}
			if c.state > 10 {
				return ""
			}
			return s
		}},
		{name: "foreign notifications are answered", fails: "mscp/7.2.5/2", in: told("<v:news")},
		{name: "lines within elements are not taken", fails: "mscp/7.2.6/1", answer: when(`<dialogstart connectionid="23142"`, bad)},
	}
	paperFaults = []fault{
		{name: "nothing is restored", fails: "paper/2.3.4/6", handle: func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
			if r, ok := req.(*mscp.RestoreMsg); ok {
				return &mscp.MsgNotRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID, Reason: "not today"}, nil
			}
			return serve(req)
		}},
		{name: "MsgSended comes at once", fails: "paper/2.3.4/7", handle: func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
			if r, ok := req.(*mscp.SendMsg); ok && r.ConnectionID != nobodys.connection {
				go func() { _, _ = serve(req) }()
				return &mscp.MsgSended{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}, nil
			}
			return serve(req)
		}},
		{name: "messages are sent again", fails: "paper/2.3.4/8", remembers: true},
		{name: "messages are forgotten before they are acknowledged", fails: "paper/2.3.4/9", forgets: true},
		{name: "senders are not told apart", fails: "paper/2.3.4/10", mixes: true},
	}
)

// refuseAll answers every request with its own error element.
func refuseAll(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
	if e := mscp.Refuse(req, "not by this media server"); e != nil {
		return e, nil
	}
	return serve(req)
}
