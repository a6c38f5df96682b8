package cpim

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Read reads the headers from r and leaves the rest in Body. docs/msrp.md lists the
// accepted forms. The error is a *SyntaxError, io.ErrUnexpectedEOF if r ends in the
// middle of the headers, or an error that wraps the error of r.
func Read(r io.Reader) (*Message, error) {
	rd := &reader{br: bufio.NewReader(r)}
	m, err := rd.readMessage()
	if err != nil {
		return nil, fmt.Errorf("cpim: headers: %w", err)
	}
	return m, nil
}

// A line is one header, unfolded.
type line struct {
	at          int // offset in the message
	name, value string
}

type reader struct {
	br     *bufio.Reader
	offset int
	count  int // headers so far
}

func (r *reader) readMessage() (*Message, error) {
	block, err := r.block()
	if err != nil {
		return nil, err
	}
	if wrapper(block) == len(block) && len(block) > 0 { // "Content-Type: Message/CPIM" and a blank line
		if block, err = r.block(); err != nil {
			return nil, err
		}
	}
	block = block[wrapper(block):]
	m := &Message{}
	for _, l := range block {
		if isMIME(l.name) {
			m.Content = append(m.Content, l.mime())
			continue
		}
		m.Header = append(m.Header, l.field())
	}
	if len(m.Header) == 0 {
		return nil, syntaxErr("Header", 0, "no message headers")
	}
	return m, r.content(m)
}

// wrapper counts the headers before the first message header, if they are the
// MIME headers of the message itself.
func wrapper(block []line) int {
	n, is := 0, false
	for n < len(block) && isMIME(block[n].name) {
		is = is || strings.EqualFold(block[n].name, hdrContentType) && mediaType(block[n].value) == typeCPIM
		n++
	}
	if !is {
		return 0
	}
	return n
}

// content reads the MIME headers, unless they stand in the block of the message
// headers, or are missing: then the body begins at once.
func (r *reader) content(m *Message) error {
	m.Body = r.br
	if m.Content.has(hdrContentType) {
		return nil
	}
	needsType := false
	for _, f := range m.Content {
		needsType = needsType || isContent(f.Name)
	}
	var raw bytes.Buffer
	block, err := r.mimeBlock(&raw)
	is, hasType := len(block) == 0, false
	for _, l := range block {
		is = is || isMIME(l.name)
		hasType = hasType || strings.EqualFold(l.name, hdrContentType)
	}
	if needsType {
		is = hasType
	}
	var syntax *SyntaxError
	switch {
	case is && len(block) > 0 && err != nil:
		return err
	case err != nil && !errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF):
		return err // the source failed
	case err != nil || !is:
		m.Body = io.MultiReader(&raw, r.br)
		return nil
	}
	for _, l := range block {
		m.Content = append(m.Content, l.mime())
	}
	return nil
}

// mimeBlock reads headers as block does, and keeps what it has read. With an
// error it returns the headers before it.
func (r *reader) mimeBlock(raw *bytes.Buffer) ([]line, error) {
	var block []line
	for {
		b, at, err := r.readLine()
		raw.Write(b)
		if err != nil {
			if name, _, ok := strings.Cut(string(b), ":"); ok && isMIME(name) {
				block = append(block, line{at: at, name: name}) // cut off
			}
			return block, err
		}
		if block, err = r.addField(block, trimLine(b), at); err != nil || isEnd(block) {
			return ended(block), err
		}
	}
}

// block reads headers up to and with a blank line.
func (r *reader) block() ([]line, error) {
	var block []line
	for {
		b, at, err := r.readLine()
		if err != nil {
			return nil, err
		}
		if block, err = r.addField(block, trimLine(b), at); err != nil {
			return nil, err
		}
		if isEnd(block) {
			return ended(block), nil
		}
	}
}

// isEnd reports whether a block has had its blank line.
func isEnd(block []line) bool { return len(block) > 0 && block[len(block)-1].name == "" }

// ended takes the mark of a blank line off a block.
func ended(block []line) []line {
	if isEnd(block) {
		return block[:len(block)-1]
	}
	return block
}

// addField puts a line to a block: a header of its own, or the rest of a folded one.
// A blank line becomes a header without a name.
func (r *reader) addField(block []line, text string, at int) ([]line, error) {
	if text == "" {
		return append(block, line{at: at}), nil
	}
	if c := checkText(text); c >= 0 {
		return block, syntaxErr("HEADERCHAR", at+c, "a control character, or no UTF-8") // [RFC3862-2.2-1]
	}
	if (text[0] == ' ' || text[0] == '\t') && len(block) > 0 {
		last := &block[len(block)-1]
		last.value = strings.Trim(last.value+" "+strings.Trim(text, " \t"), " \t")
		return block, nil
	}
	name, value, ok := strings.Cut(text, ":")
	if !ok || !isHeaderName(name) {
		return block, syntaxErr("Header-name", at, "no name before a colon")
	}
	if r.count++; r.count > MaxHeaders {
		return block, syntaxErr("Header", at, fmt.Sprintf("more than %d headers", MaxHeaders))
	}
	return append(block, line{at, name, strings.TrimRight(value, " \t")}), nil
}

// field makes a message header of a line.
func (l line) field() Field {
	params, value := parseParams(l.value)
	return Field{l.name, params, strings.Trim(value, " \t")}
}

func (l line) mime() MIMEField { return MIMEField{l.name, strings.Trim(l.value, " \t")} }

// isHeaderName is rule Header-name: a prefix and a ".", or none, and a name.
func isHeaderName(s string) bool {
	prefix, local, ok := strings.Cut(s, ".")
	return isName(prefix) && (!ok || isName(local))
}

// readLine reads one line with its end.
func (r *reader) readLine() (b []byte, at int, err error) {
	at = r.offset
	for {
		part, err := r.br.ReadSlice('\n')
		b = append(b, part...)
		r.offset += len(part)
		switch {
		case r.offset > MaxHeaderBytes:
			return b, at, syntaxErr("Header", at, fmt.Sprintf("the headers are longer than %d bytes", MaxHeaderBytes))
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return b, at, io.ErrUnexpectedEOF
		}
		return b, at, err
	}
}

func trimLine(b []byte) string {
	return string(bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r")))
}

// checkText returns the offset of the first character that no header has, or
// -1. A tab counts as a blank.
func checkText(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
		if isControl(r) && r != '\t' {
			return i
		}
	}
	return -1
}
