package sdp

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pion/sdp/v3"
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
	writeLine(b, 'v', sdp.Version(0))
	writeLine(b, 'o', sdp.Origin{
		Username: "-", SessionID: h.ID, SessionVersion: h.Version, NetworkType: "IN", AddressType: family, UnicastAddress: h.Host,
	})
	writeLine(b, 's', sdp.SessionName(cmp.Or(h.Name, "-")))
	writeLine(b, 'c', sdp.ConnectionInformation{NetworkType: "IN", AddressType: family, Address: &sdp.Address{Address: h.Host}})
	fmt.Fprintf(b, "t=%s\r\n", cmp.Or(h.Timing, "0 0")) // an answer has that of the offer
}

func writeLine(b *bytes.Buffer, kind byte, value fmt.Stringer) {
	fmt.Fprintf(b, "%c=%s\r\n", kind, value)
}

func addressType(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && !ip.Is4In6() {
		return "IP6"
	}
	return "IP4"
}

// Write writes an m= line. Its port must be a number. Without formats it has "*".
func (m Media) Write(b *bytes.Buffer) {
	port, _ := m.Number()
	formats := m.Formats
	if len(formats) == 0 {
		formats = []string{"*"}
	}
	writeLine(b, 'm', sdp.MediaName{Media: m.Type, Port: sdp.RangedPort{Value: port}, Protos: strings.Split(m.Proto, "/"), Formats: formats})
}

// Refuse writes the m= line that refuses m in an answer. See RFC 3264, section 6.
func (m Media) Refuse(b *bytes.Buffer) {
	m.Port = "0"
	m.Write(b)
}

// WriteAttribute writes an a= line; without a value it has the key alone.
func WriteAttribute(b *bytes.Buffer, key, value string) {
	writeLine(b, 'a', sdp.NewAttribute(key, value))
}
