package mscp

import (
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
	ContentType string // "" is ContentType
	Body        []byte

	found  []Finding
	bodyAt int64 // the offset of the body
}

// Findings are the rules that the start line and headers break, as they were
// read. Those of the body are what Documents or Validate say.
func (p *PDU) Findings() []Finding { return p.found }

// Write writes the PDU in the form of the draft's examples, with one call.
func (p *PDU) Write(w io.Writer) error {
	_, err := w.Write(p.append(make([]byte, 0, len(p.Body)+128)))
	return err
}

func (p *PDU) append(b []byte) []byte {
	switch p.Kind {
	case Request:
		b = append(b, "REQ MSCP/1.0 "...)
		b = strconv.AppendUint(b, p.ID, 10)
	case Response:
		b = append(b, "MSCP/1.0 "...)
		b = strconv.AppendInt(b, int64(p.Status), 10)
		b = append(b, ' ')
		b = append(b, statusPhrase(p.Status)...)
		b = append(b, ' ')
		b = strconv.AppendUint(b, p.ID, 10)
	case Notification:
		b = append(b, "NOTIF MSCP/1.0"...)
	}
	contentType := p.ContentType
	if contentType == "" {
		contentType = ContentType
	}
	b = append(b, "\r\nContent-Type: "...) // [MSCP-7.2.2-1]
	b = append(b, contentType...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(p.Body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, p.Body...)
}

// Documents reads the mscp documents of the body: one, or those of a
// multipart/mixed. See the draft, section 7.2.2.
func (p *PDU) Documents(o Options) ([]*Document, error) {
	bodies, err := p.bodies()
	if err != nil {
		return nil, err
	}
	docs := make([]*Document, 0, len(bodies))
	for i, b := range bodies {
		doc, err := ParseWith(b, o)
		if err != nil && len(bodies) > 1 {
			err = fmt.Errorf("part %d: %w", i+1, err)
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// bodies are the documents as bytes.
func (p *PDU) bodies() ([][]byte, error) {
	if p.ContentType == "" || p.ContentType == ContentType {
		return [][]byte{p.Body}, nil
	}
	mediaType, params, err := mime.ParseMediaType(p.ContentType)
	switch {
	case err != nil:
		return nil, &ParseError{0, "Content-Type is not a media type (section 7.2.2)"}
	case isXML(mediaType):
		return [][]byte{p.Body}, nil
	case strings.HasPrefix(mediaType, "multipart/"):
		return p.parts(params["boundary"])
	}
	return nil, &ParseError{0, fmt.Sprintf("Content-Type %s is not %s (section 3.2)", shorten(mediaType), ContentType)}
}

func isXML(mediaType string) bool {
	return mediaType == ContentType || mediaType == "application/xml" || mediaType == "text/xml"
}

// ValidatePDU lists every rule that the PDU at the start of b breaks, the
// documents in it included, each with its place in b. Bytes after the PDU are
// not looked at.
func ValidatePDU(b []byte) []Finding {
	r := NewReader(bytes.NewReader(b))
	p, err := r.Read()
	if err != nil {
		found := append(r.found, fatal(err, 0))
		locate(b, found)
		return found
	}
	found := p.found
	if mediaType, _, _ := mime.ParseMediaType(p.ContentType); mediaType != ContentType && isXML(mediaType) {
		found = append(found, Finding{Rule: fmt.Sprintf("Content-Type %s is not %s (section 3.2)", mediaType, ContentType)})
	}
	bodies, err := p.bodies()
	if err != nil {
		found = append(found, fatal(err, p.bodyAt))
	}
	for _, body := range bodies {
		at := p.bodyAt + int64(bytes.Index(p.Body, body))
		for _, f := range Validate(body) {
			f.Offset += at
			found = append(found, f)
		}
	}
	locate(b, found)
	return found
}

// fatal is the finding for an error in reading what begins at the byte at.
func fatal(err error, at int64) Finding {
	var parse *ParseError
	if errors.As(err, &parse) {
		return Finding{Offset: at + parse.Offset, Rule: parse.Rule, Fatal: true}
	}
	return Finding{Offset: at, Rule: err.Error(), Fatal: true}
}

// read is Documents, where strict reading looks at the headers as well.
func (p *PDU) read(o Options) ([]*Document, error) {
	if o.Strict && len(p.found) > 0 {
		return nil, &ValidationError{p.found}
	}
	return p.Documents(o)
}
