// Package screen looks at SIP messages before sipgo does, and finds their borders in a
// stream. sipgo's parser drops some malformed messages without an answer and
// misinterprets others. Check refuses these, and brings the rest into a form that sipgo
// can read.
package screen

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// A header line of a message, unfolded.
type headerLine struct {
	name  string // in the long form, in lower case
	raw   string // as it came
	value string
}

// A Message is a message whose syntax was checked.
type Message struct {
	Method   string // "" for a response
	Body     []byte
	start    string
	lines    []headerLine
	rewrites bool // a line differs from the original
}

// Check checks the syntax of one message, with as much of the RFCs' grammar as is needed
// to know what it says. It returns the message in a form that sipgo's parser understands:
// unfolded, without blanks around separators, and cut to its Content-Length. raw must hold
// all of the message; a datagram may hold more. The result may share memory with raw and
// is not longer. The *Message is nil if the headers do not end.
func Check(raw []byte, datagram bool) ([]byte, *Message, *Flaw) {
	head := bytes.Index(raw, []byte("\r\n\r\n"))
	if head < 0 {
		return raw, nil, nil // sipgo drops it
	}
	m := &Message{Body: raw[head+4:]}
	f := m.read(string(raw[:head]), datagram)
	if f != nil {
		if m.Method == "" || m.Method == "ACK" {
			f.Code = 0 // [RFC3261-18.1.2] dropped
		}
		return nil, m, f
	}
	if !m.rewrites {
		return raw[:head+4+len(m.Body)], m, nil
	}
	var b bytes.Buffer
	b.WriteString(m.start + "\r\n")
	for _, l := range m.lines {
		if name, _, _ := strings.Cut(l.raw, ":"); l.raw != "" {
			b.WriteString(strings.TrimRight(name, " \t") + ":" + l.value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(m.Body)
	return b.Bytes(), m, nil
}

// longNames are the long names of the headers that are checked.
var longNames = map[string]string{
	"v": "via", "f": "from", "t": "to", "m": "contact", "i": "call-id", "l": "content-length", "c": "content-type",
}

// lowerName is a header's long name in lower case.
func lowerName(name string) string {
	switch name { // the usual spelling
	case "Via":
		return "via"
	case "From":
		return "from"
	case "To":
		return "to"
	case "Call-ID":
		return "call-id"
	case "CSeq":
		return "cseq"
	case "Contact":
		return "contact"
	case "Content-Length":
		return "content-length"
	}
	name = strings.ToLower(name)
	if long := longNames[name]; long != "" {
		return long
	}
	return name
}

// read takes the message apart and checks the headers that a transaction and a
// dialog need.
func (m *Message) read(head string, datagram bool) *Flaw {
	var rest string
	m.start, rest, _ = strings.Cut(head, "\r\n")
	late := m.readStart()
	m.lines = make([]headerLine, 0, 16)
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\r\n")
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			if len(m.lines) == 0 {
				return malformedBy("start line is folded")
			}
			last := &m.lines[len(m.lines)-1]
			last.value = strings.Trim(last.value+" "+strings.Trim(line, " \t"), " ")
			m.rewrites = true
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		trimmed := strings.TrimRight(name, " \t")
		if !ok || !grammar.IsToken(trimmed) {
			return malformedBy("header line")
		}
		m.rewrites = m.rewrites || trimmed != name
		m.lines = append(m.lines, headerLine{lowerName(trimmed), line, strings.Trim(value, " \t")})
	}
	if f := m.readLength(datagram); f != nil {
		return f
	}
	if late != nil {
		return late // only now, because the answer needs the headers
	}
	for i := range m.lines {
		if f := m.check(&m.lines[i]); f != nil {
			return f
		}
	}
	return m.checkCSeq()
}

// readStart checks the start line.
func (m *Message) readStart() *Flaw {
	if version, rest, ok := strings.Cut(m.start, " "); ok && len(version) > 4 && strings.EqualFold(version[:4], "SIP/") {
		code, _, spaced := strings.Cut(rest, " ")
		if len(code) != 3 || !spaced || code < "100" || code > "699" || !strings.EqualFold(version, "SIP/2.0") {
			return malformedBy("status line")
		}
		return nil
	}
	parts := strings.Split(m.start, " ")
	m.Method = parts[0]
	if len(parts) != 3 || !grammar.IsToken(m.Method) {
		return malformedBy("request line")
	}
	if !grammar.KnownMethod(m.Method) && grammar.KnownMethod(strings.ToUpper(m.Method)) {
		return &Flaw{Code: 501, Reason: "method"} // case matters [RFC3261-7.1], but not to sipgo
	}
	if !strings.EqualFold(parts[2], "SIP/2.0") {
		if len(parts[2]) > 4 && strings.EqualFold(parts[2][:4], "SIP/") {
			return &Flaw{Code: 505, Reason: "version"} // [RFC3261-8.1.1, 21.5.6]
		}
		return malformedBy("request line")
	}
	if !grammar.IsURI(parts[1]) {
		return malformedBy("Request-URI")
	}
	if !grammar.IsPlainScheme(parts[1]) {
		return &Flaw{Code: 416, Reason: "URI scheme"}
	}
	if at := strings.LastIndexByte(parts[1], '@'); grammar.IsSIP(parts[1]) && strings.ContainsRune(parts[1][at+1:], '?') {
		return malformedBy("headers in the Request-URI") // [RFC3261-19.1.1]
	}
	return nil
}

// readLength finds the end of the message.
func (m *Message) readLength(datagram bool) *Flaw {
	length, known := 0, false
	for _, l := range m.lines {
		if l.name != "content-length" {
			continue
		}
		n, err := strconv.ParseUint(l.value, 10, 31)
		if err != nil || known {
			return &Flaw{Code: 400, Reason: "Content-Length", Broken: true}
		}
		length, known = int(n), true
	}
	switch {
	case known && length <= len(m.Body):
		m.Body = m.Body[:length] // what follows is noise [RFC3261-18.3]
	case known:
		return malformedBy("Content-Length")
	case !datagram:
		return &Flaw{Code: 400, Reason: "no Content-Length", Broken: true} // [RFC3261-20.14]
	}
	return nil
}

// check looks at the value of a header whose syntax matters here.
func (m *Message) check(l *headerLine) *Flaw {
	var tidy string
	ok := true
	switch l.name {
	case "from", "to":
		tidy, ok = grammar.TidyAddress(l.value)
	case "contact", "route", "record-route":
		tidy, ok = grammar.TidyAddresses(l.value, l.name == "contact")
	case "via":
		tidy, ok = grammar.TidyVia(l.value)
	case "cseq":
		number, method, found := strings.Cut(strings.ReplaceAll(l.value, "\t", " "), " ")
		_, err := strconv.ParseUint(number, 10, 31)
		if tidy = l.value; !grammar.IsToken(method) {
			method = strings.Trim(method, " ")
			tidy = number + " " + method
		}
		ok = found && err == nil && grammar.IsToken(method) // [RFC3261-8.1.1.5]
	case "call-id":
		tidy, ok = l.value, l.value != "" && !strings.ContainsAny(l.value, " \t")
	default:
		return nil
	}
	if !ok {
		return malformedBy(l.name)
	}
	if tidy != l.value {
		l.value, m.rewrites = tidy, true
	}
	return nil
}

// checkCSeq compares the CSeq's method with the request's. One that is not known
// at all is refused as such. See RFC 4475, section 3.1.2.18.
func (m *Message) checkCSeq() *Flaw {
	if m.Method == "" {
		return nil
	}
	for _, l := range m.lines {
		if l.name != "cseq" {
			continue
		}
		if _, method, _ := strings.Cut(l.value, " "); method != m.Method {
			if !grammar.KnownMethod(m.Method) {
				return &Flaw{Code: 501, Reason: "method"}
			}
			return malformedBy("CSeq method")
		}
	}
	return nil
}

// TopVia returns the value of the first Via, "" without one.
func (m *Message) TopVia() string {
	for _, l := range m.lines {
		if l.name == "via" {
			return l.value
		}
	}
	return ""
}

// Answerable reports whether the message has the headers that a response needs. Of
// headers that are too long, only the first are kept.
func (m *Message) Answerable() bool {
	return !slices.ContainsFunc([]string{"via", "from", "to", "call-id", "cseq"}, func(name string) bool {
		return !slices.ContainsFunc(m.lines, func(l headerLine) bool { return l.name == name })
	})
}

// IsEarly reports whether the message is a 1xx with a body, other than 100.
func (m *Message) IsEarly() bool {
	if m.Method != "" || len(m.Body) == 0 {
		return false
	}
	status, _, _ := strings.Cut(strings.TrimPrefix(m.start[len("SIP/2.0"):], " "), " ")
	return status[0] == '1' && status != "100"
}
