package mscp

import (
	"bytes"
	"cmp"
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
	ID          uint64 // request-id of a request or response; of one beyond 64 bits, the largest
	Token       string // its digits as they were read: if they are ID's, they are written
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
		b = append(b, p.token()...)
	case Response:
		b = append(b, "MSCP/1.0 "...)
		b = strconv.AppendInt(b, int64(p.Status), 10)
		b = append(b, ' ')
		b = append(b, statusPhrase(p.Status)...)
		b = append(b, ' ')
		b = append(b, p.token()...)
	case Notification:
		b = append(b, "NOTIF MSCP/1.0"...) // [MSCP-7.2.5-1]
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

// token is the request-id as it is written. [MSCP-7.2.3-2]
func (p *PDU) token() string {
	if p.Token != "" && idValue(p.Token) == p.ID {
		return p.Token
	}
	return strconv.FormatUint(p.ID, 10)
}

// idValue is the value of a request-id, or the largest one of 64 bits.
func idValue(token string) uint64 {
	n, _ := strconv.ParseUint(token, 10, 64) // of a range error, the largest
	return n
}

// compareIDs compares request-ids by their value, however long they are. See
// section 7.2.3.
func compareIDs(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// Documents reads the mscp documents of the body: one, or those of a
// multipart/mixed. See the draft, section 7.2.2.
func (p *PDU) Documents(o Options) ([]*Document, error) {
	all, err := p.received(o)
	if err != nil {
		return nil, err
	}
	docs := make([]*Document, 0, len(all))
	for i, r := range all {
		if r.err != nil && len(all) > 1 {
			return nil, fmt.Errorf("part %d: %w", i+1, r.err)
		}
		if r.err != nil {
			return nil, r.err
		}
		docs = append(docs, r.doc)
	}
	return docs, nil
}

// A received document is as much of one as could be read, and what is wrong.
type received struct {
	doc *Document
	err error
}

// received reads each document of the body by itself.
func (p *PDU) received(o Options) ([]received, error) {
	if p.single() {
		doc, err := parsePartly(p.Body, o)
		return []received{{doc, err}}, nil
	}
	bodies, err := p.bodies()
	if err != nil {
		return nil, err
	}
	all := make([]received, len(bodies))
	for i, b := range bodies {
		all[i].doc, all[i].err = parsePartly(b, o)
	}
	return all, nil
}

// single reports whether the body is a document, as it mostly is.
func (p *PDU) single() bool { return p.ContentType == "" || p.ContentType == ContentType }

// bodies are the documents as bytes.
func (p *PDU) bodies() ([][]byte, error) {
	if p.single() {
		return [][]byte{p.Body}, nil
	}
	mediaType, params, err := mime.ParseMediaType(p.ContentType)
	switch {
	case err != nil:
		return nil, &ParseError{0, "Content-Type is not a media type (section 7.2.2)"}
	case isXML(mediaType):
		return [][]byte{p.Body}, nil
	case strings.HasPrefix(mediaType, "multipart/"): // [MSCP-7.2.2-4]
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
	if mediaType, _, _ := mime.ParseMediaType(p.ContentType); mediaType != ContentType && isXML(mediaType) { // [MSCP-3.2-8]
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

// read is received, where strict reading looks at the headers as well.
func (p *PDU) read(o Options) ([]received, error) {
	if o.Strict && len(p.found) > 0 {
		return nil, &ValidationError{p.found}
	}
	return p.received(o)
}

// readDocuments is Documents, where strict reading looks at the headers as
// well.
func (p *PDU) readDocuments(o Options) ([]*Document, error) {
	if o.Strict && len(p.found) > 0 {
		return nil, &ValidationError{p.found}
	}
	return p.Documents(o)
}
