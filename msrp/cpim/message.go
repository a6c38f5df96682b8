package cpim

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Message is a message in CPIM: its addresses, its headers and its content.
type Message struct {
	// Header has the message headers in their order, with the names and encoded values
	// that they have on the wire.
	Header []Field
	// Content has the MIME headers of the wrapped content.
	Content MIMEHeader
	// Body is the wrapped content in its form on the wire.
	Body io.Reader
}

// Fields returns the message headers of that name, with any prefix. See RFC 3862, section
// 3.4.
func (m *Message) Fields(name Name) []Field {
	var all []Field
	for i, n := range resolve(m.Header) {
		if n == name || name == CC && n == ccOf4975 { // [RFC3862-2.2-2]
			all = append(all, m.Header[i])
		}
	}
	return all
}

// ccOf4975 is how RFC 4975, section 13, spells cc.
var ccOf4975 = Name{Namespace, "CC"}

// Value returns the encoded value of the first header of that name, or "".
func (m *Message) Value(name Name) string {
	if all := m.Fields(name); len(all) > 0 {
		return all[0].Value
	}
	return ""
}

// Addresses returns the addresses of all headers of that name, such as To and CC. Invalid
// addresses are omitted.
func (m *Message) Addresses(name Name) []Address {
	var all []Address
	for _, f := range m.Fields(name) {
		if a, err := ParseAddress(f.Value); err == nil {
			all = append(all, a)
		}
	}
	return all
}

// Address returns the address in the first header of that name. The error is ErrNoHeader
// or a *SyntaxError.
func (m *Message) Address(name Name) (Address, error) {
	all := m.Fields(name)
	if len(all) == 0 {
		return Address{}, fmt.Errorf("%w: %s", ErrNoHeader, name.Local)
	}
	return ParseAddress(all[0].Value)
}

// Sent returns the time in DateTime. The error is ErrNoHeader or a *SyntaxError. See RFC
// 3862, section 4.4.
func (m *Message) Sent() (time.Time, error) {
	all := m.Fields(DateTime)
	if len(all) == 0 {
		return time.Time{}, fmt.Errorf("%w: DateTime", ErrNoHeader)
	}
	return parseDateTime(all[0].Value)
}

// parseDateTime reads a date-time of RFC 3339, section 5.6, whose "T" and "Z"
// may be small, and whose second may be a leap second.
func parseDateTime(s string) (time.Time, error) {
	u := strings.ToUpper(s)
	leap := len(u) > 19 && u[17:19] == "60" // hh:mm:60
	if leap {
		u = u[:17] + "59" + u[19:]
	}
	t, err := time.Parse(time.RFC3339, u)
	if err != nil {
		return time.Time{}, syntaxErr("date-time", 0, "not a date-time of RFC 3339")
	}
	if leap {
		t = t.Add(time.Second)
	}
	return t, nil
}

// FormatDateTime encodes a time for DateTime, in seconds and UTC.
func FormatDateTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// A Text is human-readable text with its language; "" if the message has none. See RFC
// 3862, section 3.3.
type Text struct {
	Lang, Text string
}

// Subjects returns the subjects of the message, perhaps in several languages.
func (m *Message) Subjects() []Text {
	var all []Text
	for _, f := range m.Fields(Subject) {
		all = append(all, Text{f.Param("lang"), Unescape(f.Value)})
	}
	return all
}

// understood are the headers that this package reads.
var understood = []Name{From, To, CC, DateTime, Subject, NS, Require,
	DispositionNotification, MessageID, OriginalTo, RecordRoute, Route}

// CheckRequired returns a *RequireError if the message requires a header or feature that
// neither this package nor the application (also) understands. An endpoint must call it
// before it shows a message; a relay or a store need not. See RFC 3862, section 3.5.
func (m *Message) CheckRequired(also ...Name) error {
	var missing []string
	names := resolve(m.Header)
	for i, f := range m.Header {
		if names[i] != Require {
			continue
		}
		for _, feature := range splitList(f.Value, ',') {
			if feature == "" {
				continue
			}
			// The feature is a name like one of a header at this place.
			at := append(slices.Clone(m.Header[:i]), Field{Name: feature})
			n := resolve(at)[i]
			if !slices.Contains(understood, n) && !slices.Contains(also, n) { // [RFC3862-3.5-1]
				missing = append(missing, feature)
			}
		}
	}
	if missing != nil {
		return &RequireError{missing}
	}
	return nil
}
