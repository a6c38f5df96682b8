package draft

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const joined = `<mscp version="1.0" xmlns="urn:ietf:mscp"><response><conferencejoined id1="a" id2="b"/></response></mscp>`

func read(s string) (*PDU, error) { return Read(bufio.NewReader(strings.NewReader(s))) }

func message(start, body string) string {
	return fmt.Sprintf("%s\r\nContent-Type: application/mscp+xml\r\nContent-Length: %d\r\n\r\n%s", start, len(body), body)
}

// TestPDU reads PDUs that are right, and such as break one rule.
func TestPDU(t *testing.T) {
	good := message("MSCP/1.0 200 OK 21091", joined)
	request := strings.NewReplacer("response", "request", "conferencejoined", "join").Replace(joined)
	change := func(old, by string) string { return strings.Replace(good, old, by, 1) }
	part := "--b\r\nContent-Type: application/mscp+xml\r\n\r\n" + joined + "\r\n"
	for name, c := range map[string]struct {
		pdu  string
		good bool
	}{
		"example":            {good, true},
		"grammar":            {message("REQ MSCP/1.0  7", request), true},
		"request":            {message("REQ MSCP/1.0 00123456789012345678901234567890", request), true},
		"both CRLF":          {message("REQ MSCP/1.0  7\r\n", request), true},
		"no blank":           {change("Type: ", "Type:"), true},
		"case":               {change("Content-Length", "CONTENT-length"), true},
		"charset":            {change("+xml", "+xml;charset=utf-8"), true},
		"multipart":          {strings.Replace(message("MSCP/1.0 200 OK 1", part+part+"--b--\r\n"), "application/mscp+xml", "multipart/mixed;boundary=b", 1), true},
		"another phrase":     {change("OK", "Fine"), false},
		"phrase of another":  {change("200", "500"), false},
		"another status":     {change("200 OK", "404 Not Found"), false},
		"two blanks":         {change("OK ", "OK  "), false},
		"another version":    {change("MSCP/1.0", "MSCP/1.1"), false},
		"blank at the end":   {change("21091", "21091 "), false},
		"LF":                 {change("\r\n", "\n"), false},
		"another header":     {change("Content-Type", "X: y\r\nContent-Type"), false},
		"twice":              {change("Content-Type", "Content-Type: application/mscp+xml\r\nContent-Type"), false},
		"no type":            {change("Content-Type: application/mscp+xml\r\n", ""), false},
		"text":               {change("application/mscp+xml", "text/xml"), false},
		"a signed length":    {change("Length: ", "Length: +"), false},
		"no body":            {message("MSCP/1.0 200 OK 21091", ""), false},
		"no XML":             {message("MSCP/1.0 400 Bad Request 1", "no"), false},
		"another kind":       {message("REQ MSCP/1.0 1", joined), false},
		"kind of a response": {message("NOTIF MSCP/1.0", joined), false},
		"NOTIF with an id":   {message("NOTIF MSCP/1.0 5", strings.NewReplacer("response", "notification", `conferencejoined id1="a" id2="b"`, `dialogterminate dialogid="a"`).Replace(joined)), false},
		"parts of text":      {strings.Replace(message("MSCP/1.0 200 OK 1", "--b\r\nContent-Type: text/plain\r\n\r\na\r\n--b--\r\n"), "application/mscp+xml", "multipart/mixed;boundary=b", 1), false},
	} {
		p, err := read(c.pdu)
		if name == "a signed length" {
			if !errors.Is(err, ErrFraming) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if (len(p.Findings) == 0) != c.good || string(p.Raw) != c.pdu {
			t.Errorf("%s: %v, %q", name, p.Findings, p.Raw)
		}
	}
	p, _ := read(good)
	if p.Kind != Response || p.ID != "21091" || p.Status != 200 || p.Element().Get("id2") != "b" {
		t.Errorf("%+v", p)
	}
	for name, s := range map[string]string{"nothing": "", "half a line": "REQ", "half a body": good[:len(good)-1], "a long head": "REQ " + strings.Repeat("a", MaxHead), "no length": "REQ MSCP/1.0 1\r\n\r\n\r\n"} {
		if p, err := read(s); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestSDP reads session descriptions.
func TestSDP(t *testing.T) {
	const good = "v=0\r\no=as 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=application 9 TCP/MS *\r\na=setup:active\r\na=connection:new\r\n"
	m, ok := SDP([]byte(good))
	if !ok || len(m.Findings) > 0 || m.Host != "192.0.2.1" || m.Port != 9 || m.Setup != "active" || m.Connection != "new" || m.Session != "1" || m.Version != "2" || m.TLS {
		t.Errorf("%+v", m)
	}
	tls := strings.Replace(good, "TCP/MS", "TCP/TLS/MS", 1)
	if m, _ := SDP([]byte(tls + "a=fingerprint:SHA-256 AB:CD\r\n")); len(m.Findings) > 0 { // a string of the grammar: see RFC 5234, section 2.3
		t.Errorf("a hash in upper case: %v", m.Findings)
	}
	if m, _ := SDP([]byte(tls + "a=fingerprint:sha-256 AB:CD\r\n")); len(m.Findings) > 0 || !m.TLS || len(m.Fingerprints) != 1 {
		t.Errorf("%+v", m)
	}
	for name, s := range map[string]string{
		"the draft's own":   strings.NewReplacer("IN IP4 192.0.2.1\r\nt=0 0", "IN 192.0.2.1", " *", "").Replace(good),
		"no format":         strings.Replace(good, " *", "", 1),
		"no t=":             strings.Replace(good, "t=0 0\r\n", "", 1),
		"LF":                strings.ReplaceAll(good, "\r\n", "\n"),
		"no c=":             strings.Replace(good, "c=IN IP4 192.0.2.1\r\n", "", 1),
		"out of order":      strings.Replace(good, "s=-\r\nc=IN IP4 192.0.2.1\r\n", "c=IN IP4 192.0.2.1\r\ns=-\r\n", 1),
		"a version of text": strings.Replace(good, "1 2", "1 b", 1),
		"TLS unproved":      tls,
		"a lower case hash": tls + "a=fingerprint:sha-256 ab:cd\r\n",
	} {
		if m, _ := SDP([]byte(s)); len(m.Findings) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
	}
	if _, ok := SDP([]byte(strings.Replace(good, "TCP/MS", "TCP/MSRP", 1))); ok {
		t.Error("an m-line of MSRP is taken")
	}
}
