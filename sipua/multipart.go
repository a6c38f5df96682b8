package sipua

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

// Why a multipart body cannot be taken apart.
var (
	errNoBoundary   = errors.New("multipart without its boundary")
	errTooManyParts = errors.New("multipart with too many parts, or too deep")
	errPartHeader   = errors.New("multipart with a malformed header")
)

// A bodyPart is a body, or a part of one, with the headers that describe it.
type bodyPart struct {
	contentType grammar.Value
	written     string // the Content-Type as it came
	disposition grammar.Value
	encodings   []string // other than identity
	transfer    string   // the Content-Transfer-Encoding, in lower case
	id          string   // the Content-ID, without brackets
	content     []byte
}

// describe takes one header of a part. See RFC 2045, section 3, and RFC 2183.
func (p *bodyPart) describe(name, value string) error {
	var ok bool
	value = strings.Trim(value, " \t")
	switch strings.ToLower(name) {
	case "content-type":
		if p.contentType, ok = grammar.ReadValue(value); !ok {
			return errPartHeader
		}
		p.written = value
	case "content-disposition":
		if p.disposition, ok = grammar.ReadValue(value); !ok {
			return errPartHeader
		}
	case "content-encoding":
		for _, coding := range grammar.SplitList(value) {
			if !strings.EqualFold(coding, "identity") {
				p.encodings = append(p.encodings, coding)
			}
		}
	case "content-transfer-encoding":
		p.transfer = strings.ToLower(strings.Trim(value, " \t"))
	case "content-id":
		p.id = strings.Trim(value, "<> \t")
	}
	return nil
}

// decode decodes the Content-Transfer-Encoding. It reports false if the encoding is
// unknown or the content is malformed. See RFC 2045, section 6.
func (p *bodyPart) decode() bool {
	var r io.Reader
	switch p.transfer {
	case "", "7bit", "8bit", "binary":
		return true
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, bytes.NewReader(bytes.TrimSpace(p.content)))
	case "quoted-printable":
		r = quotedprintable.NewReader(bytes.NewReader(p.content))
	default:
		return false
	}
	content, err := io.ReadAll(r) // shorter than what it is read from
	p.content = content
	return err == nil
}

// splitMultipart splits a multipart body. Lines may end with LF alone. The last delimiter
// may be missing. See RFC 2046, section 5.1.1.
func splitMultipart(body []byte, boundary string) ([]bodyPart, error) {
	if boundary == "" {
		return nil, errNoBoundary
	}
	var parts []bodyPart
	delimiter := []byte("--" + boundary)
	begin := -1 // of the part that is being read
	finish := func(end int) error {
		if begin < 0 {
			return nil
		}
		if len(parts) == MaxBodyParts {
			return errTooManyParts
		}
		p, err := readPart(body[begin:max(begin, end)])
		parts = append(parts, p)
		return err
	}
	for at := 0; at < len(body); {
		line, next := body[at:], len(body)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, next = line[:i], at+i+1
		}
		rest, ok := bytes.CutPrefix(bytes.TrimRight(line, " \t\r"), delimiter)
		if last := string(rest) == "--"; ok && (last || len(rest) == 0) {
			if err := finish(lineEndBefore(body, at)); err != nil {
				return nil, err
			}
			if begin = next; last {
				return parts, nil
			}
		}
		at = next
	}
	if begin < 0 {
		return nil, errNoBoundary
	}
	return parts, finish(len(body))
}

// lineEndBefore is where the line end before a delimiter begins, which belongs to the
// delimiter.
func lineEndBefore(body []byte, at int) int {
	if at > 0 && body[at-1] == '\n' {
		at--
	}
	if at > 0 && body[at-1] == '\r' {
		at--
	}
	return at
}

// readPart reads a part's headers.
func readPart(raw []byte) (p bodyPart, err error) {
	var name, value string
	take := func() error {
		if name == "" {
			return nil
		}
		return p.describe(name, value)
	}
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		raw = rest
		text := strings.TrimRight(string(line), "\r")
		if text == "" {
			p.content = raw
			break
		}
		if text[0] == ' ' || text[0] == '\t' {
			if name == "" {
				return p, errPartHeader
			}
			value += " " + strings.Trim(text, " \t")
			continue
		}
		if err := take(); err != nil {
			return p, err
		}
		var ok bool
		name, value, ok = strings.Cut(text, ":")
		if name = strings.TrimRight(name, " \t"); !ok || !grammar.IsToken(name) {
			return p, errPartHeader
		}
		value = strings.Trim(value, " \t")
	}
	return p, take()
}
