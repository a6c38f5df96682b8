package strictpeer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// A frame is one MSRP request or response.
type frame struct {
	tid     string
	method  string // "" for a response
	code    int
	fields  []Field
	hasBody bool
	body    []byte
	more    byte // '$', '+' or '#'
	from    int  // of Byte-Range; 0 without
	end     int  // -1 for *
	total   int  // -1 for *
}

func (f *frame) get(name string) string {
	for _, h := range f.fields {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// The grammar of RFC 4975, section 9, as far as a peer without relays needs it.
var (
	requestLine  = regexp.MustCompile(`^MSRP ([A-Za-z0-9][A-Za-z0-9.+%=-]{3,31}) ([A-Z]+)$`)
	responseLine = regexp.MustCompile(`^MSRP ([A-Za-z0-9][A-Za-z0-9.+%=-]{3,31}) ([0-9]{3})( [^\x00-\x1f]*)?$`)
	fieldLine    = regexp.MustCompile(`^([A-Z][A-Za-z0-9-]*): (.+)$`)
	rangeValue   = regexp.MustCompile(`^([0-9]+)-([0-9]+|\*)/([0-9]+|\*)$`)
	messageID    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+%=-]{3,31}$`)
	statusValue  = regexp.MustCompile(`^000 [0-9]{3}( .*)?$`)
	typeValue    = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_-]+/[A-Za-z0-9!#$%&'*+.^_-]+( *; *[A-Za-z0-9!#$%&'*+.^_-]+=("[^"]*"|[A-Za-z0-9!#$%&'*+.^_-]+))*$`)
)

// own are the fields of MSRP itself; those of MIME follow them.
var own = map[string]bool{
	"To-Path": true, "From-Path": true, "Message-ID": true, "Success-Report": true, "Failure-Report": true,
	"Byte-Range": true, "Status": true, "Keep-Alive": true,
}

// readFrame reads the next request or response, and nothing that is not as RFC 4975
// has it. An error of the connection is returned as it is.
func readFrame(r *bufio.Reader) (*frame, error) {
	line, err := readLine(r)
	if err != nil {
		return nil, err
	}
	f := &frame{}
	if m := responseLine.FindStringSubmatch(line); m != nil {
		f.tid = m[1]
		f.code, _ = strconv.Atoi(m[2])
	} else if m := requestLine.FindStringSubmatch(line); m != nil {
		f.tid, f.method = m[1], m[2]
	} else {
		return nil, fmt.Errorf("start line %q", line)
	}
	endLine := "-------" + f.tid
	for {
		if line, err = readLine(r); err != nil {
			return nil, err
		}
		if rest, ok := strings.CutPrefix(line, endLine); ok {
			return f, f.finish(rest)
		}
		if line == "" {
			break
		}
		m := fieldLine.FindStringSubmatch(line)
		if m == nil || len(f.fields) == maxFields {
			return nil, fmt.Errorf("header line %q", line)
		}
		f.fields = append(f.fields, Field{m[1], m[2]})
	}
	f.hasBody = true
	if err := f.checkFields(); err != nil {
		return nil, err
	}
	return f, f.readBody(r, endLine)
}

// readLine reads a line that ends with CRLF, and has neither within it.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", fmt.Errorf("a line of more than %d bytes", maxLine)
	}
	if err != nil {
		return "", err
	}
	s, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || strings.ContainsRune(s, '\r') {
		return "", fmt.Errorf("line %q does not end with CRLF", line)
	}
	return s, nil
}

// readBody reads to the end-line, and compares the length with Byte-Range.
func (f *frame) readBody(r *bufio.Reader, endLine string) error {
	mark := []byte("\r\n" + endLine)
	for {
		part, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if f.body = append(f.body, part...); len(f.body) > maxMessage {
			return errors.New("the body is too long")
		}
		at := bytes.Index(f.body[max(0, len(f.body)-len(part)-len(mark)):], mark)
		if at < 0 {
			continue
		}
		at += max(0, len(f.body)-len(part)-len(mark))
		if !bytes.HasSuffix(f.body, []byte("\n")) {
			return errors.New("the end-line is not a line")
		}
		rest, ok := strings.CutSuffix(string(f.body[at+len(mark):]), "\r\n")
		if !ok {
			return fmt.Errorf("the end-line ends with %q", f.body[at+len(mark):])
		}
		f.body = f.body[:at]
		return f.finish(rest)
	}
}

