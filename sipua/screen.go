package sipua

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// A flaw is why a message does not come through to sipgo, whose parser drops
// some malformed messages without an answer and takes others as what they are
// not.
type flaw struct {
	code   int // of the answer; 0 means that it is a response, which is dropped
	reason string
	broken bool // the end of the message is not known: of a stream, nothing more can be read
}

func (f *flaw) Error() string { return f.reason }

func malformedBy(reason string) *flaw { return &flaw{code: 400, reason: reason} }

// A header line of a message, unfolded.
type headerLine struct {
	name  string // in the long form, in lower case
	raw   string // as it came
	value string
}

// A screened message is one whose syntax was looked at.
type screened struct {
	start    string
	method   string // "" for a response
	lines    []headerLine
	body     []byte
	rewrites bool // a line differs from what came
}

// screen looks at the syntax of one message, with as much of the RFCs' grammar as
// it takes to know what it says, and returns it in a form that sipgo's parser
// understands: unfolded, without blanks around separators, and cut to its
// Content-Length. raw must hold all of the message and, if it is a datagram, may
// hold more. The result may share memory with raw and is not longer.
func screen(raw []byte, datagram bool) ([]byte, *screened, *flaw) {
	head := bytes.Index(raw, []byte("\r\n\r\n"))
	if head < 0 {
		return raw, nil, nil // sipgo drops it
	}
	m := &screened{body: raw[head+4:]}
	f := m.read(string(raw[:head]), datagram)
	if f != nil {
		if m.method == "" || m.method == "ACK" {
			f.code = 0 // [RFC3261-18.1.2] dropped
		}
		return nil, m, f
	}
	if !m.rewrites {
		return raw[:head+4+len(m.body)], m, nil
	}
	var b bytes.Buffer
	b.WriteString(m.start + "\r\n")
	for _, l := range m.lines {
		if name, _, _ := strings.Cut(l.raw, ":"); l.raw != "" {
			b.WriteString(strings.TrimRight(name, " \t") + ":" + l.value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(m.body)
	return b.Bytes(), m, nil
}

// longNames are the names that the short ones of the headers looked at stand
// for.
var longNames = map[string]string{
	"v": "via", "f": "from", "t": "to", "m": "contact", "i": "call-id", "l": "content-length", "c": "content-type",
}

// lowerName is a header's long name in lower case.
func lowerName(name string) string {
	switch name { // as they are mostly spelled
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
func (m *screened) read(head string, datagram bool) *flaw {
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
		return late // only now, so that the answer has the headers that it needs
	}
	for i := range m.lines {
		if f := m.check(&m.lines[i]); f != nil {
			return f
		}
	}
	return m.checkCSeq()
}

// readStart checks the start line.
func (m *screened) readStart() *flaw {
	if version, rest, ok := strings.Cut(m.start, " "); ok && len(version) > 4 && strings.EqualFold(version[:4], "SIP/") {
		code, _, spaced := strings.Cut(rest, " ")
		if len(code) != 3 || !spaced || code < "100" || code > "699" || !strings.EqualFold(version, "SIP/2.0") {
			return malformedBy("status line")
		}
		return nil
	}
	parts := strings.Split(m.start, " ")
	m.method = parts[0]
	if len(parts) != 3 || !grammar.IsToken(m.method) {
		return malformedBy("request line")
	}
	if !grammar.KnownMethod(m.method) && grammar.KnownMethod(strings.ToUpper(m.method)) {
		return &flaw{code: 501, reason: "method"} // case matters [RFC3261-7.1], but not to sipgo
	}
	if !strings.EqualFold(parts[2], "SIP/2.0") {
		if len(parts[2]) > 4 && strings.EqualFold(parts[2][:4], "SIP/") {
			return &flaw{code: 505, reason: "version"} // [RFC3261-8.1.1, 21.5.6]
		}
		return malformedBy("request line")
	}
	if !grammar.IsURI(parts[1]) {
		return malformedBy("Request-URI")
	}
	if !grammar.IsPlainScheme(parts[1]) {
		return &flaw{code: 416, reason: "URI scheme"}
	}
	if at := strings.LastIndexByte(parts[1], '@'); grammar.IsSIP(parts[1]) && strings.ContainsRune(parts[1][at+1:], '?') {
		return malformedBy("headers in the Request-URI") // [RFC3261-19.1.1]
	}
	return nil
}

// readLength finds the end of the message.
func (m *screened) readLength(datagram bool) *flaw {
	length, known := 0, false
	for _, l := range m.lines {
		if l.name != "content-length" {
			continue
		}
		n, err := strconv.ParseUint(l.value, 10, 31)
		if err != nil || known {
			return &flaw{code: 400, reason: "Content-Length", broken: true}
		}
		length, known = int(n), true
	}
	switch {
	case known && length <= len(m.body):
		m.body = m.body[:length] // what follows is noise [RFC3261-18.3]
	case known:
		return malformedBy("Content-Length")
	case !datagram:
		return &flaw{code: 400, reason: "no Content-Length", broken: true} // [RFC3261-20.14]
	}
	return nil
}

// check looks at the value of a header whose syntax matters here.
func (m *screened) check(l *headerLine) *flaw {
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
func (m *screened) checkCSeq() *flaw {
	if m.method == "" {
		return nil
	}
	for _, l := range m.lines {
		if l.name != "cseq" {
			continue
		}
		if _, method, _ := strings.Cut(l.value, " "); method != m.method {
			if !grammar.KnownMethod(m.method) {
				return &flaw{code: 501, reason: "method"}
			}
			return malformedBy("CSeq method")
		}
	}
	return nil
}

// answer is the response to a request that has a flaw, made without a
// transaction: nil if there must be none. See RFC 3261, section 8.2.7.
func (f *flaw) answer(m *screened, allow string) []byte {
	if f.code == 0 || m == nil {
		return nil
	}
	var b bytes.Buffer
	reason := grammar.ReasonPhrase(f.code)
	if f.code == 400 {
		reason += " (" + f.reason + ")"
	}
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", f.code, reason)
	vias := 0
	for _, l := range m.lines {
		switch l.name {
		case "via":
			vias++
			fmt.Fprintf(&b, "Via: %s\r\n", l.value)
		case "to":
			value := l.value
			if !strings.Contains(value, "tag=") {
				h := fnv.New64a() // the same for a repeated request [RFC3261-8.2.7]
				_, _ = h.Write([]byte(m.start + l.raw))
				value += fmt.Sprintf(";tag=%x", h.Sum64())
			}
			fmt.Fprintf(&b, "To: %s\r\n", value)
		case "from", "call-id", "cseq":
			name, _, _ := strings.Cut(l.raw, ":")
			fmt.Fprintf(&b, "%s: %s\r\n", strings.TrimRight(name, " \t"), l.value)
		}
	}
	if vias == 0 {
		return nil
	}
	if f.code == 501 {
		fmt.Fprintf(&b, "Allow: %s\r\n", allow)
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.Bytes()
}

// topVia is the value of the first Via.
func (m *screened) topVia() string {
	for _, l := range m.lines {
		if l.name == "via" {
			return l.value
		}
	}
	return ""
}
