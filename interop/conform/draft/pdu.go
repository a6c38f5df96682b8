package draft

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"regexp"
	"strconv"
	"strings"
)

// A Kind is the kind of a message.
type Kind int

// The kinds of messages.
const (
	Request Kind = iota + 1
	Response
	Notification
)

func (k Kind) String() string {
	switch k {
	case Request:
		return "request"
	case Response:
		return "response"
	case Notification:
		return "notification"
	}
	return "message of no kind"
}

// A PDU is one message of the TCP transport channel. See section 7.2.2.
type PDU struct {
	Kind        Kind
	ID          string // the request-id as it is written; "" in a notification
	Status      int    // of a response
	ContentType string
	Body        []byte
	Raw         []byte
	Documents   []*Doc // of the body; more than one in a multipart
	Findings    []Finding
}

// Doc returns the first document of the body, or an empty one.
func (p *PDU) Doc() *Doc {
	if len(p.Documents) == 0 {
		return &Doc{}
	}
	return p.Documents[0]
}

// Element returns the content of the first document, or an empty element.
func (p *PDU) Element() *Element {
	if e := p.Doc().Element; e != nil {
		return e
	}
	return &Element{}
}

// The start lines, in the grammar's form and in that of the examples.
var (
	requestLine      = regexp.MustCompile(`^REQ MSCP/1\.0 {1,2}([0-9]+)$`)
	responseLine     = regexp.MustCompile(`^MSCP/1\.0 (200 OK|400 Bad Request|500 Internal Error) ([0-9]+)$`)
	notificationLine = regexp.MustCompile(`^NOTIF MSCP/1\.0$`)
	header           = regexp.MustCompile(`^([A-Za-z-]+):[ \t]*(.*[^ \t])[ \t]*$`)
	looseLine        = regexp.MustCompile(`^MSCP/[0-9.]+ +([0-9]{3}) .* ([0-9]+) *$`)
	looseRequest     = regexp.MustCompile(`^REQ +MSCP/[0-9.]+ +([0-9]+) *$`)
)

// ErrFraming means that the end of a PDU cannot be determined.
var ErrFraming = errors.New("draft: not to be told where the PDU ends")

// Read reads and checks the next PDU. The error is that of the connection, or ErrFraming.
func Read(r *bufio.Reader) (*PDU, error) {
	p, f := &PDU{}, &findings{}
	line, err := p.line(r)
	if err != nil {
		return nil, err
	}
	p.start(line, f)
	length, err := p.headers(r, f)
	if err != nil {
		return nil, err
	}
	p.Body = make([]byte, length)
	if _, err := io.ReadFull(r, p.Body); err != nil {
		return nil, err
	}
	p.Raw = append(p.Raw, p.Body...)
	p.body(f)
	p.Findings = f.list
	for _, d := range p.Documents {
		p.Findings = append(p.Findings, d.As(p.Kind)...)
	}
	return p, nil
}

