package msrp

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// ErrNoMSRP means that a session description has no MSRP media line.
var ErrNoMSRP = errors.New("msrp: no MSRP media line")

// MaxSDP is the longest session description taken, in bytes.
const MaxSDP = 64 << 10

// Setup says who connects. See RFC 4145, section 4, and RFC 6135.
type Setup string

// The values of Setup; "" is an endpoint that knows RFC 4975 alone, where the
// offerer connects.
const (
	SetupNone     Setup = ""
	SetupActive   Setup = "active"
	SetupPassive  Setup = "passive"
	SetupActpass  Setup = "actpass"
	SetupHoldconn Setup = "holdconn"
)

// Answer gives the value to answer with: the other role if the offer takes
// one; passive if it leaves the choice, or says nothing, because then the
// offerer connects. Who would rather connect may answer active to SetupActpass.
func (s Setup) Answer() Setup {
	switch s {
	case SetupActive, SetupActpass, SetupNone:
		return SetupPassive // [RFC4975-5.4-5]
	case SetupPassive:
		return SetupActive
	}
	return SetupHoldconn
}

// Direction is the media direction; "" is sendrecv.
type Direction string

// The values of Direction. See RFC 8866, section 6.7.
const (
	SendRecv Direction = "sendrecv"
	SendOnly Direction = "sendonly"
	RecvOnly Direction = "recvonly"
	Inactive Direction = "inactive"
)

// Answer gives the direction that answers d when we would do all.
func (d Direction) Answer() Direction {
	switch d {
	case SendOnly:
		return RecvOnly
	case RecvOnly:
		return SendOnly
	case Inactive:
		return Inactive
	}
	return SendRecv
}

// Media is what a session description says of one MSRP session. See RFC 4975,
// section 8.
type Media struct {
	// Host is the address of the c= line, without IP version; when written,
	// that of the last URI of Path, which "" takes.
	Host string
	// Port is that of the m= line; 0 refuses or ends the session. When
	// written it is that of the last URI of Path. Without CEMA the peer
	// connects to the path, whatever Host and Port are.
	Port int
	// TLS is true for TCP/TLS/MSRP.
	TLS bool
	// Path is the path attribute.
	Path Path
	// AcceptTypes and AcceptWrappedTypes are media ranges.
	AcceptTypes, AcceptWrappedTypes []string
	// MaxSize is the size in bytes of the largest message taken, 0 if not
	// stated.
	MaxSize int64
	// Setup is who connects.
	Setup Setup
	// Connection is "new", "existing" or "". See RFC 4145, section 5.
	Connection string
	// Direction is "" if the description does not say.
	Direction Direction
	// CEMA is the msrp-cema attribute. See RFC 6714.
	CEMA bool
	// Chatroom is the chatroom attribute, nil if there is none. See RFC 7701.
	Chatroom *Chatroom
	// Fingerprints are the fingerprint attributes, "sha-256 AB:CD:...". See
	// RFC 8122, section 5.
	Fingerprints []string
	// Index is the number of the media line, from 0.
	Index int
	// SessionID and SessionVersion are those of the o= line; 0 takes the
	// time for the one and 1 for the other when written.
	SessionID, SessionVersion uint64
}

// Rejected tells that the media line has port 0.
func (m *Media) Rejected() bool { return m.Port == 0 }

// Address is the "host:port" to connect to: that of the path's first URI; but
// if cema, that is if our own description has the msrp-cema attribute, and m
// has it too, that of the c= and m= lines, where a middlebox may sit. See RFC 6714,
// section 4.
func (m *Media) Address(cema bool) string {
	if cema && m.CEMA && m.Host != "" && m.Port != 0 {
		return net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
	}
	if len(m.Path) == 0 {
		return ""
	}
	return m.Path[0].address()
}

// Accepts tells whether a message of that type may be sent to whom m
// describes. See RFC 4975, section 8.6.
func (m *Media) Accepts(contentType string) bool { return typeAccepted(m.AcceptTypes, contentType) }

// AcceptsWrapped tells whether that type may be sent within a container that
// m accepts, as message/cpim or multipart/mixed are.
func (m *Media) AcceptsWrapped(contentType string) bool {
	return m.Accepts(contentType) || m.AcceptWrappedTypes != nil && typeAccepted(m.AcceptWrappedTypes, contentType)
}

// ParseSDP finds the first MSRP media line that is not refused, or else the
// first. The error is ErrNoMSRP if there is none.
func ParseSDP(body []byte) (*Media, error) {
	d, lines, err := parseDescription(body)
	if err != nil {
		return nil, err
	}
	index := -1
	for i, l := range lines {
		if _, ok := l.msrp(); ok && (index < 0 || lines[index].port == 0 && l.port != 0) {
			index = i
		}
	}
	if index < 0 {
		return nil, ErrNoMSRP
	}
	return readMedia(d, lines[index], index)
}

