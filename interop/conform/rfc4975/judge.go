package rfc4975

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// A Finding is a rule that the peer breaks.
type Finding struct {
	Section string // of RFC 4975
	Text    string
}

func (f Finding) String() string { return fmt.Sprintf("%s [RFC 4975, section %s]", f.Text, f.Section) }

// A Judge checks the frames of a recipient on one connection. The zero value is valid. It
// is safe for concurrent use.
type Judge struct {
	mu         sync.Mutex
	sent, came []byte // of which a frame has not ended
	deaf       bool   // no frame can be told from the next any more in came
	mute       bool   // we have sent what is no MSRP
	requests   map[string]*sentRequest
	messages   map[string]*sentMessage
	reports    map[string]bool // transaction ids
	findings   []Finding
}

// A sentRequest is a request of ours.
type sentRequest struct {
	*Frame
	answered bool
}

// A sentMessage is what was sent of one message.
type sentMessage struct {
	*Frame       // one of its chunks
	end      int // the last byte that was sent
	complete bool
}

func (j *Judge) add(section, format string, args ...any) {
	if len(j.findings) < MaxFindings {
		j.findings = append(j.findings, Finding{section, fmt.Sprintf(format, args...)})
	}
}

// Findings returns the findings so far.
func (j *Judge) Findings() []Finding {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Finding(nil), j.findings...)
}

// Sent processes bytes from the runner. Call it before they are sent.
func (j *Judge) Sent(b []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mute {
		return
	}
	j.sent = append(j.sent, b...)
	for len(j.sent) > 0 {
		f, n, err := cut(j.sent)
		if errors.Is(err, errIncomplete) {
			return
		}
		if err != nil || len(j.requests) >= MaxRequests {
			j.mute, j.sent = true, nil
			return
		}
		j.sent = j.sent[n:]
		j.remember(f)
	}
}

// remember keeps a request of ours.
func (j *Judge) remember(f *Frame) {
	if f.Method == "" {
		return
	}
	if j.requests == nil {
		j.requests, j.messages, j.reports = map[string]*sentRequest{}, map[string]*sentMessage{}, map[string]bool{}
	}
	j.requests[f.TID] = &sentRequest{Frame: f}
	id := f.Get("Message-ID")
	if f.Method != "SEND" || !f.HasBody || id == "" {
		return
	}
	m := j.messages[id]
	if m == nil {
		m = &sentMessage{}
		j.messages[id] = m
	}
	m.Frame = f
	start, _, _ := byteRange(f)
	m.end = max(m.end, start-1+len(f.Body))
	m.complete = m.complete || f.Flag == '$'
}

// Came processes bytes from the peer.
func (j *Judge) Came(b []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.deaf {
		return
	}
	j.came = append(j.came, b...)
	for len(j.came) > 0 {
		f, n, err := cut(j.came)
		if errors.Is(err, errIncomplete) {
			return
		}
		if err != nil {
			j.add("9", "%q: %v", j.came[:min(len(j.came), 80)], err)
			j.deaf, j.came = true, nil
			return
		}
		j.came = j.came[n:]
		j.judge(f)
	}
}

func (j *Judge) judge(f *Frame) {
	j.check(f)
	switch {
	case j.mute:
	case f.Method == "":
		j.judgeResponse(f)
	case f.Method == "REPORT":
		j.judgeReport(f)
	}
}

// judgeResponse compares a response with its request.
func (j *Judge) judgeResponse(f *Frame) {
	req := j.requests[f.TID]
	switch {
	case req == nil:
		j.add("7.2", "the response %q has the transaction id of no request", f.Start)
		return
	case req.answered:
		j.add("7.2", "the response %q is the second to its request", f.Start)
	case req.Method == "REPORT":
		j.add("7.1.2", "a REPORT has the response %q", f.Start)
	}
	req.answered = true
	switch failure := req.Get("Failure-Report"); {
	case failure == "no":
		j.add("7.2", "a request with Failure-Report: no has the response %q", f.Start)
	case failure == "partial" && f.Code == 200:
		j.add("7.2", "a request with Failure-Report: partial has the response %q", f.Start)
	}
	if got, want := f.Get("To-Path"), first(req.Get("From-Path")); got != want {
		j.add("7.2", "the To-Path of the response is %q, and the request is from %q", got, want)
	}
	if got, want := f.Get("From-Path"), first(req.Get("To-Path")); f.Code == 200 && normal(got) != normal(want) {
		j.add("7.2", "the From-Path of the response is %q, and the request is to %q", got, want)
	}
}

// judgeReport compares a REPORT with its message.
func (j *Judge) judgeReport(f *Frame) {
	id := f.Get("Message-ID")
	m := j.messages[id]
	if m == nil {
		j.add("7.1.2", "a REPORT is of the message %q, which was not sent here", id)
		return
	}
	if j.reports[f.TID] {
		j.add("7.1", "the transaction id %q is there twice", f.TID)
	}
	j.reports[f.TID] = true
	success := strings.HasPrefix(f.Get("Status"), "000 200")
	switch {
	case success && m.Get("Success-Report") != "yes":
		j.add("7.1.3", "a success report of %q was not asked for", id)
	case !success && m.Get("Failure-Report") == "no":
		j.add("7.1.4", "a failure report of %q was not asked for", id)
	}
	if got, want := f.Get("To-Path"), m.Get("From-Path"); got != want {
		j.add("7.1.2", "the To-Path of the report is %q, and the message is from %q", got, want)
	}
	if got, want := f.Get("From-Path"), m.Get("To-Path"); normal(got) != normal(want) {
		j.add("7.1.2", "the From-Path of the report is %q, and the message is to %q", got, want)
	}
	start, end, total := byteRange(f)
	switch {
	case end > m.end || end >= 0 && end < start:
		j.add("7.1.2", "the report is of the bytes %s, and %d were sent", f.Get("Byte-Range"), m.end)
	case total >= 0 && m.complete && total != m.end:
		j.add("7.1.2", "the report has the total %d, and %d bytes were sent", total, m.end)
	}
}

// first is the first URI of a path.
func first(path string) string {
	uri, _, _ := strings.Cut(path, " ")
	return uri
}

// normal is a URI whose scheme, host and transport are in lower case. See section 6.1.
func normal(uri string) string {
	from, to := strings.LastIndexByte(uri, '/')+1, strings.LastIndexByte(uri, ';')
	if to < from {
		return uri
	}
	return strings.ToLower(uri[:from]) + uri[from:to] + strings.ToLower(uri[to:])
}
