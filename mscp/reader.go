package mscp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Reader reads PDUs from a connection, leniently: what it takes in spite of
// a broken rule is in the PDU's Findings. See the draft, sections 7.2.2 to
// 7.2.5.
type Reader struct {
	src        io.Reader
	buf        []byte // of which [start:end] was read from src and not used
	start, end int

	begun *PDU // a request whose start line has an id, until it is read whole

	offset int64 // bytes of the PDU that were used
	last   []byte
	found  []Finding
}

// usualType is the header of most PDUs.
const usualType = "Content-Type: " + ContentType

// readBuffer is more than the longest line, which has to fit.
const readBuffer = 16 * MaxLine

// NewReader reads from r.
func NewReader(r io.Reader) *Reader { return &Reader{src: r, buf: make([]byte, readBuffer)} }

// Raw returns the bytes of the PDU that was read last, valid until the next
// Read.
func (r *Reader) Raw() []byte { return r.last }

// Read reads the next PDU. io.EOF means that the connection ended between two.
// A *ParseError means that what follows cannot be told apart any more.
func (r *Reader) Read() (*PDU, error) {
	r.offset, r.last, r.found, r.begun = 0, r.last[:0], nil, nil
	if cap(r.last) > 4*readBuffer { // a large one is not kept
		r.last = nil
	}
	p, err := r.startLine()
	if err != nil {
		return nil, err
	}
	length, err := r.headers(p)
	if err != nil {
		return nil, err
	}
	p.bodyAt = r.offset
	if p.Body, err = r.body(length); err != nil {
		return nil, err
	}
	locate(r.last, r.found)
	p.found = r.found
	return p, nil
}

func (r *Reader) fail(format string, args ...any) error {
	return &ParseError{r.offset, fmt.Sprintf(format, args...)}
}

// note takes down a rule that is broken at the byte at.
func (r *Reader) note(at int64, format string, args ...any) {
	if len(r.found) < MaxFindings {
		r.found = append(r.found, Finding{Offset: at, Rule: fmt.Sprintf(format, args...)})
	}
}

// fill reads once from the connection. There is room, since a line that fills
// the buffer was refused.
func (r *Reader) fill() error {
	if r.start > 0 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	for range 100 { // as often as bufio takes nothing for an answer
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		if n > 0 {
			return nil // an error comes again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// use moves n bytes from the buffer to the PDU.
func (r *Reader) use(n int) []byte {
	b := r.buf[r.start : r.start+n]
	r.start += n
	r.offset += int64(n)
	r.last = append(r.last, b...)
	return b
}

// line reads one line without its CRLF or LF, and with an error what there is
// of it.
func (r *Reader) line() (string, error) {
	at, seen := r.offset, 0
	for {
		have := r.buf[r.start:r.end]
		if i := bytes.IndexByte(have[seen:], '\n'); i >= 0 {
			have = have[:seen+i+1]
		} else if seen = len(have); seen <= MaxLine {
			if err := r.fill(); err != nil {
				return string(r.use(seen)), err
			}
			continue
		}
		if len(have) > MaxLine {
			return "", r.fail("line longer than %d bytes", MaxLine)
		}
		line := r.use(len(have))
		line = line[:len(line)-1]
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		} else {
			r.note(at, "a line ends with LF, not CRLF (section 7.2.2)") // [MSCP-7.2.2-2]
		}
		if string(line) == usualType {
			return usualType, nil
		}
		r.checkText(at, line)
		return string(line), nil
	}
}

// checkText notes what is not of the ASCII that the header part is to be.
func (r *Reader) checkText(at int64, line []byte) {
	for i, c := range line {
		if c >= utf8.RuneSelf || c < ' ' { // [MSCP-7.2.2-3]
			r.note(at+int64(i), "a character in the header that is not printable ASCII (section 7.2.2)")
			return
		}
	}
}

// body reads length bytes, and allocates no more than has arrived.
func (r *Reader) body(length int) ([]byte, error) {
	if length <= r.end-r.start {
		return bytes.Clone(r.use(length)), nil
	}
	var b bytes.Buffer
	b.Write(r.use(r.end - r.start))
	had := b.Len()
	_, err := io.CopyN(&b, r.src, int64(length-had))
	r.offset += int64(b.Len() - had)
	r.last = append(r.last, b.Bytes()[had:]...)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, r.fail("the body ends after %d of %d bytes", b.Len(), length))
	}
	return b.Bytes(), err
}

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

// headers reads the header fields and the empty line, and returns the length
// of the body.
func (r *Reader) headers(p *PDU) (int, error) {
	length, types := -1, 0
	for n := 0; ; n++ {
		at := r.offset
		line, err := r.line()
		if err != nil {
			return 0, noEOF(err)
		}
		if line == "" && n == 0 {
			continue // the grammar's doubled CRLF after the start line
		}
		if line == "" {
			break
		}
		if n > MaxHeaders {
			return 0, r.fail("more than %d headers", MaxHeaders)
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return 0, r.fail("header %q has no colon", shorten(line))
		}
		trimmed := strings.TrimSpace(name)
		if trimmed != name {
			r.note(at, "blanks around the header name %s (section 7.2.2)", shorten(trimmed))
		}
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(trimmed, "Content-Type"):
			p.ContentType = value
			if types++; types > 1 {
				r.note(at, "Content-Type twice (section 7.2.2)")
			}
		case strings.EqualFold(trimmed, "Content-Length"):
			if length >= 0 {
				r.note(at, "Content-Length twice (section 7.2.2)")
			}
			if length, err = r.contentLength(value, length); err != nil {
				return 0, err
			}
		default:
			r.note(at, "header %s is not of the draft (section 7.2.2)", shorten(trimmed))
		}
	}
	if length < 0 {
		return 0, r.fail("no Content-Length (section 7.2.2)") // [MSCP-7.2.2-1]
	}
	if types == 0 {
		r.note(0, "no Content-Type (section 7.2.2)") // [MSCP-7.2.2-1]
	}
	return length, nil
}

func (r *Reader) contentLength(value string, before int) (int, error) {
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return 0, r.fail("Content-Length %q is no number", shorten(value))
	}
	if n > MaxBody {
		return 0, r.fail("Content-Length %d is over the limit of %d", n, MaxBody)
	}
	if before >= 0 && before != int(n) { // [MSCP-7.2.2-2]
		return 0, r.fail("two Content-Lengths, %d and %d", before, n)
	}
	return int(n), nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
