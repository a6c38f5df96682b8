package rfc4975

import (
	"strings"
	"testing"
)

const (
	paths   = "To-Path: msrp://a.example:1/them;tcp\r\nFrom-Path: msrp://b.example:2/us;tcp\r\n"
	back    = "To-Path: msrp://b.example:2/us;tcp\r\nFrom-Path: msrp://a.example:1/them;tcp\r\n"
	message = "MSRP abcd SEND\r\n" + paths + "Message-ID: m123\r\nSuccess-Report: yes\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nHello\r\n-------abcd$\r\n"
	ok      = "MSRP abcd 200 OK\r\n" + back + "-------abcd$\r\n"
	report  = "MSRP rprt REPORT\r\n" + back + "Message-ID: m123\r\nByte-Range: 1-5/5\r\nStatus: 000 200 OK\r\n-------rprt$\r\n"
)

// TestJudge has each rule that is broken found, with its section, and nothing else.
func TestJudge(t *testing.T) {
	change := func(in, old, by string) string {
		if !strings.Contains(in, old) {
			t.Fatalf("%q is not in %q", old, in)
		}
		return strings.Replace(in, old, by, 1)
	}
	for _, test := range []struct{ name, sent, came, finds string }{
		{"nothing", message, ok + report, ""},
		{"a response in other case", change(message, "msrp://a.example", "MSRP://A.example"), ok, ""},
		{"HTTP", message, "HTTP/1.1 200 OK\r\n", "9"},
		{"a short transaction id", message, change(change(report, "rprt", "r"), "-rprt", "-r"), "9"},
		{"a code of two digits", message, change(ok, "200", "20"), "9 10"},
		{"a code that is not defined", message, change(ok, "200", "299"), "10"},
		{"From-Path first", message, "MSRP abcd 200 OK\r\nFrom-Path: msrp://a.example:1/them;tcp\r\nTo-Path: msrp://b.example:2/us;tcp\r\n-------abcd$\r\n", "7.1"},
		{"a header twice", message, change(report, "Status: 000 200 OK\r\n", "Status: 000 200 OK\r\nStatus: 000 200 OK\r\n"), "9"},
		{"no blank", message, change(ok, "From-Path: ", "From-Path:"), "9"},
		{"a path without transport", message, change(report, "/us;tcp", "/us"), "9 7.1.2"},
		{"a response with a body", message, change(ok, "-------", "Content-Type: text/plain\r\n\r\nx\r\n-------"), "7.2"},
		{"a response with +", message, change(ok, "$", "+"), "7.2"},
		{"a response to nothing", message, strings.ReplaceAll(ok, "abcd", "abce"), "7.2"},
		{"two responses", message, ok + ok, "7.2"},
		{"a response to no", change(message, "Byte-Range", "Failure-Report: no\r\nByte-Range"), ok, "7.2"},
		{"a 200 to partial", change(message, "Byte-Range", "Failure-Report: partial\r\nByte-Range"), ok, "7.2"},
		{"a 413 to partial", change(message, "Byte-Range", "Failure-Report: partial\r\nByte-Range"), change(ok, "200", "413"), ""},
		{"a response to a REPORT", strings.ReplaceAll(report, "rprt", "abcd"), ok, "7.1.2 7.2 7.2"},
		{"a report that was not asked for", change(message, "Success-Report: yes", "Success-Report: no"), report, "7.1.3"},
		{"a failure report that was not wanted", change(message, "Byte-Range", "Failure-Report: no\r\nByte-Range"), change(report, "000 200", "000 413"), "7.1.4"},
		{"a report of too much", message, change(report, "1-5/5", "1-6/5"), "7.1.2"},
		{"a report of another total", message, change(report, "1-5/5", "1-5/6"), "7.1.2"},
		{"a report of another message", message, change(report, "m123", "m124"), "7.1.2"},
		{"a report with Success-Report", message, change(report, "Status", "Success-Report: yes\r\nStatus"), "7.1.2"},
		{"two reports of one transaction", message, report + report, "7.1"},
		{"a Byte-Range from 0", message, change(report, "1-5", "0-5"), "7.1.1"},
		{"a body that is shorter than its range", "", change(message, "Hello", "Hell"), "7.1.1"},
		{"a body without Content-Type", "", change(message, "Content-Type: text/plain\r\n", ""), "7.1.1"},
		{"a SEND without Message-ID", "", change(message, "Message-ID: m123\r\n", ""), "7.1.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var j Judge
			j.Sent([]byte(test.sent))
			for i := range test.came {
				j.Came([]byte{test.came[i]})
			}
			var sections []string
			for _, f := range j.Findings() {
				sections = append(sections, f.Section)
			}
			if got := strings.Join(sections, " "); got != test.finds {
				t.Errorf("the findings are %v, not of %q", j.Findings(), test.finds)
			}
		})
	}
}

// FuzzJudge has no bytes make a Judge panic or keep more than its limit.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{ok, report, message, "HTTP/1.1 200 OK\r\n", "MSRP a 200\r\n\r\n-------a$\r\n"} {
		f.Add(message, seed)
	}
	f.Fuzz(func(t *testing.T, sent, came string) {
		var j Judge
		j.Sent([]byte(sent))
		j.Came([]byte(came))
		if n := len(j.Findings()); n > MaxFindings {
			t.Errorf("%d findings", n)
		}
	})
}
