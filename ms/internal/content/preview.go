package content

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/gomscp/gomscp/ms/internal/otr"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
)

const (
	// previewStep is how many bytes of a message in CPIM are looked at first: the
	// headers mostly end there. It goes up to cpim.MaxHeaderBytes.
	previewStep = 2 << 10

	// textStep is how many bytes of any other message are looked at first.
	textStep = 32
)

// A Preview is the begin of a message, with what it tells about its author, its content and
// the notifications that its sender asks for.
type Preview struct {
	ContentType string        // of the content of a message in CPIM, or of the message
	Text        []byte        // the begin of that, otr.MaxText bytes and one at the most
	Asked       *cpim.Request // nil if nothing is asked for

	// Of a message in CPIM, the values of From. headersLong reports that not all of its
	// headers were read: there may be more values.
	from        []string
	headersLong bool

	// Of a message in CPIM, where its content begins, in bytes, and the content's headers.
	offset  int64
	content cpim.MIMEHeader
}

// separable reports whether the content of a message in CPIM can be sent without it: MSRP has
// no transfer encodings.
func (p *Preview) separable() bool {
	switch strings.ToLower(p.content.Get("Content-Transfer-Encoding")) {
	case "", "7bit", "8bit", "binary":
		return p.offset > 0 && HasType(p.ContentType)
	}
	return false
}

// ReadPreview reads the begin of a body, as little as suffices and at most a bounded part. It
// returns a reader for the whole body.
func ReadPreview(contentType string, body io.Reader) (Preview, io.Reader, error) {
	if msrp.IsType(contentType, msrp.TypeCPIM) {
		return previewCPIM(body)
	}
	p := Preview{ContentType: contentType}
	if !IsText(contentType) {
		return p, body, nil
	}
	head, err := readMore(nil, body, textStep)
	if err == nil && otr.Begins(head) {
		head, err = readMore(head, body, otr.MaxText+1)
	}
	if err != nil && err != io.EOF {
		return p, nil, err
	}
	p.Text = head
	return p, &again{head, body}, nil
}

// maxCPIMHead is the most that is read of a message in CPIM for its preview, in bytes: its
// message headers, and as much for its MIME headers.
const maxCPIMHead = 2 * cpim.MaxHeaderBytes

// previewCPIM is ReadPreview for a message in CPIM. If its headers cannot be read, the preview
// has the type that the message says it has.
func previewCPIM(body io.Reader) (Preview, io.Reader, error) {
	p := Preview{ContentType: msrp.TypeCPIM}
	var head []byte
	for size := previewStep; ; size *= 2 {
		var errBody error
		if head, errBody = readMore(head, body, size); errBody != nil && errBody != io.EOF {
			return p, nil, errBody
		}
		whole := errBody == io.EOF
		last := whole || size >= maxCPIMHead
		m, err := cpim.Read(bytes.NewReader(head))
		if err == nil && len(m.Content) == 0 && !last {
			continue // the MIME headers may follow
		}
		if err == nil {
			err = p.readCPIM(m, head)
			if err != nil || whole || p.complete() {
				return p, &again{head, body}, err
			}
		}
		switch {
		case err == nil && last:
			return p, &again{head, body}, nil
		case err != nil && (last || !errors.Is(err, io.ErrUnexpectedEOF)):
			return p.unreadable(head, body)
		}
	}
}

// readCPIM fills the preview from m, a message in CPIM that begins in head.
func (p *Preview) readCPIM(m *cpim.Message, head []byte) (err error) {
	p.ContentType, p.Asked, p.content = m.ContentType(), m.Request(), m.Content
	p.Text, err = io.ReadAll(m.Body)
	p.offset = int64(len(head) - len(p.Text))
	p.from = authors(m, head[:p.offset])
	p.Text = p.Text[:min(len(p.Text), otr.MaxText+1)]
	return err
}

// complete reports whether more of the message would not change the preview.
func (p *Preview) complete() bool {
	return len(p.Text) > otr.MaxText || !IsText(p.ContentType) || len(p.Text) >= textStep && !otr.Begins(p.Text)
}

// unreadable is the preview of a message in CPIM whose headers, in head, cannot be read.
func (p Preview) unreadable(head []byte, body io.Reader) (Preview, io.Reader, error) {
	head, err := readMore(head, body, max(len(head), cpim.MaxHeaderBytes+1))
	if err != nil && err != io.EOF {
		return p, nil, err
	}
	p.from, p.headersLong = authorsOfLines(head), len(head) > cpim.MaxHeaderBytes && !endsHeaders(head)
	return p, &again{head, body}, nil
}

// readMore adds to head until it has size bytes. The error is io.EOF if the body ends before,
// or there.
func readMore(head []byte, body io.Reader, size int) ([]byte, error) {
	if cap(head) < size {
		head = append(make([]byte, 0, size), head...)
	}
	n, err := io.ReadFull(body, head[len(head):size])
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return head[:len(head)+n], err
}