func readMedia(d *sdp.SessionDescription, l mediaLine, index int) (*Media, error) {
	md := d.MediaDescriptions[index]
	m := &Media{
		Port: l.port, Index: index,
		SessionID: d.Origin.SessionID, SessionVersion: d.Origin.SessionVersion,
	}
	m.TLS, _ = l.msrp()
	for _, ci := range []*sdp.ConnectionInformation{md.ConnectionInformation, d.ConnectionInformation} {
		if ci != nil && ci.Address != nil {
			m.Host = ci.Address.Address
			break
		}
	}
	for _, a := range d.Attributes { // session level: defaults for the media
		if err := m.attribute(a.Key, strings.TrimSpace(a.Value)); err != nil {
			return nil, err
		}
	}
	m.Fingerprints, m.Path, m.Chatroom = nil, nil, nil // of the media alone [RFC7701-8-2]
	var own []string
	for _, a := range md.Attributes {
		if err := m.attribute(a.Key, strings.TrimSpace(a.Value)); err != nil {
			return nil, err
		}
	}
	own = m.Fingerprints
	if own == nil { // [RFC8122-5-4]
		for _, a := range d.Attributes {
			if a.Key == "fingerprint" {
				m.Fingerprints = append(m.Fingerprints, strings.TrimSpace(a.Value))
			}
		}
	}
	if len(m.Path) == 0 && m.Port != 0 {
		return nil, fmt.Errorf("msrp: media line %d has no path attribute", index) // [RFC4975-8.2-1]
	}
	return m, nil
}

func (m *Media) attribute(key, value string) error {
	switch key {
	case "path":
		p, err := ParsePath(value)
		if err != nil {
			return fmt.Errorf("path attribute: %w", err)
		}
		m.Path = p
	case "accept-types":
		m.AcceptTypes = strings.Fields(value)
	case "accept-wrapped-types":
		m.AcceptWrappedTypes = strings.Fields(value)
	case "max-size":
		n, ok := parseNumber(value)
		if !ok || n < 0 {
			return syntaxErr("max-size", 0, "not a number")
		}
		m.MaxSize = n
	case "setup":
		switch s := Setup(strings.ToLower(value)); s {
		case SetupActive, SetupPassive, SetupActpass, SetupHoldconn:
			m.Setup = s
		default:
			return syntaxErr("setup", 0, "not a role")
		}
	case "connection":
		m.Connection = strings.ToLower(value)
	case "sendrecv", "sendonly", "recvonly", "inactive":
		m.Direction = Direction(key)
	case "chatroom":
		m.Chatroom = parseChatroom(value)
	case "msrp-cema":
		m.CEMA = true
	case "fingerprint":
		m.Fingerprints = append(m.Fingerprints, value)
	}
	return nil
}

// mediaLine is an m= line as it came: pion takes the registered protocols
// only, and an offer may hold others.
type mediaLine struct {
	media   string
	port    int
	ports   string // the port field as it came
	proto   string
	formats []string
}

// msrp tells whether the line is one of MSRP, and whether over TLS.
func (l mediaLine) msrp() (tls, ok bool) {
	if !strings.EqualFold(l.media, "message") {
		return false, false
	}
	return strings.EqualFold(l.proto, "TCP/TLS/MSRP"),
		strings.EqualFold(l.proto, "TCP/MSRP") || strings.EqualFold(l.proto, "TCP/TLS/MSRP")
}

func parseDescription(body []byte) (*sdp.SessionDescription, []mediaLine, error) {
	if len(body) > MaxSDP {
		return nil, nil, syntaxErr("session-description", MaxSDP, "too long")
	}
	clean, lines, err := splitMedia(body)
	if err != nil {
		return nil, nil, err
	}
	var d sdp.SessionDescription
	if err := d.Unmarshal(clean); err != nil {
		return nil, nil, fmt.Errorf("msrp: session description: line %q: %w", faultyLine(clean), err)
	}
	if len(d.MediaDescriptions) != len(lines) {
		return nil, nil, errors.New("msrp: session description: media lines do not add up")
	}
	return &d, lines, nil
}

// splitMedia reads the m= lines and replaces each by one that pion takes.
func splitMedia(body []byte) ([]byte, []mediaLine, error) {
	var out bytes.Buffer
	var lines []mediaLine
	hasTime, offset := false, 0
	for _, raw := range bytes.Split(bytes.TrimRight(body, "\r\n"), []byte("\n")) {
		s := strings.TrimRight(string(raw), "\r")
		switch {
		case strings.HasPrefix(s, "m="):
			if !hasTime && len(lines) == 0 {
				out.WriteString("t=0 0\r\n")
			}
			l, err := parseMediaLine(s[2:], offset+2)
			if err != nil {
				return nil, nil, err
			}
			lines = append(lines, l)
			s = "m=message " + strconv.Itoa(l.port) + " TCP/MSRP *"
		case strings.HasPrefix(s, "t="):
			hasTime = true
		case strings.HasPrefix(s, "a=") && !hasTime && len(lines) == 0:
			hasTime = true
			out.WriteString("t=0 0\r\n")
		}
		offset += len(raw) + 1
		if s != "" {
			out.WriteString(s)
			out.WriteString("\r\n")
		}
	}
	return out.Bytes(), lines, nil
}

func parseMediaLine(s string, offset int) (mediaLine, error) {
	f := strings.Fields(s)
	if len(f) < 3 {
		return mediaLine{}, syntaxErr("media-field", offset, "media, port or proto missing")
	}
	first, _, _ := strings.Cut(f[1], "/")
	n, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return mediaLine{}, syntaxErr("port", offset, "not 0 to 65535")
	}
	return mediaLine{f[0], int(n), f[1], f[2], f[3:]}, nil
}
