package msrp

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// SDPError says which line of a session description is not valid, and why.
type SDPError struct {
	// Line is its number, from 1; 0 stands for the whole.
	Line int
	// Rule is what was not met: the type of the line ("m=") or the name of
	// the attribute ("a=path").
	Rule string
	// Problem is what was wrong.
	Problem string

	err error // the *SyntaxError behind it, if there is one
}

// Error describes the problem in one line.
func (e *SDPError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("sdp: %s: %s", e.Rule, e.Problem)
	}
	return fmt.Sprintf("sdp: line %d: %s: %s", e.Line, e.Rule, e.Problem)
}

// Unwrap gives the *SyntaxError of a value, if that is the reason.
func (e *SDPError) Unwrap() error { return e.err }

// description is a session description taken apart. The order of lines at one
// level does not matter; unknown types of lines are ignored, and missing lines
// are accepted: stacks in use get these wrong, and none of it is needed here.
type description struct {
	id, version uint64
	host        string // of the c= line
	timing      string // of the first t= line
	attributes  []sdpAttribute
	media       []mediaLine
}

// sdpAttribute is an a= line.
type sdpAttribute struct {
	key, value string
	line       int
}

// mediaLine is an m= line with the lines below it.
type mediaLine struct {
	line       int
	media      string
	port       int
	proto      string
	formats    []string
	host       string // of its own c= line, "" if it has none
	attributes []sdpAttribute
}

// msrp reports whether the line is one of MSRP, and whether over TLS.
func (l *mediaLine) msrp() (tls, ok bool) {
	if !strings.EqualFold(l.media, "message") {
		return false, false
	}
	return strings.EqualFold(l.proto, "TCP/TLS/MSRP"),
		strings.EqualFold(l.proto, "TCP/MSRP") || strings.EqualFold(l.proto, "TCP/TLS/MSRP")
}

// parseDescription takes a session description apart. Lines end with CRLF or
// with LF. The error is an *SDPError.
func parseDescription(body []byte) (*description, error) {
	if len(body) > MaxSDP {
		return nil, &SDPError{Rule: "session description", Problem: fmt.Sprintf("more than %d bytes", MaxSDP)}
	}
	d := &description{timing: "0 0"}
	n := 0
	for raw := range bytes.Lines(body) {
		n++
		s := strings.Trim(string(raw), " \t\r\n")
		if s == "" {
			continue
		}
		if len(s) < 2 || s[1] != '=' || s[0] <= ' ' || s[0] >= 0x7f {
			return nil, &SDPError{Line: n, Rule: "line", Problem: "not a type, \"=\" and a value"}
		}
		if err := d.readLine(s[0], strings.TrimLeft(s[2:], " \t"), n); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// readLine takes one line. See RFC 8866, section 5.
func (d *description) readLine(kind byte, value string, n int) error {
	switch kind {
	case 'v':
		if value != "0" {
			return &SDPError{Line: n, Rule: "v=", Problem: "not version 0"}
		}
	case 'o':
		f := strings.Fields(value)
		if len(f) > 2 && len(d.media) == 0 {
			d.id, d.version = originNumber(f[1]), originNumber(f[2])
		}
	case 't':
		if f := strings.Fields(value); len(f) == 2 && len(d.media) == 0 && allDigits(f[0]) && allDigits(f[1]) {
			d.timing = value
		}
	case 'c':
		host := connectionHost(value)
		if len(d.media) == 0 {
			if d.host == "" {
				d.host = host
			}
		} else if l := &d.media[len(d.media)-1]; l.host == "" {
			l.host = host
		}
	case 'm':
		l, err := parseMediaLine(value, n)
		if err != nil {
			return err
		}
		d.media = append(d.media, l)
	case 'a':
		key, v, _ := strings.Cut(value, ":")
		a := sdpAttribute{strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(v), n}
		if len(d.media) == 0 {
			d.attributes = append(d.attributes, a)
		} else {
			l := &d.media[len(d.media)-1]
			l.attributes = append(l.attributes, a)
		}
	}
	return nil
}

// originNumber gives the number of an o= line. One that is no decimal number of
// 64 bits becomes a hash of it, so that it can still be compared.
func originNumber(s string) uint64 {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n
	}
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// connectionHost gives the address of a c= line, "" if there is none.
func connectionHost(value string) string {
	f := strings.Fields(value)
	if len(f) < 3 {
		return ""
	}
	host, _, _ := strings.Cut(f[2], "/") // a multicast address has more behind it
	if badByte(host, isAddressByte) >= 0 {
		return ""
	}
	return host
}

func isAddressByte(c byte) bool { return isHostByte(c) || c == ':' }

func allDigits(s string) bool {
	return s != "" && badByte(s, func(c byte) bool { return c >= '0' && c <= '9' }) < 0
}

// parseMediaLine takes the value of an m= line apart. What is in it goes into
// the answer, so it has to be tokens.
func parseMediaLine(value string, n int) (mediaLine, error) {
	bad := func(problem string) (mediaLine, error) {
		return mediaLine{}, &SDPError{Line: n, Rule: "m=", Problem: problem}
	}
	f := strings.Fields(value)
	if len(f) < 3 {
		return bad("media, port or proto missing")
	}
	for _, s := range f {
		if badByte(s, func(c byte) bool { return c > ' ' && c != 0x7f }) >= 0 {
			return bad("control character")
		}
	}
	first, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return bad("port is not 0 to 65535")
	}
	return mediaLine{line: n, media: f[0], port: int(port), proto: f[2], formats: f[3:]}, nil
}
