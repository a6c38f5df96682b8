package cpim

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
)

// Media types, in lower case.
const (
	typeCPIM      = "message/cpim"
	typeIMDN      = "message/imdn+xml"
	typeComposing = "application/im-iscomposing+xml" // RFC 3994
)

const (
	hdrContentType = "Content-Type"
	defaultType    = "text/plain; charset=utf-8"
)

// A MIMEField is a MIME header of the content. Names are compared without regard to case.
type MIMEField struct {
	Name, Value string
}

// MIMEHeader has the MIME headers of the content, in their order.
type MIMEHeader []MIMEField

// Get returns the value of the first header of that name, or "".
func (h MIMEHeader) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// has reports whether a header of that name is there, even an empty one.
func (h MIMEHeader) has(name string) bool {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// isContent reports whether a name is that of a header of MIME content.
func isContent(name string) bool {
	return len(name) > 8 && strings.EqualFold(name[:8], "Content-")
}

// isMIME reports whether a name belongs to MIME: no message header begins so.
func isMIME(name string) bool { return isContent(name) || strings.EqualFold(name, "MIME-Version") }

// mediaType is the type without parameters, in lower case.
func mediaType(value string) string {
	t, _, _ := strings.Cut(value, ";")
	return strings.ToLower(strings.Trim(t, " \t"))
}

// ContentType returns the media type of the content with its parameters; text/plain if
// there is none. See RFC 2045, section 5.2.
func (m *Message) ContentType() string {
	if t := m.Content.Get(hdrContentType); t != "" {
		return t
	}
	return "text/plain"
}

// Charset returns the charset parameter of the content, in lower case; "utf-8" if there
// is none.
func (m *Message) Charset() string {
	_, params, err := mime.ParseMediaType(m.ContentType())
	if err != nil || params["charset"] == "" {
		return "utf-8"
	}
	return strings.ToLower(params["charset"])
}

// IsComposing reports whether the content is a composing indication (RFC 3994).
func (m *Message) IsComposing() bool { return mediaType(m.ContentType()) == typeComposing }

// IsNotification reports whether the content is one or several disposition notifications,
// by its type or its Content-Disposition. See RFC 5438, sections 7.1.2 and 9.
func (m *Message) IsNotification() bool {
	return mediaType(m.ContentType()) == typeIMDN ||
		mediaType(m.Content.Get("Content-Disposition")) == "notification" // [RFC5438-7.1.2-1]
}

// Decoded returns the content after decoding its Content-Transfer-Encoding. It fails for
// an unknown encoding. See RFC 2045, section 6.
func (m *Message) Decoded() (io.Reader, error) {
	return decode(m.Content.Get("Content-Transfer-Encoding"), m.Body)
}

func decode(encoding string, r io.Reader) (io.Reader, error) {
	switch e := strings.ToLower(strings.Trim(encoding, " \t")); e {
	case "", "7bit", "8bit", "binary":
		return r, nil
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r), nil
	case "quoted-printable":
		return quotedprintable.NewReader(r), nil
	default:
		return nil, fmt.Errorf("cpim: Content-Transfer-Encoding %q is not known", e)
	}
}
