package mscp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
)

// parts reads each part of a multipart body as a document.
func (p *PDU) parts(boundary string, o Options) ([]*Document, error) {
	if boundary == "" {
		return nil, &ParseError{0, "multipart without a boundary"}
	}
	var docs []*Document
	mr := multipart.NewReader(bytes.NewReader(p.Body), boundary)
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &ParseError{0, fmt.Sprintf("multipart: %v", err)}
		}
		if len(docs) == MaxParts {
			return nil, &ParseError{0, fmt.Sprintf("more than %d parts", MaxParts)}
		}
		body, err := io.ReadAll(part) // bounded by the PDU
		if err != nil {
			return nil, &ParseError{0, fmt.Sprintf("multipart: %v", err)}
		}
		doc, err := ParseWith(body, o)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", len(docs)+1, err)
		}
		docs = append(docs, doc)
	}
	if len(docs) == 0 {
		return nil, &ParseError{0, "multipart without a part"}
	}
	return docs, nil
}

// join makes the body for several documents.
func join(docs [][]byte) (contentType string, body []byte) {
	if len(docs) == 1 {
		return ContentType, docs[0]
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, d := range docs {
		part, _ := w.CreatePart(map[string][]string{"Content-Type": {ContentType}}) // a Buffer does not fail
		_, _ = part.Write(d)
	}
	_ = w.Close()
	return `multipart/mixed; boundary="` + w.Boundary() + `"`, b.Bytes()
}
