package mscp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
)

// parts are the parts of a multipart body. See the draft, section 7.2.2.
func (p *PDU) parts(boundary string) ([][]byte, error) {
	if boundary == "" {
		return nil, &ParseError{0, "multipart without a boundary"}
	}
	var parts [][]byte
	mr := multipart.NewReader(bytes.NewReader(p.Body), boundary)
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &ParseError{0, fmt.Sprintf("multipart: %v", err)}
		}
		if len(parts) == MaxParts {
			return nil, &ParseError{0, fmt.Sprintf("more than %d parts", MaxParts)}
		}
		body, err := io.ReadAll(part) // bounded by the PDU
		if err != nil {
			return nil, &ParseError{0, fmt.Sprintf("multipart: %v", err)}
		}
		parts = append(parts, body)
	}
	if len(parts) == 0 {
		return nil, &ParseError{0, "multipart without a part"}
	}
	return parts, nil
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
