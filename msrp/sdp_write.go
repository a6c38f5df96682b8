package msrp

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/sdp"
)

// Offer writes a session description with one media line.
func (m *Media) Offer() ([]byte, error) {
	w := *m
	if w.Setup == SetupNone && w.Port != 0 {
		w.Setup = SetupActive // [RFC6135-4.2.1-1]
	}
	switch {
	case w.Setup == SetupPassive:
		return nil, errors.New("msrp: Media.Setup is passive in an offer") // [RFC6135-4.2.2-4]
	case w.CEMA && len(w.Path) > 1 && m.Setup == SetupNone:
		w.Setup = SetupActpass
	case w.CEMA && len(w.Path) > 1 && w.Setup != SetupActpass:
		return nil, errors.New("msrp: Media.Setup is not actpass in an offer with msrp-cema behind a relay") // [RFC6714-4.2-3]
	}
	if err := w.checkParts(); err != nil {
		return nil, err
	}
	m.Host = w.Host
	var b bytes.Buffer
	w.writeSession(&b, "0 0")
	w.writeMedia(&b)
	return b.Bytes(), nil
}

// Answer writes the answer to an offer: m in the place of the first usable MSRP line of
// the offer, with all other lines refused. It sets m.Index to that line, a Setup of "" to
// the role that answers the offer, and Direction to what the offer allows. It clears CEMA
// where RFC 6714, section 4.3, forbids it. The offer and m must agree on TLS. It fails
// with ErrAnchored if m has CEMA and a middlebox without CEMA has changed the offer.
func (m *Media) Answer(offer []byte) ([]byte, error) {
	d, err := parseDescription(offer)
	if err != nil {
		return nil, err
	}
	index := d.msrpIndex()
	if index < 0 {
		return nil, ErrNoMSRP
	}
	o, err := d.readMedia(index)
	if err != nil {
		return nil, err
	}
	m.Index = index
	if m.Port != 0 {
		if err := m.fitToOffer(o); err != nil {
			return nil, err
		}
	}
	if err := m.checkParts(); err != nil {
		return nil, err
	}
	return m.writeAnswer(d, index), nil
}

// fitToOffer makes m an answer to o.
func (m *Media) fitToOffer(o *Media) error {
	if m.TLS != o.TLS && !o.Rejected() {
		return errors.New("msrp: Media.TLS is not that of the offer")
	}
	if m.CEMA {
		if err := m.fitCEMA(o); err != nil {
			return err
		}
	}
	if m.Setup == SetupNone {
		m.Setup = o.Setup.Answer() // [RFC6135-4.2.1-1]
	}
	if !m.Setup.answers(o.Setup) {
		return fmt.Errorf("msrp: Media.Setup is %s and the offer has %q", m.Setup, string(o.Setup))
	}
	if d := m.Direction.within(o.Direction.Answer()); d != SendRecv || m.Direction != "" || o.Direction != "" {
		m.Direction = d
	}
	return nil
}

// Reject returns an answer that refuses every media line of the offer. See RFC 4975,
// section 8.1.
func Reject(offer []byte) ([]byte, error) {
	d, err := parseDescription(offer)
	if err != nil {
		return nil, err
	}
	m := &Media{Host: "0.0.0.0"}
	return m.writeAnswer(d, -1), nil
}

func (m *Media) writeAnswer(d *description, index int) []byte {
	var b bytes.Buffer
	m.writeSession(&b, d.timing)
	for i, l := range d.media {
		if i == index {
			m.writeMedia(&b)
			continue
		}
		l.Refuse(&b) // [RFC4975-8.1-4]
	}
	return b.Bytes()
}

// checkParts refuses what ParseSDP would refuse, or read otherwise.
func (m *Media) checkParts() error {
	if len(m.Path) > 0 && m.Port != 0 {
		if err := m.checkPath(); err != nil {
			return err
		}
	}
	switch {
	case m.Host == "" || badByte(m.Host, isAddressByte) >= 0:
		return errors.New("msrp: Media.Host is not an address")
	case m.Port < 0 || m.Port > 65535:
		return errors.New("msrp: Media.Port is out of range")
	case len(m.Path) == 0 && m.Port != 0:
		return errors.New("msrp: Media.Path is empty")
	case m.MaxSize < 0:
		return errors.New("msrp: Media.MaxSize is negative")
	}
	if err := m.checkAttributes(); err != nil {
		return err
	}
	return m.checkFingerprints()
}

