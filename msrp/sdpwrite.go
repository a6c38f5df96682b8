package msrp

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Offer writes a whole session description with one media line.
func (m *Media) Offer() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	m.writeSession(&b, "0 0")
	m.writeMedia(&b)
	return b.Bytes(), nil
}

// Answer writes the answer to an offer: m in the place of the first usable
// MSRP line of the offer (m.Index is set to it), the other lines refused.
func (m *Media) Answer(offer []byte) ([]byte, error) {
	o, err := ParseSDP(offer)
	if err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	m.Index = o.Index
	return m.answer(offer, o.Index)
}

// Reject writes an answer that refuses every media line of the offer. See RFC
// 4975, section 8.1.
func Reject(offer []byte) ([]byte, error) {
	m := &Media{Host: "0.0.0.0"}
	return m.answer(offer, -1)
}

func (m *Media) answer(offer []byte, index int) ([]byte, error) {
	d, lines, err := parseDescription(offer)
	if err != nil {
		return nil, err
	}
	timing := "0 0"
	if t := d.TimeDescriptions; len(t) > 0 {
		timing = fmt.Sprintf("%d %d", t[0].Timing.StartTime, t[0].Timing.StopTime)
	}
	var b bytes.Buffer
	m.writeSession(&b, timing)
	for i, l := range lines {
		if i == index {
			m.writeMedia(&b)
			continue
		}
		formats := strings.Join(l.formats, " ")
		if formats == "" {
			formats = "*"
		}
		fmt.Fprintf(&b, "m=%s 0 %s %s\r\n", l.media, l.proto, formats) // [RFC4975-8.1-4]
	}
	return b.Bytes(), nil
}

func (m *Media) check() error {
	if len(m.Path) > 0 && m.Port != 0 {
		if err := m.checkPath(); err != nil {
			return err
		}
	}
	switch {
	case m.Host == "":
		return errors.New("msrp: Media.Host is empty")
	case m.Port < 0 || m.Port > 65535:
		return errors.New("msrp: Media.Port is out of range")
	case len(m.Path) == 0 && m.Port != 0:
		return errors.New("msrp: Media.Path is empty")
	}
	for _, list := range [][]string{{m.Host, m.Connection, string(m.Setup), string(m.Direction)}, m.AcceptTypes,
		m.AcceptWrappedTypes} {
		for _, s := range list {
			if strings.ContainsAny(s, " \r\n\x00") {
				return errors.New("msrp: Media has a field with a blank or line end")
			}
		}
	}
	if m.Chatroom != nil {
		if err := m.Chatroom.check(); err != nil {
			return err
		}
	}
	for _, s := range m.Fingerprints {
		if strings.ContainsAny(s, "\r\n\x00") {
			return errors.New("msrp: Media.Fingerprints has a line end")
		}
	}
	return nil
}

// checkPath holds Host and Port to the URI that names this end.
func (m *Media) checkPath() error {
	for _, u := range m.Path {
		if u.Port == 0 {
			return fmt.Errorf("msrp: %s in Media.Path has no port", u) // [RFC4975-8.2-2]
		}
	}
	own := m.Path[len(m.Path)-1]
	if m.Host == "" {
		m.Host = own.Host
	}
	switch {
	case !sameHost(m.Host, own.Host):
		return errors.New("msrp: Media.Host is not that of the path's last URI") // [RFC4975-8.1-2]
	case m.Port != own.Port:
		return errors.New("msrp: Media.Port is not that of the path's last URI") // [RFC4975-8.1-3]
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
	family := addressType(m.Host)
	fmt.Fprintf(b, "v=0\r\no=- %d %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=%s\r\n",
		id, version, family, m.Host, family, m.Host, timing)
}

func addressType(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && !ip.Is4In6() {
		return "IP6"
	}
	return "IP4"
}

func (m *Media) writeMedia(b *bytes.Buffer) {
	proto := "TCP/MSRP"
	if m.TLS {
		proto = "TCP/TLS/MSRP"
	}
	fmt.Fprintf(b, "m=message %d %s *\r\n", m.Port, proto) // [RFC4975-8.1-1]
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(b, "a=%s:%s\r\n", key, value)
		}
	}
	if m.Direction != "" {
		fmt.Fprintf(b, "a=%s\r\n", m.Direction)
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
	line("connection", m.Connection)
	if m.CEMA {
		b.WriteString("a=msrp-cema\r\n")
	}
	if m.Chatroom != nil && len(m.Chatroom.tokens()) == 0 {
		b.WriteString("a=chatroom\r\n")
	} else if m.Chatroom != nil {
		line("chatroom", m.Chatroom.value())
	}
	for _, f := range m.Fingerprints {
		line("fingerprint", f)
	}
}
