package sipua

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/sipua/internal/grammar"
)

const sdpType = "application/sdp"

// A Body is a message's body, or a part of it.
type Body struct {
	Type        string // the media type, in lower case and without parameters
	ContentType string // as it came
	Disposition string // in lower case and without parameters; "" if none is named
	ID          string // the Content-ID, without brackets
	Content     []byte // after its Content-Transfer-Encoding
}

// Understood says what bodies a message's receiver understands.
type Understood struct {
	Types []string // media types, in lower case; the 415 lists them in this order
	// Disposition is the required disposition of a body that has one; "" accepts any.
	Disposition string
	// untyped treats a body without a Content-Type as the first type.
	untyped bool
}

// sessionBody is a session description. A body of another disposition, such as
// early-session of RFC 3959, is none. See RFC 3261, section 20.11.
var sessionBody = Understood{Types: []string{sdpType}, Disposition: "session"}

// A BodyError is the error of a body that is not understood. It wraps the *StatusError
// that answers the request: a 415 that lists the understood types, or a 400 for a
// malformed body. See RFC 3261, sections 8.2.3 and 21.4.13.
type BodyError struct {
	Reason string
	Status *StatusError
}

func (e *BodyError) Error() string { return "sipua: body not understood: " + e.Reason }

func (e *BodyError) Unwrap() error { return e.Status }

// FindBody finds the first body in a message that is understood: the whole body, or a
// part of a multipart. It returns nil without an error if there is no body, or if the
// body has handling=optional and is not understood. A *BodyError says why the body cannot
// be used.
//
// In a multipart/alternative the last understood part counts, in a multipart/related the
// root, and in any other multipart the first. Another part that is not understood is
// ignored unless it has handling=required. A body without a Content-Type is not
// understood in a request. In a response or an ACK, which cannot be refused, it is
// treated as the first type. See RFC 3261, section 7.4, and RFC 5621.
func FindBody(m sip.Message, u Understood) (*Body, error) {
	all, err := FindBodies(m, u)
	if len(all) == 0 {
		return nil, err
	}
	return &all[0], err
}

// FindBodies returns all bodies that FindBody would understand, in their order.
func FindBodies(m sip.Message, u Understood) ([]Body, error) {
	if len(bytes.TrimSpace(m.Body())) == 0 {
		return nil, nil
	}
	whole := bodyPart{content: m.Body()}
	for _, name := range []string{"Content-Type", "Content-Disposition", "Content-Encoding", "Content-Transfer-Encoding", "Content-ID"} {
		for _, h := range m.GetHeaders(name) {
			if err := whole.describe(name, h.Value()); err != nil {
				return nil, u.malformed(fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	if whole.written == "" && (u.untyped || !refusable(m)) && len(u.Types) > 0 {
		_ = whole.describe("Content-Type", u.Types[0])
	}
	found, err := u.find(whole, 0)
	if err != nil && !whole.optional() {
		return nil, err
	}
	return found, nil
}

// sessionIn is the session description in a message, empty if it has none.
func sessionIn(m sip.Message) (description, error) {
	b, err := FindBody(m, sessionBody)
	if b == nil {
		return description{}, err
	}
	return description{bytes.Clone(b.Content), b.ContentType}, nil
}

// refusable reports whether a message is a request that gets a response.
func refusable(m sip.Message) bool {
	req, ok := m.(*sip.Request)
	return ok && req.Method != sip.ACK
}

func (p *bodyPart) optional() bool {
	return strings.EqualFold(p.disposition.Params["handling"], "optional")
}

func (p *bodyPart) required() bool {
	return strings.EqualFold(p.disposition.Params["handling"], "required")
}

// find looks for what is understood in a part, which is a multipart at that depth.
func (u Understood) find(p bodyPart, depth int) ([]Body, *BodyError) {
	kind := p.contentType.Main
	subtype, multipart := strings.CutPrefix(kind, "multipart/")
	switch {
	case len(p.encodings) > 0: // [RFC3261-8.2.3]
		return nil, u.unsupported("Content-Encoding "+strings.Join(p.encodings, ", "), Header{"Accept-Encoding", "identity"})
	case multipart:
		return u.findIn(p, subtype, depth)
	case !slices.Contains(u.Types, kind):
		return nil, u.unsupported("Content-Type " + p.written)
	case u.Disposition != "" && p.disposition.Main != "" && p.disposition.Main != u.Disposition:
		return nil, u.unsupported("Content-Disposition " + p.disposition.Main)
	case !p.decode():
		return nil, u.unsupported("Content-Transfer-Encoding " + p.transfer)
	}
	b := Body{Type: kind, ContentType: p.written, Disposition: p.disposition.Main, ID: p.id, Content: p.content}
	if depth > 0 && kind == sdpType && !bytes.HasSuffix(b.Content, []byte("\n")) {
		b.Content = append(slices.Clone(b.Content), "\r\n"...) // the last line's end was taken for the delimiter's
	}
	return []Body{b}, nil
}

// findIn looks for what is understood in the parts of a multipart. Any other than
// these is treated as mixed. See RFC 5621, sections 4.2 and 8.
func (u Understood) findIn(p bodyPart, subtype string, depth int) ([]Body, *BodyError) {
	if depth == MaxBodyDepth {
		return nil, u.malformed(errTooManyParts)
	}
	if !p.decode() {
		return nil, u.unsupported("Content-Transfer-Encoding " + p.transfer)
	}
	parts, err := splitMultipart(p.content, p.contentType.Params["boundary"])
	if err != nil {
		return nil, u.malformed(err)
	}
	switch subtype {
	case "alternative":
		return u.findLast(parts, depth)
	case "related":
		parts = rootFirst(parts, strings.Trim(p.contentType.Params["start"], "<> "))
	}
	var all []Body
	var missed, refused *BodyError
	for _, part := range parts {
		found, err := u.find(part, depth+1)
		switch all = append(all, found...); {
		case err == nil || part.optional():
		case part.required() && refused == nil: // [RFC5621-8.4]
			refused = err
		case missed == nil:
			missed = err
		}
	}
	switch {
	case refused != nil:
		return nil, refused
	case len(all) == 0:
		return nil, missed
	}
	return all, nil
}

// findLast is findIn for the parts of a multipart/alternative, whose own handling
// does not count. See RFC 5621, sections 6.1 and 8.3.
func (u Understood) findLast(parts []bodyPart, depth int) (found []Body, err *BodyError) {
	for _, part := range slices.Backward(parts) {
		if found, err = u.find(part, depth+1); err == nil && len(found) > 0 {
			return found, nil
		}
	}
	return nil, err
}

// rootFirst puts the root of a multipart/related before the other parts. See RFC
// 2387, section 3.2.
func rootFirst(parts []bodyPart, start string) []bodyPart {
	root := slices.IndexFunc(parts, func(p bodyPart) bool { return start != "" && p.id == start })
	if root <= 0 {
		return parts // the first one is the root
	}
	return slices.Concat(parts[root:root+1], parts[:root], parts[root+1:])
}

// unsupported makes a 415.
func (u Understood) unsupported(reason string, more ...Header) *BodyError {
	accept := Header{"Accept", strings.Join(u.Types, ", ")} // [RFC3261-21.4.13]
	return &BodyError{reason, &StatusError{Code: 415, Reason: grammar.ReasonPhrase(415), Headers: append([]Header{accept}, more...)}}
}

// malformed makes a 400.
func (u Understood) malformed(err error) *BodyError {
	return &BodyError{err.Error(), &StatusError{Code: 400, Reason: "Bad Request (" + err.Error() + ")"}}
}