func (m *Media) checkAttributes() error {
	switch m.Setup {
	case SetupNone, SetupActive, SetupPassive, SetupActpass:
	default:
		return errors.New("msrp: Media.Setup is not a role") // [RFC6135-4.2.1-3]
	}
	switch m.Direction {
	case "", SendRecv, SendOnly, RecvOnly, Inactive:
	default:
		return errors.New("msrp: Media.Direction is not a direction")
	}
	for _, list := range [][]string{m.AcceptTypes, m.AcceptWrappedTypes} {
		for _, s := range list {
			if s == "" || badByte(s, isTypeByte) >= 0 {
				return errors.New("msrp: Media has a type that is not a media range")
			}
		}
	}
	if m.Chatroom != nil {
		if err := m.Chatroom.checkTokens(); err != nil {
			return err
		}
	}
	if m.File != nil {
		return m.File.checkAttributes()
	}
	return nil
}

func (m *Media) checkFingerprints() error {
	for _, s := range m.Fingerprints {
		hash, sum, ok := strings.Cut(s, " ")
		if !ok || !isToken([]byte(hash)) || hash == "" || sum == "" || badByte(sum, isPrintByte) >= 0 {
			return errors.New("msrp: Media has a fingerprint that is not a hash function and bytes")
		}
	}
	return nil
}

// isTypeByte takes what may stand in a media range, with parameters.
func isTypeByte(c byte) bool { return c > ' ' && c < 0x7f }

func isPrintByte(c byte) bool {
	return c == ':' || c >= '0' && c <= '9' || c >= 'A' && c <= 'F' || c >= 'a' && c <= 'f'
}

// checkPath holds Host and Port to the URI that names this end.
func (m *Media) checkPath() error {
	if err := m.Path.checkWire(); err != nil {
		return fmt.Errorf("msrp: Media.Path: %s", problemOf(err))
	}
	for _, u := range m.Path {
		if u.Port == 0 {
			return fmt.Errorf("msrp: %s in Media.Path has no port", u) // [RFC4975-8.2-2]
		}
	}
	own, which := m.Path[len(m.Path)-1], "last"
	if m.CEMA {
		own, which = m.Path[0], "first" // the relay, if there is one [RFC6714-4.2-2] [RFC6714-4.3-4]
	}
	if m.Host == "" {
		m.Host = own.Host
	}
	switch {
	case !sameHost(m.Host, own.Host):
		return fmt.Errorf("msrp: Media.Host is not that of the path's %s URI", which) // [RFC4975-8.1-2]
	case m.Port != own.Port:
		return fmt.Errorf("msrp: Media.Port is not that of the path's %s URI", which) // [RFC4975-8.1-3]
	}
	return nil
}

func (m *Media) writeSession(b *bytes.Buffer, timing string) {
	id, version := m.SessionID, m.SessionVersion
	if id == 0 {
		id = uint64(time.Now().UnixNano())
	}
	if version == 0 {
		version = 1
	}
	sdp.Head{Origin: sdp.Origin{ID: id, Version: version, Host: m.Host}, Timing: timing}.Write(b)
}

func (m *Media) writeMedia(b *bytes.Buffer) {
	proto := "TCP/MSRP"
	if m.TLS {
		proto = "TCP/TLS/MSRP"
	}
	sdp.Media{Type: "message", Port: strconv.Itoa(m.Port), Proto: proto}.Write(b) // [RFC4975-8.1-1]
	line := func(key, value string) {
		if value != "" {
			sdp.WriteAttribute(b, key, value)
		}
	}
	if m.Direction != "" {
		sdp.WriteAttribute(b, string(m.Direction), "")
	}
	types := m.AcceptTypes
	if len(types) == 0 && m.Port != 0 {
		types = []string{"*"} // [RFC4975-8.6-1]
	}
	line("accept-types", strings.Join(types, " "))
	line("accept-wrapped-types", strings.Join(m.AcceptWrappedTypes, " "))
	if m.MaxSize > 0 {
		line("max-size", strconv.FormatInt(m.MaxSize, 10))
	}
	if len(m.Path) > 0 {
		line("path", m.Path.String())
	}
	line("setup", string(m.Setup))
	if m.CEMA {
		sdp.WriteAttribute(b, "msrp-cema", "") // [RFC6714-4.2-1] [RFC6714-4.3-3]
	}
	if m.Chatroom != nil && len(m.Chatroom.tokens()) == 0 {
		sdp.WriteAttribute(b, "chatroom", "")
	} else if m.Chatroom != nil {
		line("chatroom", m.Chatroom.value())
	}
	if m.File != nil {
		for _, l := range m.File.lines() {
			line(l[0], l[1])
		}
	}
	for _, f := range m.Fingerprints {
		line("fingerprint", f)
	}
}
