package content

import (
	"fmt"
	"io"
	"strings"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
	"github.com/gomscp/gomscp/store"
)

// An Accept is what a user agent says that it takes. See RFC 4975, section 8.6.
type Accept struct {
	Types   []string // media ranges; none: every type
	Wrapped []string // media ranges of what it takes inside message/cpim
	MaxSize int64    // of a message, in bytes; 0: any
}

// AcceptOf is what an offer or answer says that its user agent takes.
func AcceptOf(m *msrp.Media) Accept {
	return Accept{Types: m.AcceptTypes, Wrapped: m.AcceptWrappedTypes, MaxSize: m.MaxSize}
}

// Receipts reports whether the user agent takes disposition notifications in CPIM.
func (a Accept) Receipts() bool {
	return acceptsType(a.Types, msrp.TypeCPIM) && (acceptsType(a.Types, msrp.TypeIMDN) || acceptsType(a.Wrapped, msrp.TypeIMDN))
}

// Envelope makes the message that a user agent is sent for a stored message with that
// begin and body: the body as it came; the body in a CPIM message that tells sender and
// time, for a user agent that lists message/cpim (RFC 3862); or the content of its CPIM
// message, for one that does not take CPIM. With preferCPIM, a user agent that lists
// message/cpim gets everything in CPIM. The error is a *Misfit if it takes none of these.
func (a Accept) Envelope(m store.MessageInfo, begin Preview, body io.Reader, preferCPIM bool) (msrp.Message, error) {
	m.ContentType = TypeOf(m)
	if !msrp.IsType(m.ContentType, msrp.TypeCPIM) {
		begin.ContentType = m.ContentType
	}
	f, err := a.form(m.ContentType, begin, preferCPIM)
	if err != nil {
		return msrp.Message{}, err
	}
	out := msrp.Message{
		MessageID: m.MessageID, ContentType: m.ContentType, Body: body, Size: m.Size, SuccessReport: m.SuccessReport,
	}
	disposition := contentDisposition(m.File)
	switch f {
	case asItCame:
		if disposition != "" && !msrp.IsType(m.ContentType, msrp.TypeCPIM) {
			out.Header = append(out.Header, msrp.Field{Name: "Content-Disposition", Value: disposition})
		}
	case inCPIM:
		err = wrap(&out, m, disposition)
	case outOfCPIM:
		err = unwrap(&out, begin)
	}
	if err == nil && a.MaxSize != 0 && out.Size > a.MaxSize {
		err = &Misfit{"size", fmt.Sprintf("%d bytes are more than its max-size", out.Size)}
	}
	return out, err
}

// wrap puts a CPIM message around out; disposition is the Content-Disposition of its
// content, or "".
func wrap(out *msrp.Message, m store.MessageInfo, disposition string) error {
	wrapped := &cpim.Message{Content: cpim.MIMEHeader{{Name: "Content-Type", Value: m.ContentType}}}
	if disposition != "" {
		wrapped.Content = append(wrapped.Content, cpim.MIMEField{Name: "Content-Disposition", Value: disposition})
	}
	wrapped.Add("From", cpim.Address{Name: m.SenderName, URI: m.Sender}.String())
	wrapped.Add("To", cpim.Address{URI: m.Recipient}.String())
	wrapped.Add("DateTime", cpim.FormatDateTime(m.Received))
	head, err := wrapped.Head()
	if err != nil { // the type is of the sender's making; better as it came than not at all
		return nil
	}
	out.ContentType, out.Size = msrp.TypeCPIM, int64(len(head))+m.Size
	out.Body = &again{head, out.Body}
	return nil
}

// unwrap takes the content out of a CPIM message, with the headers that describe it.
func unwrap(out *msrp.Message, begin Preview) error {
	if _, err := io.CopyN(io.Discard, out.Body, begin.offset); err != nil {
		return err
	}
	out.ContentType, out.Size = begin.ContentType, out.Size-begin.offset
	for _, f := range begin.content {
		switch name := strings.ToLower(f.Name); {
		case !strings.HasPrefix(name, "content-"), strings.ContainsAny(f.Value, "\r\n\x00"):
		case name == "content-type", name == "content-length", name == "content-transfer-encoding":
		default:
			out.Header = append(out.Header, msrp.Field{Name: f.Name, Value: f.Value})
		}
	}
	return nil
}

// A form is how a stored message is sent.
type form int

const (
	asItCame form = iota
	inCPIM
	outOfCPIM
)

// A Misfit is the error about a message that a user agent does not take.
type Misfit struct {
	Label string // "type" or "size", for metrics
	why   string
}

func (m *Misfit) Error() string { return "the user agent does not take it: " + m.why }

// form chooses the form in which the user agent takes a message of that type, or a message
// in CPIM with that begin. What it takes only in CPIM it gets in CPIM without preferCPIM too.
func (a Accept) form(contentType string, begin Preview, preferCPIM bool) (form, error) {
	types, wrapped := a.Types, a.Wrapped
	if len(types) == 0 {
		return asItCame, nil
	}
	inside := acceptsType(types, begin.ContentType) || acceptsType(wrapped, begin.ContentType) ||
		len(wrapped) == 0 && onlyCPIM(types) // with nothing inside it would take nothing
	wrap, plain := acceptsType(types, msrp.TypeCPIM), acceptsType(types, contentType)
	switch {
	case msrp.IsType(contentType, msrp.TypeCPIM):
		if wrap && inside {
			return asItCame, nil
		}
		if acceptsType(types, begin.ContentType) && begin.separable() {
			return outOfCPIM, nil
		}
	case inside && (preferCPIM && names(types, msrp.TypeCPIM) || wrap && !plain):
		return inCPIM, nil
	case plain:
		return asItCame, nil
	}
	t, _, _ := strings.Cut(begin.ContentType, ";")
	return asItCame, &Misfit{"type", "it does not list the type " + strings.TrimSpace(t)}
}