// line reads one line of the head, without its CRLF.
func (p *PDU) line(r *bufio.Reader) (string, error) {
	began := len(p.Raw)
	for {
		b, err := r.ReadByte()
		if err != nil {
			if began > 0 && err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		p.Raw = append(p.Raw, b)
		if b == '\n' {
			return string(p.Raw[began : len(p.Raw)-1]), nil
		}
		if len(p.Raw) > MaxHead {
			return "", fmt.Errorf("%w: a head of more than %d bytes", ErrFraming, MaxHead)
		}
	}
}

// bare takes the CR off a line, which must be there.
func bare(line string, f *findings) string {
	s, ok := strings.CutSuffix(line, "\r")
	if !ok {
		f.add("7.2.2", "lines end in CRLF", "%q ends in LF alone", line)
	}
	return s
}

// start reads the start line.
func (p *PDU) start(line string, f *findings) {
	line = bare(line, f)
	const rule = "the grammar of the start line"
	if m := requestLine.FindStringSubmatch(line); m != nil {
		p.Kind, p.ID = Request, m[1]
	} else if m := responseLine.FindStringSubmatch(line); m != nil {
		p.Kind, p.ID = Response, m[2]
		p.Status, _ = strconv.Atoi(m[1][:3])
	} else if notificationLine.MatchString(line) {
		p.Kind = Notification
	} else if m := looseLine.FindStringSubmatch(line); m != nil {
		p.Kind, p.ID = Response, m[2]
		p.Status, _ = strconv.Atoi(m[1])
		f.add("7.2.4", rule, "the response-line is %q", line)
	} else if m := looseRequest.FindStringSubmatch(line); m != nil {
		p.Kind, p.ID = Request, m[1]
		f.add("7.2.3", rule, "the request-line is %q", line)
	} else {
		f.add("7.2.2", rule, "%.100q is no start line", line)
	}
}

// headers reads to the empty line and returns the Content-Length. The grammar of a start
// line ends in a CRLF, and that of start-line in another: an empty line before the first
// header is taken.
func (p *PDU) headers(r *bufio.Reader, f *findings) (int, error) {
	length, seen := -1, map[string]bool{}
	for first := true; ; first = false {
		line, err := p.line(r)
		if err != nil {
			return 0, err
		}
		if line = bare(line, f); line == "" && first {
			continue
		}
		if line == "" {
			break
		}
		n := p.header(line, seen, f)
		if n >= 0 {
			length = n
		}
	}
	for _, name := range []string{"content-type", "content-length"} {
		if !seen[name] {
			f.add("7.2.2", "all PDUs include Content-Type and Content-Length", "there is no %s", name)
		}
	}
	if length < 0 || length > MaxBody {
		return 0, fmt.Errorf("%w: no Content-Length of at most %d in %q", ErrFraming, MaxBody, p.Raw)
	}
	return length, nil
}

// header reads one header, and returns the length if it is that; -1 otherwise.
func (p *PDU) header(line string, seen map[string]bool, f *findings) int {
	const rule = "a message has the headers Content-Length and Content-Type"
	m := header.FindStringSubmatch(line)
	if m == nil {
		f.add("7.2.2", rule, "%.100q is no header", line)
		return -1
	}
	name := strings.ToLower(m[1])
	if seen[name] {
		f.add("7.2.2", rule, "%s is there twice", m[1])
	}
	seen[name] = true
	switch name {
	case "content-length":
		n, err := strconv.Atoi(m[2])
		if err != nil || n < 0 || strings.Trim(m[2], "0123456789") != "" {
			f.add("7.2.2", rule, "the Content-Length is %q", m[2])
			return -1
		}
		return n
	case "content-type":
		p.ContentType = m[2]
	default:
		f.add("7.2.2", rule, "there is %q", line)
	}
	return -1
}

// body reads the documents.
func (p *PDU) body(f *findings) {
	const rule = "the body is a document of application/mscp+xml, or a multipart of them"
	if len(p.Body) == 0 {
		f.add("7.2.2", "all PDUs include a body", "there is none")
		return
	}
	media, params, err := mime.ParseMediaType(p.ContentType)
	switch {
	case err != nil:
		f.add("7.2.2", rule, "the Content-Type is %q", p.ContentType)
	case media == "application/mscp+xml":
		p.Documents = []*Doc{Document(p.Body)}
	case media == "multipart/mixed":
		parts := multipart.NewReader(bytes.NewReader(p.Body), params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				f.add("7.2.2", rule, "the multipart cannot be read: %v", err)
				return
			}
			b, err := io.ReadAll(part)
			if t, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); err != nil || t != "application/mscp+xml" {
				f.add("7.2.2", rule, "a part is of the type %q", t)
				continue
			}
			p.Documents = append(p.Documents, Document(b))
		}
	default:
		f.add("7.2.2", rule, "the Content-Type is %q", p.ContentType)
	}
}
