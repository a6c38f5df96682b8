package sdp

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"strings"
)

// A Head is what comes before the m-lines of a session description of ours.
type Head struct {
	Origin
	Name   string // of the session; "" means "-"
	Timing string // "" means "0 0"
}

// Write writes the lines from v= to t=.
func (h Head) Write(b *bytes.Buffer) {
	family := addressType(h.Host)
	fmt.Fprintf(b, "v=0\r\no=- %d %d IN %s %s\r\ns=%s\r\nc=IN %s %s\r\nt=%s\r\n", h.ID, h.Version, family, h.Host,
		cmp.Or(h.Name, "-"), family, h.Host, cmp.Or(h.Timing, "0 0"))
}

func addressType(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && !ip.Is4In6() {
		return "IP6"
	}
	return "IP4"
}

// Write writes an m= line. Without formats it has "*".
func (m Media) Write(b *bytes.Buffer) {
	fmt.Fprintf(b, "m=%s %s %s %s\r\n", m.Type, m.Port, m.Proto, cmp.Or(strings.Join(m.Formats, " "), "*"))
}

// Refuse writes the m= line that refuses m in an answer. See RFC 3264, section 6.
func (m Media) Refuse(b *bytes.Buffer) {
	m.Port = "0"
	m.Write(b)
}

// WriteAttribute writes an a= line; without a value it has the key alone.
func WriteAttribute(b *bytes.Buffer, key, value string) {
	if value != "" {
		key += ":" + value
	}
	fmt.Fprintf(b, "a=%s\r\n", key)
}
