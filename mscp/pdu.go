package mscp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"strconv"
	"strings"
)

// A PDU is one unit of the TCP channel: a start line, headers and a body. See
// the draft, section 7.2.2.
type PDU struct {
	Kind        Kind
	ID          uint64 // request-id of a request or response
	Status      int    // of a response
	Phrase      string // of a response
	ContentType string
	Body        []byte
}

// Write writes the PDU in the form of the draft's examples, with one call.
func (p *PDU) Write(w io.Writer) error {
	var b bytes.Buffer
	b.Grow(len(p.Body) + 128)
	switch p.Kind {
	case Request:
		fmt.Fprintf(&b, "REQ MSCP/1.0 %d\r\n", p.ID)
	case Response:
		fmt.Fprintf(&b, "MSCP/1.0 %d %s %d\r\n", p.Status, statusPhrase(p.Status), p.ID)
	case Notification:
		b.WriteString("NOTIF MSCP/1.0\r\n")
	}
	contentType := p.ContentType
	if contentType == "" {
		contentType = ContentType
	}
	fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n\r\n", contentType, len(p.Body)) // [MSCP-7.2.2]
	b.Write(p.Body)
	_, err := w.Write(b.Bytes())
	return err
}

// A Reader reads PDUs from a connection.
type Reader struct {
	r      *bufio.Reader
	offset int64 // bytes of the PDU that were read
	last   []byte
}

// NewReader reads from r. Its buffer holds just more than the longest line, so
// that a longer one is noticed without waiting for its end.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, MaxLine+1)} }

// Raw returns the bytes of the PDU that was read last, valid until the next
// Read.
func (r *Reader) Raw() []byte { return r.last }

// Read reads the next PDU. io.EOF means that the connection ended between two.
// A *ParseError means that what follows cannot be told apart any more.
func (r *Reader) Read() (*PDU, error) {
	r.offset, r.last = 0, nil
	line, err := r.startLine()
	if err != nil {
		return nil, err
	}
	p, err := r.parseStart(line)
	if err != nil {
		return nil, err
	}
	length, err := r.headers(p)
	if err != nil {
		return nil, err
	}
	if p.Body, err = r.body(length); err != nil {
		return nil, err
	}
	return p, nil
}

func (r *Reader) fail(format string, args ...any) error {
	return &ParseError{r.offset, fmt.Sprintf(format, args...)}
}

// body reads length bytes, and allocates no more than has arrived.
func (r *Reader) body(length int) ([]byte, error) {
	var b bytes.Buffer
	n, err := io.CopyN(&b, r.r, int64(length))
	r.offset += n
	r.last = append(r.last, b.Bytes()...)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, r.fail("the body ends after %d of %d bytes", n, length))
	}
	return b.Bytes(), err
}

// startLine returns the next line that is not empty: the grammar allows a CRLF
// too many after a start line's own.
func (r *Reader) startLine() (string, error) {
	for range MaxHeaders {
		line, err := r.line()
		if errors.Is(err, io.EOF) && r.offset > 0 && line != "" {
			return "", fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, r.fail("the start line ends too early"))
		}
		if err != nil {
			return "", err
		}
		if line != "" {
			return line, nil
		}
	}
	return "", r.fail("more than %d empty lines", MaxHeaders)
}

// line reads one line without its CRLF or LF.
func (r *Reader) line() (string, error) {
	var line []byte
	for {
		part, err := r.r.ReadSlice('\n')
		r.offset += int64(len(part))
		line = append(line, part...)
		r.last = append(r.last, part...)
		if len(line) > MaxLine {
			return "", r.fail("line longer than %d bytes", MaxLine)
		}
		switch {
		case err == nil:
			return string(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return string(line), err
		}
	}
}

// parseStart reads a start line; blanks between its parts may be several. See
// the draft, sections 7.2.3 to 7.2.5.
func (r *Reader) parseStart(line string) (*PDU, error) {
	f := strings.Fields(line)
	switch {
	case len(f) == 3 && f[0] == "REQ":
		id, err := r.requestID(f[2])
		if err != nil {
			return nil, err
		}
		return &PDU{Kind: Request, ID: id}, r.version(f[1])
	case len(f) == 2 && f[0] == "NOTIF":
		return &PDU{Kind: Notification}, r.version(f[1])
	case len(f) >= 3 && strings.HasPrefix(f[0], "MSCP/"):
		return r.parseResponse(f)
	}
	return nil, r.fail("%q is no start line (section 7.2.2)", shorten(line))
}

// parseResponse reads a response's start line, whose request-id is the last
// token, since the phrase before it holds blanks.
func (r *Reader) parseResponse(f []string) (*PDU, error) {
	if err := r.version(f[0]); err != nil {
		return nil, err
	}
	status, err := strconv.Atoi(f[1])
	if err != nil || len(f[1]) != 3 || status < 100 { // -12 and +12 are none either
		return nil, r.fail("status code %q is not of three digits (section 7.2.4)", shorten(f[1]))
	}
	id, err := r.requestID(f[len(f)-1])
	if err != nil {
		return nil, err
	}
	return &PDU{Kind: Response, Status: status, Phrase: strings.Join(f[2:len(f)-1], " "), ID: id}, nil
}

func (r *Reader) version(s string) error {
	if s != "MSCP/1.0" {
		return r.fail("version %q is not MSCP/1.0 (section 7.2.3)", shorten(s))
	}
	return nil
}

func (r *Reader) requestID(s string) (uint64, error) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, r.fail("request-id %q is not of digits (section 7.2.3)", shorten(s))
		}
	}
	id, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, r.fail("request-id %q is larger than 64 bits", shorten(s))
	}
	return id, nil
}

// headers reads the header fields and the empty line, and returns the length
// of the body.
func (r *Reader) headers(p *PDU) (int, error) {
	length := -1
	for n := 0; ; n++ {
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
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "content-type":
			p.ContentType = value
		case "content-length":
			if length, err = r.contentLength(value, length); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, r.fail("no Content-Length (section 7.2.2)") // [MSCP-7.2.2]
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
	if before >= 0 && before != int(n) {
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

// shorten keeps strangers' bytes in errors few.
func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// Documents reads the body: one document, or those of a multipart body.
func (p *PDU) Documents(o Options) ([]*Document, error) { return p.documents(o) }

// documents are the mscp documents of the body: one, or those of a
// multipart/mixed. See the draft, section 7.2.2.
func (p *PDU) documents(o Options) ([]*Document, error) {
	mediaType, params, err := mime.ParseMediaType(p.ContentType)
	switch {
	case p.ContentType == "" || err == nil && isXML(mediaType):
		doc, err := ParseWith(p.Body, o)
		if err != nil {
			return nil, err
		}
		return []*Document{doc}, nil
	case err != nil:
		return nil, &ParseError{0, "Content-Type is not a media type (section 7.2.2)"}
	case strings.HasPrefix(mediaType, "multipart/"):
		return p.parts(params["boundary"], o)
	}
	return nil, &ParseError{0, fmt.Sprintf("Content-Type %s is not %s (section 3.2)", shorten(mediaType), ContentType)}
}

func isXML(mediaType string) bool {
	return mediaType == ContentType || mediaType == "application/xml" || mediaType == "text/xml"
}
