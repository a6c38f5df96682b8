package msrp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"
)

// Content types that applications treat in their own way.
const (
	// TypeCPIM wraps a message with its addresses. See RFC 3862.
	TypeCPIM = "message/cpim"
	// TypeComposing tells that somebody writes or has ceased. See RFC 3994.
	TypeComposing = "application/im-iscomposing+xml"
	// TypeIMDN is a disposition notification. See RFC 5438.
	TypeIMDN = "message/imdn+xml"
)

// MaxCPIMHeaders is the most bytes the headers of a CPIM message may take,
// both parts together.
const MaxCPIMHeaders = 16 << 10

// IsType tells whether a Content-Type names that media type, whatever its
// parameters and case.
func IsType(contentType, mediaType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(t), mediaType)
}

// CPIM is a message/cpim body. See RFC 3862.
type CPIM struct {
	// Header are the message headers: From, To, DateTime, Subject, NS, ...
	Header Header
	// Content are the MIME headers of what is wrapped.
	Content Header
	// Body is what is wrapped.
	Body io.Reader
}

// ContentType is the media type of what is wrapped; text/plain if it does not
// say.
func (c *CPIM) ContentType() string {
	if t := c.Content.Get(hdrContentType); t != "" {
		return t
	}
	return "text/plain"
}

// IsNotification tells that the message is not what a person wrote, but a
// sign of composing or a disposition notification.
func (c *CPIM) IsNotification() bool {
	t := c.ContentType()
	return IsType(t, TypeComposing) || IsType(t, TypeIMDN)
}

// Address gives the URI in the first header of that name, which is From, To
// or cc: the part between "<" and ">".
func (c *CPIM) Address(name string) string {
	v := c.Header.Get(name)
	i := strings.LastIndexByte(v, '<')
	if i < 0 || !strings.HasSuffix(v, ">") {
		return ""
	}
	return v[i+1 : len(v)-1]
}

// ReadCPIM takes the headers off r; Body is the rest of it. Line ends may be
// LF alone. See RFC 3862, section 3.
func ReadCPIM(r io.Reader) (*CPIM, error) {
	br := bufio.NewReader(r)
	left := MaxCPIMHeaders
	c := &CPIM{}
	// The headers may stand behind a MIME part of their own, "Content-Type:
	// Message/CPIM" and a blank line.
	first, err := readCPIMPart(br, &left)
	if err != nil {
		return nil, err
	}
	if len(first) > 0 && onlyContent(first) && IsType(first.Get(hdrContentType), TypeCPIM) {
		if first, err = readCPIMPart(br, &left); err != nil {
			return nil, err
		}
	}
	c.Header = first
	if c.Content, err = readCPIMPart(br, &left); err != nil {
		return nil, err
	}
	c.Body = br
	return c, nil
}

func onlyContent(h Header) bool {
	for _, f := range h {
		if len(f.Name) < 8 || !strings.EqualFold(f.Name[:8], "Content-") {
			return false
		}
	}
	return true
}

// readCPIMPart reads headers up to and with a blank line.
func readCPIMPart(br *bufio.Reader, left *int) (Header, error) {
	var h Header
	for {
		line, err := br.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("msrp: message/cpim headers: %w", err)
		}
		at := MaxCPIMHeaders - *left
		if *left -= len(line); *left < 0 || len(h) > MaxHeaders {
			return nil, syntaxErr("cpim-headers", at, "too long")
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return h, nil
		}
		if (line[0] == ' ' || line[0] == '\t') && len(h) > 0 { // folded, as MIME headers may be
			last := &h[len(h)-1].Value
			*last = strings.Trim(*last+" "+strings.Trim(string(line), " \t"), " \t")
			continue
		}
		name, value, ok := strings.Cut(string(line), ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t<>") {
			return nil, syntaxErr("cpim-header", at, "no name before a colon")
		}
		h = append(h, Field{name, strings.Trim(value, " \t")})
	}
}

// Reader gives the whole body, headers first, to be sent as TypeCPIM. From
// and To must be there, and From, DateTime and Subject once only. See RFC
// 4975, section 13.
func (c *CPIM) Reader() (io.Reader, error) {
	if c.Header.Get("From") == "" || c.Header.Get("To") == "" {
		return nil, errors.New("msrp: a CPIM message needs From and To") // [RFC4975-13-1]
	}
	for _, name := range []string{"From", "DateTime", "Subject"} {
		if slices.IndexFunc(c.Header, named(name)) != lastIndex(c.Header, named(name)) {
			return nil, fmt.Errorf("msrp: a CPIM message has %s once", name) // [RFC4975-13-2]
		}
	}
	var b bytes.Buffer
	for i, h := range []Header{c.Header, c.Content} {
		for _, f := range h {
			if f.Name == "" || strings.ContainsAny(f.Name, ": \t<>\r\n") || strings.ContainsAny(f.Value, "\r\n") {
				return nil, fmt.Errorf("msrp: CPIM header %q cannot be written", f.Name)
			}
			b.Write(appendField(nil, f.Name, f.Value))
		}
		if i == 1 && !slices.ContainsFunc(c.Content, named(hdrContentType)) {
			b.WriteString("Content-Type: text/plain; charset=utf-8\r\n")
		}
		b.WriteString("\r\n")
	}
	if b.Len() > MaxCPIMHeaders {
		return nil, errors.New("msrp: CPIM headers are too long")
	}
	if c.Body == nil {
		return &b, nil
	}
	return io.MultiReader(&b, c.Body), nil
}

func named(name string) func(Field) bool {
	return func(f Field) bool { return strings.EqualFold(f.Name, name) }
}

func lastIndex(h Header, is func(Field) bool) int {
	for i := len(h) - 1; i >= 0; i-- {
		if is(h[i]) {
			return i
		}
	}
	return -1
}

// Wants lists what an imdn.Disposition-Notification header asks for, in lower
// case: "positive-delivery", "negative-delivery", "display", "processing".
// See RFC 5438, section 6.3. The header's prefix is that which NS gives the
// IMDN name space, "imdn" as a rule.
func (c *CPIM) Wants() []string {
	prefix := "imdn"
	for _, f := range c.Header {
		if strings.EqualFold(f.Name, "NS") && strings.Contains(f.Value, "<urn:ietf:params:imdn>") {
			prefix = strings.TrimSpace(f.Value[:strings.IndexByte(f.Value, '<')])
		}
	}
	var all []string
	for _, w := range strings.Split(c.Header.Get(prefix+".Disposition-Notification"), ",") {
		w, _, _ = strings.Cut(w, ";")
		if w = strings.ToLower(strings.TrimSpace(w)); w != "" {
			all = append(all, w)
		}
	}
	return all
}

// Charset is the charset parameter of what is wrapped, in lower case;
// "utf-8" if it does not say.
func (c *CPIM) Charset() string {
	_, params, err := mime.ParseMediaType(c.ContentType())
	if err != nil || params["charset"] == "" {
		return "utf-8"
	}
	return strings.ToLower(params["charset"])
}
