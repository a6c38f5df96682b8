package screen

import (
	"bytes"
	"strconv"
	"strings"
)

// maxNameLine bounds what is kept of a header line while headers are skipped, in bytes.
const maxNameLine = 64

// A skipper skips the messages of a stream that are too large to be kept, so that the
// connection, which may carry the calls of many users, stays open.
type skipper struct {
	body int // bytes of a body that are still to come

	// Of headers that are too long, the first are kept for the answer.
	head  []byte // nil between such headers
	size  int    // bytes of them so far
	line  []byte // the begin of the line that is being read
	width int    // bytes of that line so far
}

// over skips the part of b that belongs to a message that is skipped, and returns the
// rest. ended reports whether headers that are too long have ended in b; their body must
// still be skipped.
func (k *skipper) over(b []byte) (rest []byte, ended bool) {
	n := min(k.body, len(b))
	k.body -= n
	b = b[n:]
	if k.head == nil {
		return b, false
	}
	for i, c := range b {
		k.size++
		k.width++
		if c != '\n' {
			if len(k.line) < maxNameLine {
				k.line = append(k.line, c)
			}
			continue
		}
		if k.width == 2 && string(k.line) == "\r" {
			return b[i+1:], true
		}
		if _, ok := lengthLine(string(k.line)); ok {
			k.head = append(append(k.head, bytes.TrimRight(k.line, "\r")...), "\r\n"...)
		}
		k.line, k.width = k.line[:0], 0
	}
	return nil, false
}

// begin starts to skip headers that begin with pending.
func (k *skipper) begin(pending []byte) {
	cut := bytes.LastIndex(pending, []byte("\r\n")) + 2
	if cut < 2 {
		cut = 0 // not even the start line has ended
	}
	k.head, k.line, k.width = bytes.Clone(pending[:cut]), nil, 0
	if k.head == nil {
		k.head = []byte{}
	}
	k.size = cut
	k.over(pending[cut:])
}

// lengthLine reads a header line that gives a Content-Length.
func lengthLine(line string) (value string, ok bool) {
	name, value, ok := strings.Cut(line, ":")
	name = strings.TrimSpace(name)
	return strings.TrimSpace(value), ok && (strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "l"))
}

// contentLength is the Content-Length in a message's headers: 0 without any. It reports
// false if it is not valid.
func contentLength(head []byte) (n int, ok bool) {
	known := false
	for line := range strings.SplitSeq(string(head), "\r\n") {
		value, is := lengthLine(line)
		if !is {
			continue
		}
		v, err := strconv.ParseUint(value, 10, 31)
		if err != nil || known {
			return 0, false
		}
		n, known = int(v), true
	}
	return n, true
}

// withoutBody returns a message with those headers and without a body.
func withoutBody(head []byte) []byte {
	var b bytes.Buffer
	left := false
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if folded := line != "" && (line[0] == ' ' || line[0] == '\t'); !folded {
			_, left = lengthLine(line)
		}
		if !left && line != "" {
			b.WriteString(line + "\r\n")
		}
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.Bytes()
}
