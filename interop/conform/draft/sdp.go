package draft

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// A Media is the m-line of a control channel in a session description, with its
// attributes. See section 7.2.1.
type Media struct {
	Host         string
	Port         int
	TLS          bool   // TCP/TLS/MS instead of TCP/MS
	Setup        string // a=setup
	Connection   string // a=connection
	Fingerprints []string
	Session      string // the session id of o=
	Version      string // the version of o=, which grows with each change
	Findings     []Finding
}

// The lines of a session description that are looked at. See RFC 8866, section 9.
var (
	origin      = regexp.MustCompile(`^o=\S+ ([0-9]+) ([0-9]+) IN (IP4|IP6) \S+$`)
	connection  = regexp.MustCompile(`^c=IN (?:IP4|IP6) (\S+)$`)
	timing      = regexp.MustCompile(`^t=[0-9]+ [0-9]+$`)
	mediaLine   = regexp.MustCompile(`^m=[a-z]+ [0-9]+(?:/[0-9]+)? [A-Z/]+(?: \S+)+$`)
	channelLine = regexp.MustCompile(`^m=application ([0-9]+) (TCP/MS|TCP/TLS/MS)(?: \S+)*$`)
	fingerprint = regexp.MustCompile(`^(?i:sha-1|sha-224|sha-256|sha-384|sha-512) [0-9A-F]{2}(?::[0-9A-F]{2})+$`)
)

// order has, by the letter of a line, its place in a session's or a medium's part.
const (
	sessionOrder = "vosiuepcbtrzka"
	mediaOrder   = "micbka"
)

// SDP reads and checks an offer or an answer. ok reports whether it has the m-line of a
// control channel.
func SDP(body []byte) (m *Media, ok bool) {
	m, f := &Media{}, &findings{}
	text := string(body)
	if !strings.HasSuffix(text, "\r\n") || strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") {
		f.add("RFC 8866, 5", "each line ends in CRLF", "they do not")
	}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	sequence(lines, f)
	m.session(lines, f)
	ok = m.media(lines, f)
	if m.TLS && len(m.Fingerprints) == 0 {
		f.add("RFC 8122, 5", "TLS has a=fingerprint", "there is none")
	}
	if _, err := netip.ParseAddr(m.Host); ok && err != nil && strings.Trim(m.Host, ".") == "" {
		f.add("RFC 8866, 5.7", "each m-line has a c= line, its own or the session's", "there is none")
	}
	m.Findings = f.list
	return m, ok
}

// sequence judges the order of the lines.
func sequence(lines []string, f *findings) {
	const rule = "the lines are of known types, in a fixed order"
	order, last := sessionOrder, 0
	for _, line := range lines {
		if len(line) < 2 || line[1] != '=' {
			f.add("RFC 8866, 5", rule, "%q is no line of a session description", line)
			continue
		}
		if line[0] == 'm' {
			order, last = mediaOrder, 0
			if !mediaLine.MatchString(line) {
				f.add("RFC 8866, 5.14", "m= has a type, a port, a protocol and formats", "there is %q", line)
			}
			continue
		}
		at := strings.IndexByte(order, line[0])
		if at < last {
			f.add("RFC 8866, 5", rule, "%q is out of order", line)
			continue
		}
		last = at
	}
}

// session reads the part of the session.
func (m *Media) session(lines []string, f *findings) {
	count := map[byte]int{}
	for _, line := range lines {
		if strings.HasPrefix(line, "m=") {
			break
		}
		if len(line) > 0 {
			count[line[0]]++
		}
		if o := origin.FindStringSubmatch(line); o != nil {
			m.Session, m.Version = o[1], o[2]
		}
		if strings.HasPrefix(line, "t=") && !timing.MatchString(line) {
			f.add("RFC 8866, 5.9", "t= has two times", "there is %q", line)
		}
		m.attribute(line)
	}
	if m.Version == "" {
		f.add("RFC 8866, 5.2", "o= has a name, an id, a version and an address", "there is none that has")
	}
	if len(lines) == 0 || lines[0] != "v=0" || count['o'] != 1 || count['s'] != 1 || count['t'] == 0 {
		f.add("RFC 8866, 5", "v=0, o=, s= and t= are there", "they are not")
	}
}

// media reads the part of the control channel's medium, and reports whether there is one.
func (m *Media) media(lines []string, f *findings) bool {
	found, in := false, false
	for _, line := range lines {
		if strings.HasPrefix(line, "m=") {
			c := channelLine.FindStringSubmatch(line)
			if in = c != nil && !found; in {
				found = true
				m.Port, _ = strconv.Atoi(c[1])
				m.TLS = c[2] == "TCP/TLS/MS"
			}
			continue
		}
		if in {
			m.attribute(line)
		}
	}
	if m.Port > 65535 {
		f.add("RFC 8866, 5.14", "a port has 16 bits", "it is %d", m.Port)
	}
	for _, p := range m.Fingerprints {
		if !fingerprint.MatchString(p) {
			f.add("RFC 8122, 5", "a=fingerprint is a hash and bytes in upper case hexadecimal", "it is %q", p)
		}
	}
	return found
}

// attribute takes what belongs to the channel; the medium's own replaces the session's.
func (m *Media) attribute(line string) {
	if c := connection.FindStringSubmatch(line); c != nil {
		m.Host = c[1]
	}
	name, value, _ := strings.Cut(line, ":")
	switch name {
	case "a=setup":
		m.Setup = value
	case "a=connection":
		m.Connection = value
	case "a=fingerprint":
		m.Fingerprints = append(m.Fingerprints, value)
	}
}
