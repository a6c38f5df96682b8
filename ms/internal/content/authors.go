package content

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/gomscp/gomscp/msrp/cpim"
)

// authors are the values of From in the headers of a message in CPIM: m, which stands in
// head as it came.
func authors(m *cpim.Message, head []byte) (values []string) {
	for _, f := range m.Header {
		prefix, local, ok := strings.Cut(f.Name, ".")
		if !ok {
			prefix, local = "", f.Name
		}
		if !strings.EqualFold(local, cpim.From.Local) {
			continue
		}
		ours := m.Fields(cpim.Name{Space: cpim.Namespace, Local: local})
		if prefix == "" || slices.ContainsFunc(ours, func(g cpim.Field) bool { return g.Name == f.Name }) {
			values = append(values, f.Value)
		}
	}
	for _, f := range m.Content {
		if strings.EqualFold(f.Name, cpim.From.Local) {
			values = append(values, f.Value)
		}
	}
	return append(values, hiddenAuthors(head)...)
}

// hiddenAuthors are the values of From in readable headers that are not on lines of their own
// to us: on a folded line, which RFC 3862 does not have, and behind a character that another
// reader may take for the end of a line.
func hiddenAuthors(head []byte) (values []string) {
	for line := range bytes.Lines(head) {
		if line[0] != ' ' && line[0] != '\t' {
			line = bytes.TrimLeftFunc(line, func(r rune) bool { return !endsLine(r) })
		}
		values = append(values, authorsOfLines(line)...)
	}
	return values
}

// authorsOfLines are the values of From in headers that cannot be read, line by line. A more
// lenient reader than ours may read them.
func authorsOfLines(head []byte) (values []string) {
	for _, line := range bytes.FieldsFunc(head, endsLine) {
		name, value, ok := strings.Cut(string(line), ":")
		if name = strings.TrimSpace(name); ok && (strings.EqualFold(name, "from") || strings.HasSuffix(strings.ToLower(name), ".from")) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// endsLine reports whether some reader may take the character for the end of a line.
func endsLine(r rune) bool {
	return unicode.IsControl(r) && r != '\t' || r == '\u2028' || r == '\u2029'
}

// endsHeaders reports whether message headers that cannot be read end in head. MIME headers
// of the message itself may stand before them.
func endsHeaders(head []byte) bool {
	rest, ok := behindBlankLine(head)
	if ok && bytes.HasPrefix(bytes.ToLower(head), []byte("content-")) {
		_, ok = behindBlankLine(rest)
	}
	return ok
}

// behindBlankLine is what follows the first blank line of b.
func behindBlankLine(b []byte) (rest []byte, ok bool) {
	for {
		if _, b, ok = bytes.Cut(b, []byte("\n")); !ok {
			return nil, false
		}
		if rest := bytes.TrimPrefix(b, []byte("\r")); bytes.HasPrefix(rest, []byte("\n")) {
			return rest[1:], true
		}
	}
}
