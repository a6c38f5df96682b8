package mscp

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gomscp/gomscp/internal/sdp"
)

// ErrNoMSCP says that a session description has no m-line for a TCP channel.
var ErrNoMSCP = errors.New("mscp: no m-line of application and TCP/MS")

// Proto is the transport of the m-line; ProtoTLS is the same over TLS. See
// section 7.2.1.
const (
	Proto    = "TCP/MS"
	ProtoTLS = "TCP/TLS/MS"
)

// discardPort is the port of an offer. See section 7.2.1.
const discardPort = 9

// Media is the m-line of a channel with what belongs to it. See the draft,
// section 7.2.1, and RFC 4145.
type Media struct {
	Host       string // of the c-line
	Port       int    // 9 in an offer; 0 refuses
	TLS        bool
	Setup      string // active in an offer, passive in an answer
	Connection string // new or existing
	// Fingerprint is the value of a=fingerprint, of the strongest hash that is
	// known. See RFC 8122 and [Fingerprint].
	Fingerprint string
}

// NewOffer is the AS's offer for a new connection. host is its own; nobody
// connects to it.
func NewOffer(host string) *Media {
	return &Media{Host: host, Port: discardPort, Setup: "active", Connection: "new"} // [MSCP-7.2.1-1] [MSCP-7.2.1-6]
}

// Answer is the MS's answer to the offer m: where to connect.
func (m *Media) Answer(host string, port int) *Media {
	return &Media{Host: host, Port: port, TLS: m.TLS, Setup: "passive", Connection: "new"} // [MSCP-7.2.1-1]
}

// Keep is the MS's answer to an offer of connection:existing that it agrees to:
// the connection, which was set up at the port, stays. See RFC 4145, section 5.
func (m *Media) Keep(host string, port int) *Media {
	a := m.Answer(host, port)
	a.Connection = "existing"
	return a
}

// CheckOffer tells what is wrong with m as an offer of a channel without TLS;
// see CheckTLS for the other.
func (m *Media) CheckOffer() error {
	switch {
	case m.Port == 0:
		return errors.New("mscp: offer with port 0")
	case m.TLS:
		return errors.New("mscp: the m-line is for TLS")
	case m.Port != discardPort: // [MSCP-7.2.1-3]
		return fmt.Errorf("mscp: offer with port %d, not %d (section 7.2.1)", m.Port, discardPort)
	case m.Setup != "active": // [MSCP-7.2.1-1]
		return fmt.Errorf("mscp: offer with a=setup:%s, not active (section 7.2.1)", m.Setup)
	}
	return nil
}

// CheckAnswer tells what is wrong with m as an answer.
func (m *Media) CheckAnswer() error {
	switch {
	case m.Port == 0:
		return errors.New("mscp: the MS refuses the channel (port 0)")
	case m.TLS:
		return errors.New("mscp: the m-line is for TLS")
	case m.Setup != "passive": // [MSCP-7.2.1-1]
		return fmt.Errorf("mscp: answer with a=setup:%s, not passive (section 7.2.1)", m.Setup)
	case m.Host == "":
		return errors.New("mscp: answer without an address")
	}
	return nil
}

// Marshal writes a whole session description with m as its only m-line. It
// fails if a field is empty or holds what would change the lines' meaning.
//
// Each call begins a session of its own; see [Session] for those of one dialog.
func (m *Media) Marshal() ([]byte, error) { return m.marshal(newOrigin()) }

func newOrigin() origin {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	n := binary.BigEndian.Uint64(id[:])>>2 | 1
	return origin{n, n}
}

func (m *Media) marshal(o origin) ([]byte, error) {
	if err := m.writable(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	m.writeHead(&b, o)
	m.writeMedia(&b)
	return b.Bytes(), nil
}

func (m *Media) writeHead(b *bytes.Buffer, o origin) {
	sdp.Head{Origin: sdp.Origin{ID: o.id, Version: o.version, Host: m.Host}, Name: "MSCP"}.Write(b)
}

func (m *Media) writeMedia(b *bytes.Buffer) {
	proto := Proto
	if m.TLS {
		proto = ProtoTLS
	}
	sdp.Media{Type: "application", Port: strconv.Itoa(m.Port), Proto: proto}.Write(b)
	sdp.WriteAttribute(b, "setup", m.Setup)
	sdp.WriteAttribute(b, "connection", m.Connection)
	if m.Fingerprint != "" {
		sdp.WriteAttribute(b, "fingerprint", m.Fingerprint)
	}
}

// writable tells why m cannot be written.
func (m *Media) writable() error {
	hash, sum, two := strings.Cut(m.Fingerprint, " ")
	switch {
	case !isToken(m.Host) || strings.Contains(m.Host, "/"):
		return fmt.Errorf("mscp: host %q is no address", shorten(m.Host))
	case m.Port < 0 || m.Port > 65535:
		return fmt.Errorf("mscp: port %d", m.Port)
	case !isToken(m.Setup):
		return fmt.Errorf("mscp: setup %q is no token", shorten(m.Setup))
	case !isToken(m.Connection):
		return fmt.Errorf("mscp: connection %q is no token", shorten(m.Connection))
	case m.Fingerprint != "" && (!two || !isToken(hash) || !isToken(sum)):
		return fmt.Errorf("mscp: fingerprint %q is not of a hash and bytes", shorten(m.Fingerprint))
	}
	return nil
}

// isToken tells whether s is of visible ASCII, and not empty.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7F {
			return false
		}
	}
	return s != ""
}

