package msrp

import (
	"fmt"
	"strings"

	"github.com/gomscp/gomscp/internal/sdp"
)

// SDPError is the line and the reason of an error in a session description.
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

// Error returns the line and the problem in one line of text.
func (e *SDPError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("sdp: %s: %s", e.Rule, e.Problem)
	}
	return fmt.Sprintf("sdp: line %d: %s: %s", e.Line, e.Rule, e.Problem)
}

// Unwrap returns the *SyntaxError of a value, or nil.
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
	line int
	sdp.Media
	port       int
	host       string // of its own c= line, "" if it has none
	attributes []sdpAttribute
}

// msrp reports whether the line is one of MSRP, and whether over TLS.
func (l *mediaLine) msrp() (tls, ok bool) {
	tls = l.Is("message", "TCP/TLS/MSRP")
	return tls, tls || l.Is("message", "TCP/MSRP")
}

// parseDescription takes a session description apart. Lines end with CRLF or
// with LF. The error is an *SDPError.
func parseDescription(body []byte) (*description, error) {
	if len(body) > MaxSDP {
		return nil, &SDPError{Rule: "session description", Problem: fmt.Sprintf("more than %d bytes", MaxSDP)}
	}
	d := &description{timing: "0 0"}
	for line := range sdp.Lines(body) {
		if line.Value == "" && line.Kind == 0 {
			continue
		}
		if line.Kind == 0 {
			return nil, &SDPError{Line: line.Number, Rule: "line", Problem: "not a type, \"=\" and a value"}
		}
		if err := d.readLine(line.Kind, line.Value, line.Number); err != nil {
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
		if o, ok := sdp.ReadOrigin(value); ok && len(d.media) == 0 {
			d.id, d.version = o.ID, o.Version
		}
	case 't':
		if len(d.media) == 0 && sdp.IsTiming(value) {
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
		key, v := sdp.Attribute(value)
		a := sdpAttribute{strings.ToLower(key), v, n}
		if len(d.media) == 0 {
			d.attributes = append(d.attributes, a)
		} else {
			l := &d.media[len(d.media)-1]
			l.attributes = append(l.attributes, a)
		}
	}
	return nil
}

// connectionHost gives the address of a c= line, "" if there is none.
func connectionHost(value string) string {
	host := sdp.Host(value)
	if badByte(host, isAddressByte) >= 0 {
		return ""
	}
	return host
}

func isAddressByte(c byte) bool { return isHostByte(c) || c == ':' }

// parseMediaLine takes the value of an m= line apart. What is in it goes into
// the answer, so it has to be tokens.
func parseMediaLine(value string, n int) (mediaLine, error) {
	bad := func(problem string) (mediaLine, error) {
		return mediaLine{}, &SDPError{Line: n, Rule: "m=", Problem: problem}
	}
	l, ok := sdp.ReadMedia(value)
	if !ok {
		return bad("media, port or proto missing")
	}
	if badByte(value, func(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' }) >= 0 {
		return bad("control character")
	}
	port, ok := l.Number()
	if !ok {
		return bad("port is not 0 to 65535")
	}
	return mediaLine{line: n, Media: l, port: port}, nil
}
