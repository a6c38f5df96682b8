package cpim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Add appends a message header. The value must be encoded: use Address.String,
// FormatDateTime or Escape.
func (m *Message) Add(name, value string) {
	m.Header = append(m.Header, Field{Name: name, Value: value})
}

// Reader returns the whole message, headers first. It makes the checks of Head.
func (m *Message) Reader() (io.Reader, error) {
	head, err := m.Head()
	if err != nil {
		return nil, err
	}
	if m.Body == nil {
		return bytes.NewReader(head), nil
	}
	return io.MultiReader(bytes.NewReader(head), m.Body), nil
}

// Head returns the headers of the message, with the blank line before its body. It adds a
// missing Content-Type: text/plain in UTF-8. It refuses a message that breaks the grammar
// or the rules of RFC 4975, section 13, so that Read reads the result in the same way.
func (m *Message) Head() ([]byte, error) {
	if err := m.checkHeaders(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, f := range m.Header {
		b.WriteString(f.String())
		b.WriteString("\r\n") // [RFC3862-2.2-6]
	}
	b.WriteString("\r\n")
	if !m.Content.has(hdrContentType) {
		b.WriteString(hdrContentType + ": " + defaultType + "\r\n") // [RFC3862-2.4-1]
	}
	for _, f := range m.Content {
		b.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	b.WriteString("\r\n")
	if b.Len() > MaxHeaderBytes {
		return nil, fmt.Errorf("cpim: the headers are longer than %d bytes", MaxHeaderBytes)
	}
	return b.Bytes(), nil
}

func (m *Message) checkHeaders() error {
	if len(m.Header)+len(m.Content) >= MaxHeaders {
		return fmt.Errorf("cpim: more than %d headers", MaxHeaders)
	}
	declared := map[string]bool{"": true}
	for _, f := range m.Header {
		if err := f.checkSyntax(declared); err != nil {
			return fmt.Errorf("cpim: header %q: %w", f.Name, err)
		}
	}
	for _, f := range m.Content {
		if err := f.checkSyntax(); err != nil {
			return fmt.Errorf("cpim: MIME header %q: %w", f.Name, err)
		}
	}
	return m.checkCounts()
}

// once are the headers of RFC 3862 that RFC 4975, section 13, does not let occur
// twice.
var once = []Name{From, DateTime, Subject, Require}

func (m *Message) checkCounts() error {
	count := map[Name]int{}
	for i, n := range resolve(m.Header) {
		count[n]++
		if slices.Contains(once, n) && count[n] > 1 {
			return fmt.Errorf("cpim: a message has %s once", n.Local) // [RFC4975-13-2]
		}
		if err := checkValue(n, m.Header[i].Value); err != nil {
			return fmt.Errorf("cpim: header %q: %w", m.Header[i].Name, err)
		}
	}
	if count[From] == 0 || count[To] == 0 {
		return errors.New("cpim: a message needs From and To") // [RFC4975-13-1]
	}
	if count[OriginalTo] > 1 {
		return errors.New("cpim: a message has Original-To once") // [RFC5438-6.4-1]
	}
	return nil
}

// checkValue holds the headers that this package knows to their syntax.
func checkValue(n Name, value string) error {
	var err error
	switch n {
	case From, To, CC, OriginalTo, RecordRoute, Route:
		var a Address
		if a, err = ParseAddress(value); err == nil && a.String() != value {
			err = checkFormal(value)
		}
	case DateTime:
		_, err = parseDateTime(value)
	case NS:
		_, _, err = parseNS(value)
	}
	return err
}

// checkFormal refuses what ParseAddress takes beyond the grammar.
func checkFormal(value string) error {
	open := strings.LastIndexByte(value, '<')
	if open < 0 {
		return syntaxErr("URI", 0, "no angle brackets")
	}
	name, isString := value[:open], strings.HasPrefix(value, `"`)
	if isString && closingQuote(value) != open-1 || !isString && name != "" && !areTokens(strings.TrimSuffix(name, " ")) {
		return syntaxErr("Formal-name", 0, "neither tokens nor one string")
	}
	return nil
}

// checkSyntax holds a message header to the grammar; declared are the prefixes so far.
func (f Field) checkSyntax(declared map[string]bool) error {
	prefix, _, ok := strings.Cut(f.Name, ".")
	if !ok {
		prefix = ""
	}
	switch {
	case !isHeaderName(f.Name):
		return syntaxErr("Header-name", 0, "a character that names do not have") // [RFC3862-3.1-1]
	case isMIME(f.Name):
		return errors.New("it belongs to the content")
	case !declared[prefix]:
		return errors.New("its prefix is not declared by an NS header before it") // [RFC3862-3.4-5]
	}
	for _, p := range f.Params {
		if !isName(p.Name) || !utf8.ValidString(p.Value) {
			return syntaxErr("Parameter", 0, "not a name and text")
		}
	}
	if err := checkCoded(f.Value); err != nil {
		return err
	}
	if f.Name == "NS" {
		p, _, err := parseNS(f.Value)
		if err != nil {
			return err
		}
		declared[p] = true
	}
	return nil
}

// checkCoded holds the value of a message header to rule Header-value.
func checkCoded(s string) error {
	for i, r := range s {
		if isControl(r) {
			return syntaxErr("HEADERCHAR", i, "a control character that is not escaped") // [RFC3862-2.2-3]
		}
	}
	switch at := checkEscapes(s); {
	case !utf8.ValidString(s):
		return syntaxErr("HEADERCHAR", 0, "no UTF-8") // [RFC3862-2.2-7]
	case at >= 0:
		return syntaxErr("Escape", at, "no escape sequence")
	case strings.Trim(s, " ") != s:
		return syntaxErr("Header-value", 0, "a blank at its begin or end") // [RFC3862-2.2-5]
	}
	return nil
}

func (f MIMEField) checkSyntax() error {
	switch {
	case !isHeaderName(f.Name), checkText(f.Value) >= 0:
		return errors.New("it cannot be written")
	case strings.Trim(f.Value, " \t") != f.Value:
		return errors.New("a blank at its begin or end")
	}
	return nil
}