// finish takes what follows the transaction id in the end-line.
func (f *frame) finish(flag string) error {
	if flag != "$" && flag != "+" && flag != "#" {
		return fmt.Errorf("end-line with %q", flag)
	}
	f.more = flag[0]
	if err := f.checkFields(); err != nil {
		return err
	}
	if bytes.Contains(f.body, []byte("-------"+f.tid)) { // [RFC4975-7.1]
		return errors.New("the end-line is in the body")
	}
	if f.method != "SEND" || !f.hasBody {
		return nil
	}
	n := len(f.body)
	switch {
	case f.from < 1:
		return errors.New("content without Byte-Range")
	case f.end >= 0 && f.more != '#' && n != f.end-f.from+1:
		return fmt.Errorf("%d bytes in the range %s", n, f.get("Byte-Range"))
	case n > 2048 && f.end >= 0: // [RFC4975-7.1.1]
		return fmt.Errorf("a chunk of %d bytes that cannot be interrupted", n)
	case f.total >= 0 && f.more == '$' && f.from+n-1 != f.total:
		return fmt.Errorf("the last chunk ends at %d of %d", f.from+n-1, f.total)
	case f.total >= 0 && f.more == '+' && f.from+n-1 >= f.total:
		return fmt.Errorf("a chunk ends at %d of %d and is not the last", f.from+n-1, f.total)
	}
	return nil
}

// checkFields checks order, number and form of the header fields. See RFC 4975,
// sections 7.1, 7.2 and 9.
func (f *frame) checkFields() error {
	if len(f.fields) < 2 || f.fields[0].Name != "To-Path" || f.fields[1].Name != "From-Path" {
		return errors.New("To-Path and From-Path are not the first headers") // [RFC4975-7.1]
	}
	seen, mime := map[string]bool{}, false
	for i, h := range f.fields {
		if seen[h.Name] {
			return fmt.Errorf("two %s", h.Name)
		}
		seen[h.Name] = true
		if own[h.Name] && mime {
			return fmt.Errorf("%s behind the headers of the content", h.Name)
		}
		mime = mime || !own[h.Name]
		if h.Name == "Content-Type" && i != len(f.fields)-1 {
			return errors.New("Content-Type is not the last header")
		}
		if err := f.checkField(h); err != nil {
			return err
		}
	}
	return f.checkNeeded(seen, mime)
}

// checkNeeded checks the fields that the kind of message needs, and those that it must not
// have; mime reports fields of the content.
func (f *frame) checkNeeded(seen map[string]bool, mime bool) error {
	switch {
	case f.method == "":
		if f.hasBody || mime {
			return errors.New("a response with content")
		}
	case !seen["Message-ID"]: // [RFC4975-7.1.1]
		return fmt.Errorf("%s without Message-ID", f.method)
	case f.method == "REPORT" && (f.hasBody || !seen["Status"] || !seen["Byte-Range"]): // [RFC4975-7.1.2]
		return errors.New("a REPORT with a body, or without Status or Byte-Range")
	case f.hasBody != seen["Content-Type"]:
		return errors.New("content and Content-Type do not go together")
	}
	return nil
}

func (f *frame) checkField(h Field) error {
	ok := true
	switch h.Name {
	case "To-Path", "From-Path":
		_, _, err := splitURI(h.Value)
		ok = err == nil
	case "Message-ID":
		ok = messageID.MatchString(h.Value)
	case "Success-Report":
		ok = h.Value == "yes" || h.Value == "no"
	case "Failure-Report":
		ok = h.Value == "yes" || h.Value == "no" || h.Value == "partial"
	case "Status":
		ok = statusValue.MatchString(h.Value)
	case "Content-Type":
		ok = typeValue.MatchString(h.Value)
	case "Byte-Range":
		m := rangeValue.FindStringSubmatch(h.Value)
		if ok = m != nil; ok {
			number := func(s string) int {
				if s == "*" {
					return -1
				}
				n, _ := strconv.Atoi(s)
				return n
			}
			f.from, f.end, f.total = number(m[1]), number(m[2]), number(m[3])
			ok = f.from >= 1 && (f.total < 0 || f.end <= f.total)
		}
	}
	if !ok {
		return fmt.Errorf("%s: %s", h.Name, h.Value)
	}
	return nil
}

// write writes a frame in pieces of so many bytes, all at once for 0.
func (f *frame) write(w io.Writer, piece int) error {
	var b bytes.Buffer
	if f.method != "" {
		fmt.Fprintf(&b, "MSRP %s %s\r\n", f.tid, f.method)
	} else {
		fmt.Fprintf(&b, "MSRP %s %d%s\r\n", f.tid, f.code, map[int]string{200: " OK", 415: " Unsupported"}[f.code])
	}
	for _, h := range f.fields {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	if f.hasBody {
		b.WriteString("\r\n")
		if b.Write(f.body); len(f.body) > 0 {
			b.WriteString("\r\n") // nio-msrp has none behind an empty body
		}
	}
	fmt.Fprintf(&b, "-------%s%c\r\n", f.tid, f.more)
	text := b.Bytes()
	for piece > 0 && len(text) > piece {
		if _, err := w.Write(text[:piece]); err != nil {
			return err
		}
		text = text[piece:]
	}
	_, err := w.Write(text)
	return err
}
