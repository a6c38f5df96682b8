package conform

import (
	"context"
	"strings"
	"testing"
	"time"
)

// refuses answers requests of a kind with a code.
func refuses(code int, which func(c *recipientConn, f *recipientFrame) bool) func(*recipientConn, *recipientFrame) bool {
	return func(c *recipientConn, f *recipientFrame) bool {
		if !which(c, f) {
			return false
		}
		c.answer(f, code)
		return true
	}
}

// ofReports changes the REPORTs that a recipient sends, ofResponses the responses.
func ofReports(with func(string) string) func(*recipientFrame, string) string {
	return func(_ *recipientFrame, out string) string {
		if strings.Contains(out, " REPORT\r\n") {
			return with(out)
		}
		return out
	}
}

func ofResponses(with func(string) string) func(*recipientFrame, string) string {
	return func(_ *recipientFrame, out string) string {
		if !strings.Contains(out, " REPORT\r\n") {
			return with(out)
		}
		return out
	}
}

// answered changes session descriptions.
func answered(with func(string) string) func(offer, answer string) string {
	return func(_, answer string) string { return with(answer) }
}

// bindsAll has a request belong to the session of its connection, whatever its To-Path.
func bindsAll(c *recipientConn, f *recipientFrame) {
	if c.bound != nil && f.hasBody && f.get("Failure-Report") == "" && !strings.Contains(f.get("To-Path"), " ") {
		f.set("To-Path", c.bound.uri)
	}
}

// recipientFaults has one fault for each strict case of a recipient.
var recipientFaults = []recipientFault{
	{name: "empty SENDs are refused", fails: "msrp/5.4/1", serve: refuses(400, func(_ *recipientConn, f *recipientFrame) bool { return !f.hasBody })},
	{name: "the first request of a connection may name any session", fails: "msrp/5.4/2",
		serve: refuses(200, func(c *recipientConn, f *recipientFrame) bool {
			return c.n == 1 && c.r.sessions[c.r.key(f.get("To-Path"))] == nil
		})},
	{name: "the newest connection has the session", fails: "msrp/5.4/3", in: func(c *recipientConn, f *recipientFrame) {
		if s := c.r.sessions[c.r.key(f.get("To-Path"))]; s != nil {
			s.conn = c
		}
	}},
	{name: "the scheme of a URI is compared letter by letter", fails: "msrp/6.1/1",
		serve: refuses(481, func(_ *recipientConn, f *recipientFrame) bool { return strings.HasPrefix(f.get("To-Path"), "MSRP:") })},
	{name: "session-ids are compared without regard to case", fails: "msrp/6.1/2", ignoresCase: true},
	{name: "every content is refused", fails: "msrp/7.1/1", serve: refuses(415, func(_ *recipientConn, f *recipientFrame) bool { return f.hasBody })},
	{name: "a request is one segment", fails: "msrp/7.1/2", tornReads: true},
	{name: "a segment has one request", fails: "msrp/7.1/3", mergedReads: true},
	{name: "the end-line is known by its beginning", fails: "msrp/7.1/4", earlyEnd: true},
	{name: "a body is UTF-8", fails: "msrp/7.1/5", serve: refuses(400, func(_ *recipientConn, f *recipientFrame) bool { return !f.isText() })},
	{name: "a message is one chunk", fails: "msrp/7.1.1/1", serve: refuses(400, func(_ *recipientConn, f *recipientFrame) bool { return f.flag == "+" })},
	{name: "a Byte-Range has numbers alone", fails: "msrp/7.1.1/2", serve: refuses(400, func(_ *recipientConn, f *recipientFrame) bool {
		return strings.Contains(f.get("Byte-Range"), "*")
	})},
	{name: "a chunk has 2048 bytes", fails: "msrp/7.1.1/3", serve: refuses(413, func(_ *recipientConn, f *recipientFrame) bool { return len(f.body) > 2048 })},
	{name: "an aborted message is complete", fails: "msrp/7.1.1/4", in: func(_ *recipientConn, f *recipientFrame) {
		if f.flag == "#" {
			f.flag = "$"
		}
	}},
	{name: "one message at a time", fails: "msrp/7.1.1/5", serve: refuses(400, func(c *recipientConn, f *recipientFrame) bool {
		return c.bound != nil && f.hasBody && len(c.bound.messages) > 0 && c.bound.messages[f.get("Message-ID")] == nil
	})},
	{name: "REPORTs are answered", fails: "msrp/7.1.2/1", serve: refuses(200, func(_ *recipientConn, f *recipientFrame) bool { return f.method == "REPORT" })},
	{name: "short messages are reported as failed", fails: "msrp/7.1.2/2", minimumReport: 8},
	{name: "REPORTs ask for reports", fails: "msrp/7.1.2/3", out: ofReports(replace("Status:", "Failure-Report: no\r\nStatus:"))},
	{name: "REPORTs go to their sender", fails: "msrp/7.1.2/4", out: ofReports(replaceRegexp(`To-Path: (.*)\r\nFrom-Path: (.*)\r\n`, "To-Path: $2\r\nFrom-Path: $1\r\n"))},
	{name: "any Success-Report asks for one", fails: "msrp/7.1.3/1", in: func(_ *recipientConn, f *recipientFrame) { f.set("Success-Report", "yes") }},
	{name: "Failure-Report: no is not known", fails: "msrp/7.1.4/1", in: func(_ *recipientConn, f *recipientFrame) {
		if f.get("Failure-Report") == "no" {
			f.set("Failure-Report", "yes")
		}
	}},
	{name: "Failure-Report: no is taken for partial", fails: "msrp/7.1.4/2", in: func(_ *recipientConn, f *recipientFrame) {
		if f.get("Failure-Report") == "no" {
			f.set("Failure-Report", "partial")
		}
	}},
	{name: "Failure-Report: partial is not known", fails: "msrp/7.1.4/3", in: func(_ *recipientConn, f *recipientFrame) {
		if f.get("Failure-Report") == "partial" {
			f.set("Failure-Report", "yes")
		}
	}},
	{name: "Failure-Report: partial is taken for no", fails: "msrp/7.1.4/4", in: func(_ *recipientConn, f *recipientFrame) {
		if f.get("Failure-Report") == "partial" {
			f.set("Failure-Report", "no")
		}
	}},
	{name: "the fourth empty SEND in a row has the response of the third", fails: "msrp/7.2/1", in: func(c *recipientConn, f *recipientFrame) {
		if c.empty == 4 {
			f.tid = c.last
		}
	}},
	{name: "responses go to the recipient", fails: "msrp/7.2/2", out: ofResponses(replaceRegexp(`To-Path: (.*)\r\nFrom-Path: (.*)\r\n`, "To-Path: $2\r\nFrom-Path: $1\r\n"))},
	{name: "more of a response is to come", fails: "msrp/7.2/3", out: ofResponses(replace("$\r\n", "+\r\n"))},
	{name: "a bound connection has one session, whatever To-Path says", fails: "msrp/7.3/1", in: bindsAll},
	{name: "the first URI of To-Path counts", fails: "msrp/7.3/2", in: func(_ *recipientConn, f *recipientFrame) {
		first, _, _ := strings.Cut(f.get("To-Path"), " ")
		f.set("To-Path", first)
	}},
	{name: "every type is taken", fails: "msrp/7.3.1/1", in: func(_ *recipientConn, f *recipientFrame) { f.set("Content-Type", "text/plain") }},
	{name: "chunks come in order", fails: "msrp/7.3.1/2", serve: refuses(400, func(c *recipientConn, f *recipientFrame) bool {
		start, _, total := f.byteRange()
		if c.bound == nil || !f.hasBody || start == 1 || total > maxRecipientSize {
			return false
		}
		m := c.bound.messages[f.get("Message-ID")]
		return m != nil && start != m.got+1
	})},
	{name: "blanks behind the m-line", fails: "msrp/8.1/1", sdp: answered(replace("TCP/MSRP *", "TCP/MSRP *  "))},
	{name: "c= has another host", fails: "msrp/8.1/2", sdp: answered(replace("c=IN IP4 127.0.0.1", "c=IN IP4 127.0.0.2"))},
	{name: "m= has another port", fails: "msrp/8.1/3", sdp: answered(replaceRegexp("m=message [0-9]+", "m=message 2856"))},
	{name: "media that is not accepted is left out", fails: "msrp/8.1/4", sdp: answered(replaceRegexp("m=audio.*\r\n", ""))},
	{name: "two paths", fails: "msrp/8.2/1", sdp: answered(replaceRegexp("(a=path:.*\r\n)", "$1$1"))},
	{name: "all sessions have one URI", fails: "msrp/8.2/2", sessionID: "recipientsonly"},
	{name: "no accept-types", fails: "msrp/8.6/1", sdp: answered(replaceRegexp("a=accept-types:.*\r\n", ""))},
	{name: "From-Path comes before To-Path", fails: "msrp/9/1", out: ofResponses(replaceRegexp(`(To-Path: .*\r\n)(From-Path: .*\r\n)`, "$2$1"))},
	{name: "max-size is not checked", fails: "msrp/10.5/1", in: func(_ *recipientConn, f *recipientFrame) {
		if _, _, total := f.byteRange(); total > maxRecipientSize {
			f.set("Byte-Range", "1-*/*")
		}
	}},
	{name: "every method is SEND", fails: "msrp/12/1", in: func(_ *recipientConn, f *recipientFrame) {
		if f.method != "REPORT" {
			f.method = "SEND"
		}
	}},
	{name: "headers that are not known are refused", fails: "msrp/12/2", serve: refuses(400, func(_ *recipientConn, f *recipientFrame) bool { return f.hasUnknown() })},
}

