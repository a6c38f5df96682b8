package strictpeer

import (
	"fmt"
	"net"
	"strings"
)

// A media is the message line of a session description, and what belongs to it.
type media struct {
	host, port    string
	path          string // one MSRP URI
	acceptTypes   []string
	acceptWrapped []string
	setup         string
}

// parseSDP reads the offer or answer of a peer that is reached without a relay. Of
// what RFC 4566 and 4975 demand, nothing may be missing.
func parseSDP(body string) (*media, error) {
	if !strings.HasSuffix(body, "\r\n") {
		return nil, fmt.Errorf("the SDP does not end with CRLF")
	}
	m := &media{}
	order := ""
	for _, line := range strings.Split(strings.TrimSuffix(body, "\r\n"), "\r\n") {
		if len(line) < 3 || line[1] != '=' || strings.ContainsAny(line, "\r\n") || strings.HasSuffix(line, " ") {
			return nil, fmt.Errorf("SDP line %q", line)
		}
		if line[0] != 'a' {
			order += line[:1]
		}
		if !m.line(line[0], line[2:]) {
			return nil, fmt.Errorf("SDP line %q", line)
		}
	}
	if order != "vosctm" && order != "vostmc" && order != "vostm" { // [RFC4566-5]
		return nil, fmt.Errorf("SDP lines in the order %s", order)
	}
	if len(m.acceptTypes) == 0 { // [RFC4975-8.6]
		return nil, fmt.Errorf("SDP without accept-types")
	}
	hostPort, _, err := splitURI(m.path)
	if err != nil {
		return nil, err
	}
	if hostPort != net.JoinHostPort(m.host, m.port) { // [RFC4975-8.1]
		return nil, fmt.Errorf("c= and m= say %s:%s, the path %s", m.host, m.port, m.path)
	}
	return m, nil
}

// line takes what a line says, and reports whether that is allowed.
func (m *media) line(kind byte, value string) bool {
	f := strings.Split(value, " ")
	switch kind {
	case 'c':
		if len(f) != 3 || f[0] != "IN" || net.ParseIP(f[2]) == nil {
			return false
		}
		m.host = f[2]
	case 'm':
		if len(f) != 4 || f[0] != "message" || f[2] != "TCP/MSRP" || f[3] != "*" || f[1] == "0" { // [RFC4975-8.1]
			return false
		}
		m.port = f[1]
	case 'a':
		name, v, _ := strings.Cut(value, ":")
		m.attribute(name, v)
	}
	return true
}

func (m *media) attribute(name, value string) {
	switch name {
	case "path":
		m.path = value
	case "accept-types":
		m.acceptTypes = strings.Split(value, " ")
	case "accept-wrapped-types":
		m.acceptWrapped = strings.Split(value, " ")
	case "setup":
		m.setup = value
	}
}

// splitURI reads an MSRP URI with an explicit port and session-id. See RFC 4975,
// section 9.
func splitURI(uri string) (hostPort, session string, err error) {
	rest, ok := strings.CutPrefix(uri, "msrp://")
	if ok {
		rest, ok = strings.CutSuffix(rest, ";tcp")
	}
	hostPort, session, found := strings.Cut(rest, "/")
	if _, _, err := net.SplitHostPort(hostPort); err != nil || !ok || !found || session == "" || strings.ContainsAny(session, " /?") {
		return "", "", fmt.Errorf("MSRP URI %q", uri)
	}
	return hostPort, session, nil
}

// describe writes an offer or answer as SIP SIMPLE clients do.
func (p *Phone) describe(s *session, setup string) string {
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	return "v=0\r\no=- 4004743784 4004743784 IN IP4 " + host + "\r\ns=strict peer\r\nt=0 0\r\n" +
		"m=message " + port + " TCP/MSRP *\r\nc=IN IP4 " + host + "\r\na=path:" + s.path + "\r\n" +
		"a=accept-types:" + strings.Join(p.o.AcceptTypes, " ") + "\r\n" +
		"a=accept-wrapped-types:" + strings.Join(p.o.AcceptWrapped, " ") + "\r\na=setup:" + setup + "\r\n"
}

// common reports whether the phone takes, by name, one of the types offered: `*`
// tells SIP SIMPLE clients nothing.
func (p *Phone) common(offered []string) bool {
	for _, t := range offered {
		for _, own := range p.o.AcceptTypes {
			if t != "*" && (takes([]string{own}, t) || takes([]string{t}, own)) {
				return true
			}
		}
	}
	return false
}
