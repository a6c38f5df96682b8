package ms

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
	"github.com/gomscp/gomscp/store"
)

// envelope makes what is sent for a stored message to a user agent: its body as it
// came; in a CPIM message, which tells who sent it and when, for one that lists
// message/cpim (RFC 3862); or out of its CPIM message, for one that does not take
// those. The error is a *misfit if the user agent takes none of them.
func (s *Server) envelope(c *connection, m store.MessageInfo, begin preview, body io.Reader) (msrp.Message, error) {
	m.ContentType = typeOf(m)
	if !msrp.IsType(m.ContentType, msrp.TypeCPIM) {
		begin.contentType = m.ContentType
	}
	f, err := c.form(m.ContentType, begin, s.cfg.Push.CPIM)
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
	if err == nil && !c.takesSize(out.Size) {
		err = &misfit{"size", fmt.Sprintf("%d bytes are more than its max-size", out.Size)}
	}
	return out, err
}

// wrap puts a CPIM message around out; disposition is the Content-Disposition of what
// is inside, or "".
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
	out.Body = io.MultiReader(bytes.NewReader(head), out.Body)
	return nil
}

// unwrap takes out what is inside a CPIM message, with the headers that say what it is.
func unwrap(out *msrp.Message, begin preview) error {
	if _, err := io.CopyN(io.Discard, out.Body, begin.offset); err != nil {
		return err
	}
	out.ContentType, out.Size = begin.contentType, out.Size-begin.offset
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

// A misfit says why a user agent is not sent a message.
type misfit struct{ label, why string }

func (m *misfit) Error() string { return "the user agent does not take it: " + m.why }

// form chooses the form in which the user agent takes a message: of that type or, in
// CPIM, with that begin. Without a list of types it takes all. preferCPIM is whether
// one that lists message/cpim gets everything in it; what it takes in no other way it
// gets so all the same. See RFC 4975, section 8.6.
func (c *connection) form(contentType string, begin preview, preferCPIM bool) (form, error) {
	types, wrapped := c.accept()
	if len(types) == 0 {
		return asItCame, nil
	}
	inside := acceptsType(types, begin.contentType) || acceptsType(wrapped, begin.contentType) ||
		len(wrapped) == 0 && onlyCPIM(types) // with nothing inside it would take nothing
	wrap, plain := acceptsType(types, msrp.TypeCPIM), acceptsType(types, contentType)
	switch {
	case msrp.IsType(contentType, msrp.TypeCPIM):
		if wrap && inside {
			return asItCame, nil
		}
		if acceptsType(types, begin.contentType) && begin.separable() {
			return outOfCPIM, nil
		}
	case inside && (preferCPIM && names(types, msrp.TypeCPIM) || wrap && !plain):
		return inCPIM, nil
	case plain:
		return asItCame, nil
	}
	t, _, _ := strings.Cut(begin.contentType, ";")
	return asItCame, &misfit{"type", "it does not list the type " + strings.TrimSpace(t)}
}
