package conform

import (
	"fmt"
	"strings"
	"testing"
)

// rfcFaults were written from RFC 4975, section by section, without regard to the cases:
// what a recipient may get wrong.
var rfcFaults = []recipientFault{
	{name: "5.4: a connection without a session is served", serve: refuses(200, func(c *recipientConn, _ *recipientFrame) bool { return c.bound == nil })},
	{name: "6: a URI without a transport", out: replaceOut(`;tcp\r\n`, "\r\n")},
	{name: "6.1: the host is given back in another form", out: replaceOut(`(From-Path: msrp://)127\.0\.0\.1`, "${1}localhost")},
	{name: "7.1: all REPORTs have one transaction id", out: ofReports(replaceRegexp(`report\d{4}`, "report0001"))},
	{name: "7.1: every response comes twice", out: ofResponses(func(s string) string { return s + s })},
	{name: "7.1: the end-line has six hyphens", out: replaceOut(`\r\n-------`, "\r\n------")},
	{name: "7.1.1: a chunk that does not begin at 1 is dropped", in: func(_ *recipientConn, f *recipientFrame) {
		if start, _, _ := f.byteRange(); f.hasBody && start > 1 {
			f.body = ""
		}
	}},
	{name: "7.1.1: no Success-Report is heeded", in: func(_ *recipientConn, f *recipientFrame) { f.set("Success-Report", "no") }},
	{name: "7.1.2: a REPORT has a body", out: ofReports(replaceRegexp(`(Status: .*\r\n)`, "${1}Content-Type: text/plain\r\n\r\nok\r\n"))},
	{name: "7.1.2: a REPORT has no Byte-Range", out: ofReports(replaceRegexp(`Byte-Range: .*\r\n`, ""))},
	{name: "7.1.2: the Status has no namespace", out: ofReports(replace("Status: 000 ", "Status: "))},
	{name: "7.1.2: a REPORT has a Message-ID of its own", out: ofReports(replace("Message-ID: ", "Message-ID: r"))},
	{name: "7.1.2: each REPORT wants a report", out: ofReports(replace("Status: ", "Success-Report: yes\r\nStatus: "))},
	{name: "7.1.3: a message is reported before it is complete", in: func(c *recipientConn, f *recipientFrame) {
		if f.flag == "+" && f.get("Success-Report") == "yes" {
			c.report(f, len(f.body)+4)
		}
	}},
	{name: "7.2: responses have another From-Path", out: ofResponses(replaceRegexp(`From-Path: .*\r\n`, "From-Path: msrp://127.0.0.1:2855/other;tcp\r\n"))},
	{name: "7.2: responses have no From-Path", out: ofResponses(replaceRegexp(`From-Path: .*\r\n`, ""))},
	{name: "7.2: responses have a Byte-Range before To-Path", out: ofResponses(replace("To-Path: ", "Byte-Range: 1-1/1\r\nTo-Path: "))},
	{name: "7.3.1: a chunk that is sent again is refused", serve: refuses(400, sentAgain())},
	{name: "9: a status code of two digits", out: replaceOut(`^(MSRP \S+ 20)0`, "$1")},
	{name: "9: a tab behind the colon", out: replaceOut(`From-Path: `, "From-Path:\t")},
	{name: "9: header lines are folded", out: replaceOut(`From-Path: `, "From-Path:\r\n ")},
	{name: "9: a transaction id of three characters", out: ofReports(replaceRegexp(`report\d\d(\d\d)`, "r$1"))},
	{name: "10: success is 202", out: replaceOut(` 200 OK\r\n`, " 202 Accepted\r\n")},
	{name: "10.5: what is too long is forbidden", out: replaceOut(` 413 `, " 403 ")},
	{name: "10: a wrong type gets 488", out: replaceOut(` 415 `, " 488 ")},
}

// sentAgain reports whether a chunk of the same message began at the same byte before.
func sentAgain() func(*recipientConn, *recipientFrame) bool {
	seen := map[string]bool{}
	return func(_ *recipientConn, f *recipientFrame) bool {
		start, _, _ := f.byteRange()
		if !f.hasBody {
			return false
		}
		key := fmt.Sprint(f.get("From-Path"), " ", f.get("Message-ID"), " ", start)
		again := seen[key]
		seen[key] = true
		return again
	}
}

// replaceOut changes all that a recipient sends.
func replaceOut(old, by string) func(*recipientFrame, string) string {
	with := replaceRegexp(old, by)
	return func(_ *recipientFrame, out string) string { return with(out) }
}

// TestMSRPUnseenFaults has at least nine of ten faults noticed by some strict case.
func TestMSRPUnseenFaults(t *testing.T) {
	missed := make([]string, len(rfcFaults))
	t.Run("all", func(t *testing.T) {
		for i, f := range rfcFaults {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				r := f.noticed(t, false)
				if r.ID == "" {
					missed[i] = f.name
				}
				t.Log(r.ID, r.Detail)
			})
		}
	})
	var all []string
	for _, name := range missed {
		if name != "" {
			all = append(all, fmt.Sprintf("%q", name))
		}
	}
	if 10*len(all) > len(rfcFaults) {
		t.Errorf("%d of %d are not noticed: %s", len(all), len(rfcFaults), strings.Join(all, ", "))
	} else {
		t.Logf("not noticed: %q", all)
	}
}
