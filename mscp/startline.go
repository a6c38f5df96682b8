package mscp

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// startLine reads the first line that is not empty: the grammar allows a CRLF
// too many after a start line's own, which a body's may be taken for.
func (r *Reader) startLine() (*PDU, error) {
	for range MaxHeaders {
		at := r.offset
		line, err := r.line()
		switch {
		case errors.Is(err, io.EOF) && line != "":
			return nil, fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, r.fail("the start line ends too early"))
		case err != nil:
			return nil, err
		case line != "":
			return r.parseStart(at, line)
		}
		r.note(at, "an empty line before the start line (section 7.2.2)")
	}
	return nil, r.fail("more than %d empty lines", MaxHeaders)
}

// parseStart reads a start line; blanks between its parts may be several. See
// the draft, sections 7.2.3 to 7.2.5.
func (r *Reader) parseStart(at int64, line string) (*PDU, error) {
	f := strings.Fields(line)
	p := &PDU{}
	var err error
	switch {
	case len(f) == 3 && f[0] == "REQ":
		p.Kind = Request
		if err = r.requestID(p, f[2]); err == nil {
			r.begun = p
		}
		f = f[1:]
	case len(f) == 2 && f[0] == "NOTIF":
		p.Kind = Notification
		f = f[1:]
	case len(f) >= 3 && strings.HasPrefix(f[0], "MSCP/"):
		p.Kind = Response
		err = r.parseResponse(p, at, f)
	default:
		err = r.fail("%q is no start line (section 7.2.2)", shorten(line))
	}
	if err == nil && f[0] != "MSCP/1.0" { // [MSCP-7.2.3-5]
		err = r.fail("version %q is not MSCP/1.0 (section 7.2.3)", shorten(f[0]))
	}
	if !hasBlanksRight(line, p.Kind == Request) { // [MSCP-7.2.2-2]
		r.note(at, "blanks in the start line that neither grammar nor examples have (section 7.2.2)")
	}
	return p, err
}

// hasBlanksRight tells whether the start line has its blanks where the
// examples have them, or where the grammar has them: two before the id of a request,
// and one before that of a response.
func hasBlanksRight(line string, request bool) bool {
	if last := strings.LastIndexByte(line, ' '); request && last > 0 && line[last-1] == ' ' {
		line = line[:last-1] + line[last:]
	}
	return !strings.Contains(line, "  ") && !strings.Contains(line, "\t") && strings.TrimSpace(line) == line
}

// parseResponse reads a response's start line, whose request-id is the last
// token, since the phrase before it holds blanks.
func (r *Reader) parseResponse(p *PDU, at int64, f []string) (err error) {
	p.Status, err = strconv.Atoi(f[1])
	if err != nil || len(f[1]) != 3 || p.Status < 100 { // -12 and +12 are none either
		return r.fail("status code %q is not of three digits (section 7.2.4)", shorten(f[1]))
	}
	p.Phrase = strings.Join(f[2:len(f)-1], " ")
	switch p.Status {
	case StatusOK, StatusBadRequest, StatusInternalError:
		if p.Phrase != statusPhrase(p.Status) { // [MSCP-7.2.4-5]
			r.note(at, "reason phrase %q of %d is not %q (section 7.2.4)", shorten(p.Phrase), p.Status, statusPhrase(p.Status))
		}
	default:
		r.note(at, "status code %d is none of 200, 400 and 500 (section 7.2.4)", p.Status) // [MSCP-7.2.4-5]
	}
	return r.requestID(p, f[len(f)-1])
}

// requestID takes an id of any length that fits in a line.
func (r *Reader) requestID(p *PDU, s string) error {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return r.fail("request-id %q is not of digits (section 7.2.3)", shorten(s)) // [MSCP-7.2.3-4]
		}
	}
	p.ID, p.Token = idValue(s), s
	return nil
}
