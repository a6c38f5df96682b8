package msrp

import (
	"net"
	"time"
)

// tracePiece keeps as much of a body as a trace wants.
func (c *conn) tracePiece(f *frame, p []byte) {
	f.bodySize += len(p)
	n := min(len(p), c.cfg.TraceBody-f.kept)
	f.raw = append(f.raw, p[:n]...)
	f.kept += n
}

func (c *conn) traceReceived(f *frame) {
	if c.cfg.Trace == nil {
		return
	}
	raw := f.raw
	if f.kept == f.bodySize {
		if f.hasBody && !f.direct {
			raw = append(raw, "\r\n"...)
		}
		raw = appendEndLine(raw, f.tid, f.flag)
	}
	c.traceFrame(false, raw, f.size)
	f.raw = nil
}

func (c *conn) traceSent(f *outFrame, w written, tail []byte) {
	raw := append([]byte(nil), f.head...)
	size := len(f.head) + len(tail)
	whole := true
	if f.hasBody {
		n := min(w.n, c.cfg.TraceBody)
		whole = n == w.n
		raw = append(append(raw, "\r\n"...), f.body[:n]...)
		if whole {
			raw = append(raw, "\r\n"...)
		}
		size += w.n + 4
	}
	if whole {
		raw = append(raw, tail...)
	}
	c.traceFrame(true, raw, size)
}

func (c *conn) traceFrame(sent bool, raw []byte, size int) {
	c.cfg.Trace(TraceEvent{
		Time: time.Now(), Sent: sent,
		Local: c.nc.LocalAddr(), Remote: c.nc.RemoteAddr(),
		Raw: raw, Size: size,
	})
}

// TraceEvent is one request or response that was sent or received.
type TraceEvent struct {
	// Time is when the last byte was written or read.
	Time time.Time
	// Sent reports whether this side sent it.
	Sent bool
	// Local and Remote are the ends of the connection.
	Local, Remote net.Addr
	// Raw is the start-line and the headers, then the body, cut to Config.TraceBody bytes
	// and, if the body is not cut, the end-line.
	Raw []byte
	// Size is the size of the whole frame on the wire, in bytes.
	Size int
}