// TestMSRPRecipient has the scripted recipient without a fault pass all cases.
func TestMSRPRecipient(t *testing.T) {
	results, err := Run(t.Context(), MSRP(MSRPTarget{SIP: startRecipient(t, recipientFault{})}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Strict && r.Outcome != Passed {
			t.Errorf("%s: %s\n%s", r.ID, r.Detail, r.Wire)
		}
	}
}

// noticed is the first strict case that fails for a fault.
func (f recipientFault) noticed(t *testing.T, unjudged bool) (found Result) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cases := strict(MSRP(MSRPTarget{SIP: startRecipient(t, f), unjudged: unjudged}))
	_, err := Run(ctx, cases, Options{Timeout: 5 * time.Second, OnResult: func(r Result) {
		if r.Counts(Options{}) {
			found = r
			cancel()
		}
	}})
	if err != nil && found.ID == "" {
		t.Fatal(err)
	}
	return found
}

// TestMSRPFaults has each fault noticed first by its case, and each strict case notice one.
// The frames are not judged besides, so that each case has to notice by itself.
func TestMSRPFaults(t *testing.T) {
	of := map[string]bool{}
	for _, f := range recipientFaults {
		of[f.fails] = true
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			if r := f.noticed(t, true); r.ID != f.fails {
				t.Errorf("%q is the first to notice it, not %s: %s\n%s", r.ID, f.fails, r.Detail, r.Wire)
			}
		})
	}
	for _, c := range strict(MSRP(MSRPTarget{})) {
		if !of[c.ID] {
			t.Errorf("no fault is for %s", c.ID)
		}
	}
}
