package msrp

import (
	"errors"
	"net"
	"strconv"
	"strings"
)

// ErrNoMSRP means that a session description has no MSRP media line.
var ErrNoMSRP = errors.New("msrp: no MSRP media line")

// MaxSDP is the longest session description accepted, in bytes.
const MaxSDP = 64 << 10

// Setup is the role of an endpoint: whether it connects or listens. See RFC 4145, section
// 4, and RFC 6135.
type Setup string

// The values of Setup; "" is an endpoint that knows RFC 4975 alone, where the
// offerer connects. The value holdconn of RFC 4145 is not used with MSRP: it is
// read as "". See RFC 6135, section 4.2.1.
const (
	SetupNone    Setup = ""
	SetupActive  Setup = "active"
	SetupPassive Setup = "passive"
	SetupActpass Setup = "actpass"
)

// Answer returns the role for the answer: the opposite role if the offer has active or
// passive. For actpass or "" it is passive, because the offerer connects. An endpoint
// that prefers to connect may answer SetupActpass with SetupActive.
func (s Setup) Answer() Setup {
	if s == SetupPassive {
		return SetupActive
	}
	return SetupPassive // [RFC4975-5.4-5] [RFC6135-4.2.2-5]
}

// answers reports whether s may answer that offer.
func (s Setup) answers(offer Setup) bool {
	return s == offer.Answer() || s == SetupActive && offer == SetupActpass
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

// within gives what d has in common with most: the direction of an answer.
func (d Direction) within(most Direction) Direction {
	sends := d.sends() && most.sends()
	receives := d.receives() && most.receives()
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

func (d Direction) sends() bool    { return d != RecvOnly && d != Inactive }
func (d Direction) receives() bool { return d != SendOnly && d != Inactive }

// Answer returns the direction that answers d if we can send and receive.
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

// Media describes one MSRP session in a session description. See RFC 4975, section 8.
type Media struct {
	// Host is the address of the c= line, without its IP version. When written, it must
	// be the host of the path's last URI or, with CEMA, of its first URI; "" means that
	// host.
	Host string
	// Port is the port of the m= line; 0 refuses or ends the session. Any other port,
	// when written, must be the port of the same URI. Without CEMA, the peer connects to
	// the path and ignores Host and Port.
	Port int
	// TLS is true for TCP/TLS/MSRP.
	TLS bool
	// Path is the path attribute.
	Path Path
	// AcceptTypes and AcceptWrappedTypes are media ranges, the preferred ones
	// first.
	AcceptTypes, AcceptWrappedTypes []string
	// MaxSize is the size of the largest message accepted, in bytes; 0 if the description
	// has none.
	MaxSize int64
	// Setup is the role of this end. When written, "" means SetupActive in an offer, and
	// the Answer to the offer's role in an answer. An endpoint that the peer can reach
	// must offer SetupActpass, and none may offer SetupPassive. See RFC 6135, section
	// 4.2.
	Setup Setup
	// Direction is "" if the description has none. An answer is limited to the directions
	// that the offer allows. See RFC 3264, section 6.1.
	Direction Direction
	// CEMA is the msrp-cema attribute. See RFC 6714.
	CEMA bool
	// Chatroom is the chatroom attribute, nil if there is none. See RFC 7701.
	Chatroom *Chatroom
	// File has the file attributes, nil if there are none. A session with them transfers
	// this file and nothing else. See RFC 5547.
	File *File
	// Fingerprints are the fingerprint attributes, "sha-256 AB:CD:...". See
	// RFC 8122, section 5.
	Fingerprints []string
	// Index is the number of the media line, from 0.
	Index int
	// SessionID and SessionVersion are those of the o= line. When written, a SessionID of
	// 0 means one from the time, and a SessionVersion of 0 means 1. When read, a value
	// that is not a number of 64 bits gives its hash.
	SessionID, SessionVersion uint64
}

// Rejected reports whether the media line has port 0.
func (m *Media) Rejected() bool { return m.Port == 0 }

// Address returns the "host:port" to connect to. It is the address of the path's first
// URI. If cema is true, because our own description has the msrp-cema attribute, and m
// has the attribute too, it is the address of the c= and m= lines, which may be a
// middlebox. See RFC 6714, section 4.
func (m *Media) Address(cema bool) string {
	if cema && m.CEMA && // [RFC6714-4.3-6]
		m.Host != "" && m.Port != 0 {
		return net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
	}
	if len(m.Path) == 0 {
		return ""
	}
	return m.Path[0].address()
}

// ParseSDP returns the first MSRP media line that is not refused, or else the first one.
// The error is ErrNoMSRP if there is none, or an *SDPError.
func ParseSDP(body []byte) (*Media, error) {
	d, err := parseDescription(body)
	if err != nil {
		return nil, err
	}
	index := d.msrpIndex()
	if index < 0 {
		return nil, ErrNoMSRP
	}
	return d.readMedia(index)
}

// msrpIndex gives the index of the media line that ParseSDP reads, or -1.
func (d *description) msrpIndex() int {
	index := -1
	for i := range d.media {
		if _, ok := d.media[i].msrp(); ok && (index < 0 || d.media[index].port == 0 && d.media[i].port != 0) {
			index = i
		}
	}
	return index
}

func (d *description) readMedia(index int) (*Media, error) {
	l := &d.media[index]
	m := &Media{Host: l.host, Port: l.port, Index: index, SessionID: d.id, SessionVersion: d.version}
	m.TLS, _ = l.msrp()
	if m.Host == "" {
		m.Host = d.host
	}
	for _, a := range d.attributes { // defaults for the media
		if a.key != "path" && a.key != "chatroom" { // of the media alone [RFC7701-8-2]
			m.readAttribute(a.key, a.value)
		}
	}
	session := m.Fingerprints
	m.Fingerprints = nil
	for _, a := range l.attributes {
		if a.key == "path" {
			p, err := ParsePath(a.value)
			if err != nil && l.port != 0 {
				return nil, &SDPError{Line: a.line, Rule: "a=path", Problem: problemOf(err), err: err}
			}
			m.Path = p
			continue
		}
		m.readFileAttribute(a.key, a.value)
		m.readAttribute(a.key, a.value)
	}
	if m.Fingerprints == nil { // [RFC8122-5-4]
		m.Fingerprints = session
	}
	if len(m.Path) == 0 && m.Port != 0 {
		return nil, &SDPError{Line: l.line, Rule: "m=message", Problem: "no a=path below it"} // [RFC4975-8.2-1]
	}
	return m, nil
}

// problemOf gives what a *SyntaxError says, without the package's name.
func problemOf(err error) string { return strings.TrimPrefix(err.Error(), "msrp: ") }

// readAttribute takes what an attribute says. One whose value makes no sense says
// nothing: none of them is needed for a session.
func (m *Media) readAttribute(key, value string) {
	switch key {
	case "accept-types":
		if f := strings.Fields(value); len(f) > 0 {
			m.AcceptTypes = f
		}
	case "accept-wrapped-types":
		if f := strings.Fields(value); len(f) > 0 {
			m.AcceptWrappedTypes = f
		}
	case "max-size":
		if n, ok := parseNumber(value); ok && n > 0 {
			m.MaxSize = n
		}
	case "setup":
		switch s := Setup(strings.ToLower(value)); s {
		case SetupActive, SetupPassive, SetupActpass: // [RFC6135-4.2.1-2]
			m.Setup = s
		} // holdconn is as good as none [RFC6135-4.2.1-4]
	case "sendrecv", "sendonly", "recvonly", "inactive":
		m.Direction = Direction(key)
	case "chatroom":
		m.Chatroom = parseChatroom(value)
	case "msrp-cema":
		m.CEMA = true
	case "fingerprint":
		m.Fingerprints = append(m.Fingerprints, value)
	}
}
