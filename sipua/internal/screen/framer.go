package screen

import (
	"bytes"
	"errors"
	"fmt"
)

// Why a stream cannot be read any further.
var (
	ErrTooLong = errors.New("message too long")
	ErrNoSIP   = errors.New("the data is not SIP")
)

// A Framer finds the messages in a stream. Headers and bodies that are too large are
// skipped, so that the connection, which may carry the calls of many users, stays open.
type Framer struct {
	MaxHead    int // bytes of the headers, with the start line
	MaxBody    int // bytes of the body
	MaxSkipped int // bytes of headers, and of a body, that are skipped

	pending []byte // read, and not yet a whole message
	skip    skipper
	ended   bool // the headers that are skipped have ended, and Next has not returned their frame
	large   *Frame
}

// A Frame is a message, or what is kept of one that is too large.
type Frame struct {
	Raw  []byte // without its body if it is too large
	Code int    // 413 or 513 if the message is too large, else 0

	Head, Body int  // sizes of a message that is too large, in bytes
	Skippable  bool // its body ends within MaxSkipped
}

// Add takes the next bytes of the stream.
func (f *Framer) Add(b []byte) {
	b, f.ended = f.skip.over(b)
	f.pending = append(f.pending, b...)
}

// Between reports whether no message has begun and is incomplete.
func (f *Framer) Between() bool {
	return len(f.pending) == 0 && f.skip.body == 0 && f.skip.head == nil
}

// Next returns the next message, nil if more bytes are needed for it. The frame is valid
// until the next Add. An error means that no more can be read.
func (f *Framer) Next() (*Frame, error) {
	if large := f.large; large != nil {
		f.large = nil
		if !large.Skippable {
			return nil, fmt.Errorf("%w: a body of more than %d bytes", ErrTooLong, f.MaxSkipped)
		}
		f.skip = skipper{body: large.Body}
		f.pending, _ = f.skip.over(f.pending)
	}
	switch {
	case f.ended:
		f.ended = false
		return f.tooLarge(f.skip.head, 513), nil // [RFC3261-21.5.7]
	case f.skip.head != nil && f.skip.size > f.MaxSkipped:
		return nil, fmt.Errorf("%w: headers of more than %d bytes", ErrTooLong, f.MaxSkipped)
	}
	f.pending = bytes.TrimLeft(f.pending, "\r\n") // keep-alives between messages
	if head := bytes.Index(f.pending, []byte("\r\n\r\n")); head >= 0 {
		code := 513 // [RFC3261-21.5.7]
		if head+4 <= f.MaxHead {
			code = 413 // [RFC3261-21.4.11]
		}
		if length, ok := contentLength(f.pending[:head]); code == 513 || ok && length > f.MaxBody {
			frame := f.tooLarge(f.pending[:head], code)
			f.pending = f.pending[head+4:]
			return frame, nil
		}
	}
	if size := messageSize(f.pending); size > 0 {
		frame := &Frame{Raw: f.pending[:size]}
		f.pending = f.pending[size:]
		return frame, nil
	}
	return nil, f.checkRest()
}

// tooLarge makes the frame of a message that is too large. Its body is skipped by the next
// call of Next.
func (f *Framer) tooLarge(head []byte, code int) *Frame {
	length, known := contentLength(head)
	f.large = &Frame{Raw: withoutBody(head), Code: code, Head: len(head), Body: length, Skippable: known && length <= f.MaxSkipped}
	return f.large
}

// checkRest checks what remains when no message is complete, and begins to skip headers
// that are too long.
func (f *Framer) checkRest() error {
	if len(f.pending) == 0 {
		f.pending = nil
	}
	if !mayBeSIP(f.pending) {
		return ErrNoSIP
	}
	if len(f.pending) > f.MaxHead && !bytes.Contains(f.pending, []byte("\r\n\r\n")) {
		f.skip.begin(f.pending)
		f.pending = nil
	}
	return nil
}

// mayBeSIP reports whether b can be the beginning of a message: its first line is text
// and, if it is complete, names the protocol. Otherwise the connection would stay open
// until messageWait.
func mayBeSIP(b []byte) bool {
	line, _, whole := bytes.Cut(b, []byte("\r\n"))
	if !whole {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return !whole || bytes.Contains(bytes.ToUpper(line), []byte("SIP/"))
}

// messageSize is the size of the first message in b, 0 if it is not complete. A message
// without a valid Content-Length ends with its headers.
func messageSize(b []byte) int {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return 0
	}
	length, _ := contentLength(b[:head])
	if size := head + 4 + length; size <= len(b) {
		return size
	}
	return 0
}
