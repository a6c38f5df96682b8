package rfc4975

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// A Field is one header field, as it was written.
type Field struct{ Name, Value string }

// A Frame is one request or response.
type Frame struct {
	Start   string // the start line, without CRLF
	TID     string // its second word
	Method  string // "" for a response
	Code    int    // of a response
	Fields  []Field
	Body    string
	HasBody bool // there is an empty line behind the headers
	Flag    byte // '$', '+' or '#'
}

// Get returns the first value of a header without surrounding blanks, or "". Names are
// compared without regard to case.
func (f *Frame) Get(name string) string {
	for _, h := range f.Fields {
		if strings.EqualFold(h.Name, name) {
			return strings.TrimSpace(h.Value)
		}
	}
	return ""
}

var (
	errIncomplete = errors.New("the frame has not all come")
	errNoFrame    = errors.New("it does not begin with a start line")
	errTooLong    = errors.New("the frame is too long")
)

// cut takes the frame that b begins with and returns its size in bytes. The error is
// errIncomplete if more has to come.
func cut(b []byte) (*Frame, int, error) {
	eol := bytes.Index(b, []byte("\r\n"))
	if eol < 0 && len(b) < maxStart {
		return nil, 0, errIncomplete
	}
	if eol < 0 || eol > maxStart {
		return nil, 0, errNoFrame
	}
	words := strings.SplitN(string(b[:eol]), " ", 4)
	if len(words) < 3 || words[0] != "MSRP" || words[1] == "" {
		return nil, 0, errNoFrame
	}
	f := &Frame{Start: string(b[:eol]), TID: words[1], Method: words[2]}
	if n, err := strconv.Atoi(words[2]); err == nil {
		f.Method, f.Code = "", n
	}
	at, end := endLine(b, eol, f.TID)
	if at < 0 {
		if len(b) > MaxFrame {
			return nil, 0, errTooLong
		}
		return nil, 0, errIncomplete
	}
	f.Flag = b[end-3]
	head, body, ok := strings.Cut(string(b[eol:at]), "\r\n\r\n")
	if rest, empty := strings.CutSuffix(head, "\r\n"); empty && !ok { // an empty body
		head, ok = rest, true
	}
	f.HasBody, f.Body = ok, body
	if head = strings.TrimPrefix(head, "\r\n"); head != "" {
		for line := range strings.SplitSeq(head, "\r\n") {
			name, value, _ := strings.Cut(line, ":")
			f.Fields = append(f.Fields, Field{name, value})
		}
	}
	return f, end, nil
}

// maxStart bounds a start line, in bytes.
const maxStart = 1024

// endLine returns where the CRLF before the end-line is, and where the end-line ends;
// -1 without.
func endLine(b []byte, from int, tid string) (at, end int) {
	mark := []byte("\r\n-------" + tid)
	for at = from; ; at = end {
		next := bytes.Index(b[at:], mark)
		if next < 0 {
			return -1, -1
		}
		at += next
		end = at + len(mark)
		if len(b) < end+3 {
			return -1, -1
		}
		if bytes.IndexByte([]byte("$+#"), b[end]) >= 0 && b[end+1] == '\r' && b[end+2] == '\n' {
			return at, end + 3
		}
	}
}