// MarshalAnswer writes a whole session description with m as the answer to the
// m-line for a channel that offer has first. Its other m-lines are refused, by
// port 0, each in its place. See RFC 3264, section 6.
func (m *Media) MarshalAnswer(offer []byte) ([]byte, error) {
	return m.marshalAnswer(newOrigin(), offer)
}

func (m *Media) marshalAnswer(o origin, offer []byte) ([]byte, error) {
	return m.answer(o, offer, func(line sdp.Media) bool {
		channel, err := channelOf(line)
		return channel != nil && err == nil
	})
}

// Reject answers an offer with every m-line refused, by port 0. See RFC 3264,
// section 6.
func Reject(offer []byte, host string) ([]byte, error) {
	m := &Media{Host: host, Setup: "passive", Connection: "new"}
	return m.answer(newOrigin(), offer, func(sdp.Media) bool { return false })
}

// answer writes m in the place of the offer's first m-line that is taken.
func (m *Media) answer(o origin, offer []byte, taken func(sdp.Media) bool) ([]byte, error) {
	if len(offer) > MaxBody {
		return nil, &ParseError{MaxBody, "session description too long"}
	}
	if err := m.writable(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	m.writeHead(&b, o)
	written := false
	for line := range sdp.MediaLines(offer) {
		if !written && taken(line) {
			m.writeMedia(&b)
			written = true
			continue
		}
		line.Refuse(&b)
	}
	return b.Bytes(), nil
}

// ParseSDP reads the first m-line for a channel from a session description; it
// is ErrNoMSCP if there is none. The draft's own example breaks RFC 4566 in
// several ways, so lines are read one by one and what is missing takes its
// default.
func ParseSDP(body []byte) (*Media, error) {
	if len(body) > MaxBody {
		return nil, &ParseError{MaxBody, "session description too long"}
	}
	var m *Media
	session, inMedia := &Media{}, false // what stands before the first m-line
	for line := range sdp.Lines(body) {
		switch line.Kind {
		case 'm':
			if m != nil {
				return m.defaults(session), nil
			}
			inMedia = true
			var err error
			if m, err = parseMediaLine(line.Value); err != nil {
				return nil, err
			}
		case 'c':
			if m != nil {
				m.Host = sdp.Host(line.Value)
			} else if !inMedia {
				session.Host = sdp.Host(line.Value)
			}
		case 'a':
			if !inMedia {
				session.attribute(line.Value)
			}
			m.attribute(line.Value)
		}
	}
	if m == nil {
		return nil, ErrNoMSCP
	}
	return m.defaults(session), nil
}

// parseMediaLine returns nil for an m-line of something else.
func parseMediaLine(value string) (*Media, error) {
	line, ok := sdp.ReadMedia(value)
	if !ok {
		return nil, nil
	}
	return channelOf(line)
}

// channelOf returns nil for an m-line of something else.
func channelOf(line sdp.Media) (*Media, error) {
	if line.Type != "application" || line.Proto != Proto && line.Proto != ProtoTLS { // [MSCP-7.2.1-7]
		return nil, nil
	}
	port, ok := line.Number()
	if !ok {
		return nil, &ParseError{0, fmt.Sprintf("port %q in the m-line", shorten(line.Port))}
	}
	return &Media{Port: port, TLS: line.Proto == ProtoTLS}, nil
}

func (m *Media) attribute(value string) {
	if m == nil {
		return
	}
	switch key, v := sdp.Attribute(value); key {
	case "setup":
		m.Setup = v
	case "connection":
		m.Connection = v
	case "fingerprint":
		if m.Fingerprint == "" || strength(v) > strength(m.Fingerprint) {
			m.Fingerprint = v
		}
	}
}

// defaults takes what m lacks from the session level. See RFC 4145, section 4,
// and RFC 8122, section 5.
func (m *Media) defaults(session *Media) *Media {
	m.Host = cmp.Or(m.Host, session.Host)
	m.Setup = cmp.Or(m.Setup, session.Setup)                       // [RFC4145-4]
	m.Fingerprint = cmp.Or(m.Fingerprint, session.Fingerprint)     // [RFC8122-5]
	m.Connection = cmp.Or(m.Connection, session.Connection, "new") // [RFC4145-5]
	return m
}
