package msrp

import (
	"math"
	"strconv"
	"strings"
)

// Field is one header field.
type Field struct {
	Name, Value string
}

// Header is a list of header fields in their order. Names are compared without regard to
// case.
type Header []Field

// Get returns the value of the first field with that name, or "".
func (h Header) Get(name string) string {
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Names of the headers this package handles itself.
const (
	hdrToPath        = "To-Path"
	hdrFromPath      = "From-Path"
	hdrMessageID     = "Message-ID"
	hdrByteRange     = "Byte-Range"
	hdrSuccessReport = "Success-Report"
	hdrFailureReport = "Failure-Report"
	hdrStatus        = "Status"
	hdrContentType   = "Content-Type"
)

// FailureReport is the value of the Failure-Report header: which responses the sender of
// a message requests. See RFC 4975, section 7.1.1.
type FailureReport uint8

const (
	// FailureYes requests a response to every chunk.
	FailureYes FailureReport = iota
	// FailurePartial asks for responses other than 200 only.
	FailurePartial
	// FailureNo asks for no response at all.
	FailureNo
)

// String gives the word on the wire.
func (f FailureReport) String() string {
	switch f {
	case FailurePartial:
		return "partial"
	case FailureNo:
		return "no"
	}
	return "yes"
}

func parseFailureReport(s string) (FailureReport, error) {
	switch {
	case s == "" || strings.EqualFold(s, "yes"): // [RFC4975-7.1.1-9]
		return FailureYes, nil
	case strings.EqualFold(s, "no"):
		return FailureNo, nil
	case strings.EqualFold(s, "partial"):
		return FailurePartial, nil
	}
	return FailureYes, syntaxErr("Failure-Report", 0, "not yes, no or partial")
}

// byteRange is a Byte-Range header; -1 stands for "*".
type byteRange struct {
	start, end, total int64
}

// parseByteRange checks the numbers against each other too.
// See RFC 4975, section 9, rule Byte-Range.
func parseByteRange(s string) (byteRange, error) {
	var r byteRange
	a, rest, ok := strings.Cut(s, "-")
	if !ok {
		return r, syntaxErr("Byte-Range", len(s), "no '-'")
	}
	b, c, ok := strings.Cut(rest, "/")
	if !ok {
		return r, syntaxErr("Byte-Range", len(s), "no '/'")
	}
	for _, f := range []struct {
		text string
		to   *int64
		off  int
	}{{a, &r.start, 0}, {b, &r.end, len(a) + 1}, {c, &r.total, len(a) + len(b) + 2}} {
		n, ok := parseNumber(strings.Trim(f.text, " "))
		if !ok || n < 0 && f.off == 0 {
			return r, syntaxErr("Byte-Range", f.off, "not a number")
		}
		*f.to = n
	}
	switch {
	case r.start < 1:
		return r, syntaxErr("range-start", 0, "below 1")
	case r.end >= 0 && r.end < r.start-1:
		return r, syntaxErr("range-end", len(a)+1, "before range-start")
	case r.total >= 0 && r.start > r.total+1:
		return r, syntaxErr("total", len(a)+len(b)+2, "below range-start")
	}
	return r, nil
}

func parseNumber(s string) (int64, bool) {
	if s == "*" {
		return -1, true
	}
	if s == "" || badByte(s, func(c byte) bool { return c >= '0' && c <= '9' }) >= 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n < math.MaxInt64/2
}

func (r byteRange) appendTo(b []byte) []byte {
	b = strconv.AppendInt(b, r.start, 10)
	b = append(b, '-')
	b = appendNumber(b, r.end)
	b = append(b, '/')
	return appendNumber(b, r.total)
}

func (r byteRange) String() string { return string(r.appendTo(nil)) }

func appendNumber(b []byte, n int64) []byte {
	if n < 0 {
		return append(b, '*')
	}
	return strconv.AppendInt(b, n, 10)
}

// parseStatus parses the value of a Status header, "000 200 OK"; the comment
// may be missing. See RFC 4975, section 7.1.2.
func parseStatus(s string) (*StatusError, error) {
	ns, rest, ok := strings.Cut(strings.TrimLeft(s, " "), " ")
	if !ok || ns != "000" {
		return nil, syntaxErr("Status", 0, "namespace is not 000")
	}
	code, reason, _ := strings.Cut(rest, " ")
	n, ok := parseCode(code)
	if !ok {
		return nil, syntaxErr("Status", len(ns)+1, "no status code")
	}
	return status(n, reason), nil
}

func parseCode(s string) (int, bool) {
	if len(s) != 3 {
		return 0, false
	}
	n, ok := parseNumber(s)
	return int(n), ok && n >= 0
}
