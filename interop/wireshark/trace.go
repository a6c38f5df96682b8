package wireshark

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/gomscp/gomscp/interop/ladder"
)

// maxNotes bounds the notes about messages that are left out.
const maxNotes = 20

// WriteTraces writes a capture of the messages in trace files, each message once. o
// selects the messages; see ladder.Messages. It returns the number of messages, and notes
// about what was left out.
func WriteTraces(ctx context.Context, w io.Writer, paths []string, o ladder.Options) (n int, notes []string, err error) {
	messages, notes, err := ladder.Messages(ctx, paths, o)
	if err != nil {
		return 0, notes, err
	}
	c, err := NewCapture(w)
	if err != nil {
		return 0, notes, err
	}
	// Wireshark's dissector of MSRP does not put messages together again.
	c.Segment = maxSegment
	for _, m := range messages {
		src, dst, err := addresses(m)
		if err != nil {
			if len(notes) < maxNotes {
				notes = append(notes, fmt.Sprintf("a message of %s is left out: %v", m.Protocol, err))
			}
			continue
		}
		if overUDP(m) {
			err = c.UDP(m.Time, src, dst, []byte(m.Raw))
		} else {
			raw := m.Raw
			if m.Protocol == "MSRP" {
				raw = fill(m)
			}
			err = c.TCP(m.Time, src, dst, []byte(raw), m.Size)
		}
		if err != nil {
			return n, notes, err
		}
		n++
	}
	return n, notes, nil
}

// fill completes an MSRP message whose body is cut, with dots for what is not
// known of the body and the end-line, since Wireshark takes no message without.
func fill(m ladder.Message) string {
	head, _, ok := strings.Cut(m.Raw, "\r\n\r\n")
	f := strings.Fields(head)
	if !ok || len(f) < 2 || m.Size <= len(m.Raw) || m.Size > maxSegment {
		return m.Raw
	}
	flag := "$"
	if partial(head) {
		flag = "+"
	}
	end := "\r\n-------" + f[1] + flag + "\r\n"
	dots := m.Size - len(m.Raw) - len(end)
	if dots < 0 {
		return m.Raw
	}
	return m.Raw + strings.Repeat(".", dots) + end
}

// partial tells whether a Byte-Range ends before its message. See RFC 4975,
// section 9.
func partial(head string) bool {
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !strings.EqualFold(name, "Byte-Range") {
			continue
		}
		span, total, _ := strings.Cut(strings.TrimSpace(value), "/")
		_, to, _ := strings.Cut(span, "-")
		return to != total
	}
	return false
}

// addresses are the two of a message. One that is known by its port only, such
// as [::]:5060, becomes one of the other's family.
func addresses(m ladder.Message) (src, dst netip.AddrPort, err error) {
	if src, err = netip.ParseAddrPort(m.From); err != nil {
		return src, dst, err
	}
	if dst, err = netip.ParseAddrPort(m.To); err != nil {
		return src, dst, err
	}
	src = netip.AddrPortFrom(src.Addr().Unmap().WithZone(""), src.Port())
	dst = netip.AddrPortFrom(dst.Addr().Unmap().WithZone(""), dst.Port())
	src, dst = likePeer(src, dst), likePeer(dst, src)
	if src.Addr().Is4() != dst.Addr().Is4() {
		err = errFamily
	}
	return src, dst, err
}

// likePeer is a, in the family of its peer if a has no host.
func likePeer(a, peer netip.AddrPort) netip.AddrPort {
	switch {
	case !a.Addr().IsUnspecified():
		return a
	case peer.Addr().Is4():
		return netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Unspecified(), a.Port())
}

// overUDP tells whether a message is of SIP over UDP, as its first Via says.
func overUDP(m ladder.Message) bool {
	if m.Protocol != "SIP" {
		return false
	}
	head, _, _ := strings.Cut(m.Raw, "\r\n\r\n")
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(line, ":")
		if name = strings.ToLower(strings.TrimSpace(name)); name != "via" && name != "v" {
			continue
		}
		sent, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(value)), " ")
		return strings.HasSuffix(sent, "/UDP")
	}
	return false
}
