package mscp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
