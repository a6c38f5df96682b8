package wireshark

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

const (
	// MaxFlows bounds the TCP connections of a capture.
	MaxFlows = 1 << 20

	// DefaultSegment is the number of bytes in a TCP segment if Capture.Segment is 0.
	DefaultSegment = 1400
	// maxSegment is what an IP packet has room for.
	maxSegment = 65535 - 40

	magic    = 0xa1b23c4d // nanoseconds
	linkRaw  = 101        // LINKTYPE_RAW: IPv4 or IPv6, without a frame around it
	firstSeq = 1000

	protoTCP = 6
	protoUDP = 17

	flagSYN, flagPSH, flagACK = 0x02, 0x08, 0x10
)

// A Capture writes a file in the format of libpcap, with times in nanoseconds.
type Capture struct {
	// Segment bounds the bytes in a TCP segment; 0 is DefaultSegment.
	Segment int

	w     io.Writer
	flows map[[2]netip.AddrPort]*flow
	id    uint16 // of IPv4 packets
}

// A flow is one direction of a TCP connection.
type flow struct {
	seq  uint32 // of the next byte
	back *flow
}

// NewCapture begins a file.
func NewCapture(w io.Writer) (*Capture, error) {
	b := binary.LittleEndian.AppendUint32(nil, magic)
	b = binary.LittleEndian.AppendUint16(b, 2) // version 2.4
	b = binary.LittleEndian.AppendUint16(b, 4)
	b = binary.LittleEndian.AppendUint64(b, 0) // time zone, accuracy
	b = binary.LittleEndian.AppendUint32(b, 65535)
	b = binary.LittleEndian.AppendUint32(b, linkRaw)
	_, err := w.Write(b)
	return &Capture{w: w, flows: map[[2]netip.AddrPort]*flow{}}, err
}

var errFamily = errors.New("wireshark: the two addresses of a packet are not of one family")

// TCP writes data that src sent to dst, in several segments if necessary. If size is more
// than len(data), the rest is marked as not captured. The sender of the first data on a
// connection is its client.
func (c *Capture) TCP(t time.Time, src, dst netip.AddrPort, data []byte, size int) error {
	f, err := c.flow(t, src, dst)
	if err != nil {
		return err
	}
	segment := c.Segment
	if segment <= 0 {
		segment = DefaultSegment
	}
	segment = min(segment, maxSegment)
	for size = max(size, len(data)); size > 0; {
		n := min(size, segment)
		have := data[:min(n, len(data))]
		if err := c.segment(t, src, dst, f, flagPSH|flagACK, have, n); err != nil {
			return err
		}
		data, size = data[len(have):], size-n
	}
	return nil
}

// flow finds the flow from src to dst, and shakes hands for a new one.
func (c *Capture) flow(t time.Time, src, dst netip.AddrPort) (*flow, error) {
	if f := c.flows[[2]netip.AddrPort{src, dst}]; f != nil {
		return f, nil
	}
	if len(c.flows) >= 2*MaxFlows {
		return nil, fmt.Errorf("wireshark: more than %d TCP connections", MaxFlows)
	}
	f, back := &flow{seq: firstSeq}, &flow{seq: firstSeq}
	f.back, back.back = back, f
	c.flows[[2]netip.AddrPort{src, dst}] = f
	c.flows[[2]netip.AddrPort{dst, src}] = back
	err := c.segment(t, src, dst, f, flagSYN, nil, 0)
	if err == nil {
		err = c.segment(t, dst, src, back, flagSYN|flagACK, nil, 0)
	}
	if err == nil {
		err = c.segment(t, src, dst, f, flagACK, nil, 0)
	}
	return f, err
}

// segment writes one packet with n bytes, of which data was captured.
func (c *Capture) segment(t time.Time, src, dst netip.AddrPort, f *flow, flags byte, data []byte, n int) error {
	h := binary.BigEndian.AppendUint16(nil, src.Port())
	h = binary.BigEndian.AppendUint16(h, dst.Port())
	h = binary.BigEndian.AppendUint32(h, f.seq)
	ack := f.back.seq
	if flags&flagACK == 0 {
		ack = 0
	}
	h = binary.BigEndian.AppendUint32(h, ack)
	h = append(h, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	f.seq += uint32(n)
	if flags&flagSYN != 0 {
		f.seq++
	}
	return c.packet(t, src.Addr(), dst.Addr(), protoTCP, h, data, n)
}

// UDP writes a datagram. Data that do not fit in one are cut.
func (c *Capture) UDP(t time.Time, src, dst netip.AddrPort, data []byte) error {
	data = data[:min(len(data), 65535-48)]
	h := binary.BigEndian.AppendUint16(nil, src.Port())
	h = binary.BigEndian.AppendUint16(h, dst.Port())
	h = binary.BigEndian.AppendUint16(h, uint16(8+len(data)))
	h = append(h, 0, 0) // no checksum, as IPv4 allows and readers forgive in IPv6
	return c.packet(t, src.Addr(), dst.Addr(), protoUDP, h, data, len(data))
}

// packet writes an IP packet with header h and n bytes, of which data was
// captured.
func (c *Capture) packet(t time.Time, src, dst netip.Addr, proto byte, h, data []byte, n int) error {
	src, dst = src.Unmap(), dst.Unmap()
	if src.Is4() != dst.Is4() {
		return errFamily
	}
	var ip []byte
	if src.Is4() {
		c.id++
		ip = c.ipv4(src, dst, proto, len(h)+n)
	} else {
		ip = []byte{6 << 4, 0, 0, 0}
		ip = binary.BigEndian.AppendUint16(ip, uint16(len(h)+n))
		ip = append(ip, proto, 64)
		ip = append(append(ip, src.AsSlice()...), dst.AsSlice()...)
	}
	kept, full := len(ip)+len(h)+len(data), len(ip)+len(h)+n
	b := binary.LittleEndian.AppendUint32(nil, uint32(t.Unix()))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Nanosecond()))
	b = binary.LittleEndian.AppendUint32(b, uint32(kept))
	b = binary.LittleEndian.AppendUint32(b, uint32(full))
	b = append(append(append(b, ip...), h...), data...)
	_, err := c.w.Write(b)
	return err
}

func (c *Capture) ipv4(src, dst netip.Addr, proto byte, n int) []byte {
	ip := []byte{4<<4 | 5, 0}
	ip = binary.BigEndian.AppendUint16(ip, uint16(20+n))
	ip = binary.BigEndian.AppendUint16(ip, c.id)
	ip = append(ip, 0x40, 0, 64, proto, 0, 0) // do not fragment; the checksum follows
	ip = append(append(ip, src.AsSlice()...), dst.AsSlice()...)
	sum := uint32(0)
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum))
	return ip
}
