package ladder

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gomscp/gomscp/internal/printable"
)

// An msrpChunk is what the drawing needs to know of a SEND or of a response to
// one.
type msrpChunk struct {
	id      string // transaction id
	message string // Message-ID, of a SEND
	send    bool
	ok      bool // it is a 200
	first   bool // it begins a message
	last    bool // it ends one
}

// label says in a few words what a message is: the method or status, and for
// MSCP the element.
func label(protocol, raw string) string {
	start, rest, _ := strings.Cut(raw, "\r\n")
	f := strings.Fields(start)
	if len(f) < 2 {
		return protocol + " ?"
	}
	s := ""
	switch protocol {
	case "SIP":
		s = sipLabel(f, rest)
	case "MSCP":
		s = mscpLabel(f, rest)
	default:
		s = msrpLabel(f, rest)
	}
	return short(s, maxLabel)
}

// maxLabel bounds a label, in characters.
const maxLabel = 80

// short is at most n characters of what a stranger wrote, fit for a
// terminal and for XML.
func short(s string, n int) string { return printable.Short(s, n) }

func sipLabel(f []string, rest string) string {
	head, body, _ := strings.Cut(rest, "\r\n\r\n")
	s := f[0]
	if strings.HasPrefix(f[0], "SIP/") {
		s = strings.Join(f[1:], " ")
		if m := strings.Fields(header(head, "CSeq")); len(m) == 2 && m[1] != "INVITE" {
			s = f[1] + " to " + m[1]
		}
	}
	switch {
	case strings.Contains(body, "m=application") && strings.Contains(body, "/MS"):
		return s + " [MSCP SDP]"
	case strings.Contains(body, "m=message 0 "):
		return s + " [SDP refused]"
	case strings.Contains(body, "m=message"):
		return s + " [SDP]"
	case strings.Contains(body, "<basic>open"):
		return s + " open"
	case f[0] == "NOTIFY":
		return s + " closed"
	}
	return s
}

// element finds the name of the first element within request, response or
// notification.
var element = regexp.MustCompile(`<(?:request|response|notification)[^>]*>\s*<(?:\w+:)?(\w+)`)

func mscpLabel(f []string, rest string) string {
	name := "?"
	if m := element.FindStringSubmatch(rest); m != nil {
		name = m[1]
	}
	if strings.HasPrefix(f[0], "MSCP/") {
		return f[1] + " " + name
	}
	return f[0] + " " + name
}

func msrpLabel(f []string, rest string) string {
	if len(f) < 3 {
		return "MSRP ?"
	}
	s := strings.Join(f[2:], " ")
	switch f[2] {
	case "SEND":
		if r := header(rest, "Byte-Range"); r != "" {
			s += " " + r
		}
	case "REPORT":
		s += " " + header(rest, "Status")
	}
	return s
}

// chunk reads what collapsing needs from an MSRP message of that size on the
// wire; ok is false for anything but SENDs and responses. A trace cuts bodies,
// and the flag after them, so whether a chunk ends its message follows from the
// Byte-Range.
func chunk(raw string, size int) (c msrpChunk, ok bool) {
	start, rest, _ := strings.Cut(raw, "\r\n")
	f := strings.Fields(start)
	if len(f) < 3 || f[0] != "MSRP" || f[2] == "REPORT" {
		return c, false
	}
	c.id, c.send, c.ok = f[1], f[2] == "SEND", f[2] == "200"
	if c.send {
		c.message = header(rest, "Message-ID")
	}
	var from, to, total int
	r := header(rest, "Byte-Range")
	if n, _ := fmt.Sscanf(r, "%d-%d/%d", &from, &to, &total); n == 3 {
		c.first, c.last = from <= 1, to >= total || strings.HasSuffix(raw, "-------"+c.id+"#\r\n")
		return c, true
	}
	n, _ := fmt.Sscanf(r, "%d-*/%d", &from, &total)
	c.first = from <= 1
	c.last = n < 2 || from+size > total // the headers are counted too: nearly the end will do
	return c, true
}

// header returns the value of the first header field of that name.
func header(head, name string) string {
	for line := range strings.Lines(head) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
