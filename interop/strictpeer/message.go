package strictpeer

import (
	"fmt"
	"strconv"
	"strings"
)

// A Message is one SIP message as text.
type Message struct {
	Start  string // the start line
	Fields []Field
	Body   string
}

// A Field is one header field.
type Field struct{ Name, Value string }

// ParseMessage reads a SIP message with its body.
func ParseMessage(text string) (*Message, error) {
	head, body, ok := strings.Cut(text, "\r\n\r\n")
	if !ok {
		return nil, fmt.Errorf("no empty line behind the headers")
	}
	m := &Message{Body: body}
	for i, line := range strings.Split(head, "\r\n") {
		if i == 0 {
			m.Start = line
			continue
		}
		if line == "" || line[0] == ' ' || line[0] == '\t' || strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("line %d: %q", i+1, line)
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("line %d has no colon: %q", i+1, line)
		}
		m.Fields = append(m.Fields, Field{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	if length := m.Get("Content-Length"); length != "" {
		n, err := strconv.Atoi(length)
		if err != nil || n != len(body) {
			return nil, fmt.Errorf("Content-Length %s, but %d bytes", length, len(body))
		}
	}
	return m, nil
}

// String returns the message in its form on the wire, with Content-Length.
func (m *Message) String() string {
	var b strings.Builder
	b.WriteString(m.Start + "\r\n")
	for _, f := range m.Fields {
		b.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(m.Body), m.Body)
	return b.String()
}

// Get returns the first value of a header, or "".
func (m *Message) Get(name string) string {
	if all := m.All(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// All returns the values of a header, in their order.
func (m *Message) All(name string) (values []string) {
	for _, f := range m.Fields {
		if strings.EqualFold(f.Name, name) {
			values = append(values, f.Value)
		}
	}
	return values
}

// Add adds a header.
func (m *Message) Add(name, value string) { m.Fields = append(m.Fields, Field{name, value}) }

// Method returns the method of a request, "" for a response.
func (m *Message) Method() string {
	if m.Status() != 0 {
		return ""
	}
	method, _, _ := strings.Cut(m.Start, " ")
	return method
}

// URI returns the Request-URI.
func (m *Message) URI() string {
	parts := strings.Split(m.Start, " ")
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}

// Status returns the code of a response, 0 for a request.
func (m *Message) Status() int {
	rest, ok := strings.CutPrefix(m.Start, "SIP/2.0 ")
	if !ok || len(rest) < 3 {
		return 0
	}
	n, _ := strconv.Atoi(rest[:3])
	return n
}

// Tag returns the tag of a From or To value.
func Tag(value string) string {
	_, params, _ := strings.Cut(value[strings.LastIndexByte(value, '>')+1:], ";tag=")
	tag, _, _ := strings.Cut(params, ";")
	return tag
}

// Address returns the URI in a header value, without its angle brackets.
func Address(value string) string {
	if _, rest, ok := strings.Cut(value, "<"); ok {
		uri, _, _ := strings.Cut(rest, ">")
		return uri
	}
	uri, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(uri)
}

// Reply makes a response to a request; more are further headers.
func (m *Message) Reply(status, toTag string, more ...Field) *Message {
	r := &Message{Start: "SIP/2.0 " + status}
	for _, f := range m.Fields {
		switch strings.ToLower(f.Name) {
		case "to":
			if Tag(f.Value) == "" && toTag != "" {
				f.Value += ";tag=" + toTag
			}
		case "via", "from", "call-id", "cseq", "record-route":
		default:
			continue
		}
		r.Fields = append(r.Fields, f)
	}
	r.Fields = append(r.Fields, more...)
	return r
}

// checkRequest names what a request lacks that every request must have. See RFC
// 3261, section 8.1.1.
func checkRequest(m *Message) error {
	if !strings.HasSuffix(m.Start, " SIP/2.0") || m.URI() == "" {
		return fmt.Errorf("request line %q", m.Start)
	}
	for _, name := range []string{"To", "From", "CSeq", "Call-ID", "Max-Forwards", "Content-Length"} {
		if n := len(m.All(name)); n != 1 {
			return fmt.Errorf("%d %s headers in %s", n, name, m.Start)
		}
	}
	switch {
	case !strings.Contains(m.Get("Via"), ";branch=z9hG4bK"):
		return fmt.Errorf("the Via is %q", m.Get("Via"))
	case Tag(m.Get("From")) == "":
		return fmt.Errorf("the From %q has no tag", m.Get("From"))
	case !strings.HasSuffix(m.Get("CSeq"), " "+m.Method()):
		return fmt.Errorf("CSeq %q of %s", m.Get("CSeq"), m.Method())
	case (m.Body == "") != (m.Get("Content-Type") == ""):
		return fmt.Errorf("%d bytes of Content-Type %q", len(m.Body), m.Get("Content-Type"))
	case m.Method() == "INVITE" && len(m.All("Contact")) != 1:
		return fmt.Errorf("an INVITE with %d Contacts", len(m.All("Contact")))
	}
	return nil
}
