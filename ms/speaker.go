package ms

import (
	"bytes"
	"slices"
	"strings"
	"unicode"

	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/msrp/cpim"
	"github.com/gomscp/gomscp/sipua"
)

// A recipient is shown the From of a message in CPIM as its author, whether the sender
// wrote it or we did. So a message whose From is not who speaks in its session is refused.
//
//	From                                               taken
//	none                                               yes: the session says who speaks
//	the URI that the session's messages are kept       yes
//	  under, or another identity of its user that
//	  the application server has told
//	the same user in another scheme (sips, im, pres;   yes
//	  tel where the user is that number)
//	an anonymous URI (RFC 3323, section 4.1.1.3)       yes
//	several                                            if each is taken
//	a name with angle brackets in it                   no: who reads it may take the name
//	                                                     for the URI
//	no address                                         no
//	in headers that cannot be read                     by the same rules, line by line
//	headers longer than are read                       no: it may be behind
//
// The names From and from count without a prefix, and under one that stands for CPIM's
// namespace. What is inside the message is not looked at. See RFC 3862, section 4.1.

// Answers to a message whose From is not taken.
var (
	errNotSpeaker  = &msrp.StatusError{Code: 403, Reason: "From Is Not The Sender"}
	errHeadersLong = &msrp.StatusError{Code: 400, Reason: "Message Headers Too Long"}
)

// checkSpeaker returns an error if a message in CPIM says that it is from anybody but who
// speaks in the session, whose messages are of the pair p.
func (c *connection) checkSpeaker(begin preview, p pair) error {
	if begin.headersLong {
		return errHeadersLong
	}
	for _, value := range begin.from {
		if !c.speaks(p, value) {
			return errNotSpeaker
		}
	}
	return nil
}

// speaks reports whether the value of a From is an address of who speaks.
func (c *connection) speaks(p pair, value string) bool {
	a, err := cpim.ParseAddress(value)
	if err != nil || strings.ContainsAny(a.Name, "<>") {
		return false
	}
	if a.Anonymous() || sameUser(a.URI, p.sender) {
		return true
	}
	for _, also := range c.identities() {
		if sameUser(a.URI, also) {
			return true
		}
	}
	return false
}

// sameUser reports whether a URI stands for the user whose canonical URI is user.
func sameUser(uri, user string) bool {
	if scheme, rest, _ := strings.Cut(uri, ":"); strings.EqualFold(scheme, "im") || strings.EqualFold(scheme, "pres") {
		uri = "sip:" + rest // the same user and host: see RFC 3860 and 3859
	}
	uri, err := sipua.CanonicalURI(uri)
	if err != nil {
		return false
	}
	scheme, who, _ := strings.Cut(uri, ":")
	userScheme, userWho, _ := strings.Cut(user, ":")
	if (scheme == "tel") == (userScheme == "tel") {
		return who == userWho // sips is sip over TLS
	}
	return number(uri) == number(user) // see RFC 3261, section 19.1.6
}

// number is the telephone number of a canonical URI, or its user if that is none.
func number(uri string) string {
	_, who, _ := strings.Cut(uri, ":")
	who, _, _ = strings.Cut(who, "@")
	if tel, err := sipua.CanonicalURI("tel:" + who); err == nil {
		return tel
	}
	return who
}

// authors are the values of From in the headers of a message in CPIM.
func authors(m *cpim.Message) (values []string) {
	for _, f := range m.Header {
		prefix, local, ok := strings.Cut(f.Name, ".")
		if !ok {
			prefix, local = "", f.Name
		}
		if strings.ContainsFunc(f.Value, endsLine) {
			values = append(values, authorsOfLines([]byte(f.Value))...)
		}
		if !strings.EqualFold(local, cpim.From.Local) {
			continue
		}
		ours := m.Fields(cpim.Name{Space: cpim.Namespace, Local: local})
		if prefix == "" || slices.ContainsFunc(ours, func(g cpim.Field) bool { return g.Name == f.Name }) {
			values = append(values, f.Value)
		}
	}
	return values
}

// authorsOfLines are the values of what looks like From in headers that cannot be read. A
// reader that takes more forms than ours may read them all the same.
func authorsOfLines(head []byte) (values []string) {
	for _, line := range bytes.FieldsFunc(head, endsLine) {
		name, value, ok := strings.Cut(string(line), ":")
		if name = strings.TrimSpace(name); ok && (strings.EqualFold(name, "from") || strings.HasSuffix(strings.ToLower(name), ".from")) {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// endsLine reports whether somebody may take the character for the end of a line.
func endsLine(r rune) bool {
	return unicode.IsControl(r) && r != '\t' || r == '\u2028' || r == '\u2029'
}

// endsHeaders reports whether message headers that cannot be read end in head. MIME headers
// of the message itself may stand before them.
func endsHeaders(head []byte) bool {
	rest, ok := behindBlankLine(head)
	if ok && bytes.HasPrefix(bytes.ToLower(head), []byte("content-")) {
		_, ok = behindBlankLine(rest)
	}
	return ok
}

// behindBlankLine is what follows the first blank line of b.
func behindBlankLine(b []byte) (rest []byte, ok bool) {
	for {
		if _, b, ok = bytes.Cut(b, []byte("\n")); !ok {
			return nil, false
		}
		if rest := bytes.TrimPrefix(b, []byte("\r")); bytes.HasPrefix(rest, []byte("\n")) {
			return rest[1:], true
		}
	}
}
