package msrp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// readMode says what a read of the connection waits for, which decides its deadline.
type readMode uint8

const (
	readIdle readMode = iota // between frames
	readHead                 // in the middle of a start-line or header
	readBody                 // in the middle of a body
)

// frameReader takes frames from a stream. Its buffer is bounded, whatever
// the peer sends: heads are limited, bodies handed on in pieces.
type frameReader struct {
	r     io.Reader
	buf   []byte
	pos   int // first byte not yet taken
	end   int // first free byte
	mode  readMode
	small []byte  // what buf is when large is nil
	large *[]byte // from readPool
	trace bool
	mem   *Budget // for large; nil: no limit

	// of the frame whose body is being read
	pattern []byte // CRLF, seven dashes, transaction id
	skip    int    // 2 while the blank line before the body is still in the buffer
	took    int    // bytes handed out that are to be dropped from the buffer

	f frame // handed out by next
	lastFrame
}

// lastFrame is what most frames repeat from the one before.
type lastFrame struct {
	lastType                 string // Content-Type
	lastTo, lastFrom         string // the paths last parsed, as most frames repeat them
	lastToPath, lastFromPath Path
	lastTarget, lastHop      string // their first URIs
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: r, buf: make([]byte, readBufferMin)}
}

// fill reads more into the buffer; at least one byte, or an error.
func (fr *frameReader) fill() error {
	if fr.pos == fr.end {
		fr.pos, fr.end = 0, 0
		if fr.mode == readIdle && len(fr.buf) > readBufferMin {
			fr.shrink()
		}
	}
	if fr.end == len(fr.buf) {
		if fr.pos > 0 {
			fr.end = copy(fr.buf, fr.buf[fr.pos:fr.end])
			fr.pos = 0
		} else {
			if len(fr.buf) >= readBufferMax {
				return errors.New("msrp: read buffer full")
			}
			if !fr.grow() {
				return errors.New("msrp: no memory for a longer line")
			}
		}
	}
	for range 100 {
		n, err := fr.r.Read(fr.buf[fr.end:])
		fr.end += n
		if n > 0 {
			if fr.end == len(fr.buf) && len(fr.buf) < readBufferMax {
				fr.grow() // or else it goes on with the small one
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// readPool holds large read buffers. A connection takes one when its small
// one is full, and gives it back when it has read all that has arrived.
var readPool = sync.Pool{New: func() any { b := make([]byte, readBufferMax); return &b }}

// grow takes a large buffer in place of the small one, if there is memory for it.
func (fr *frameReader) grow() bool {
	if !fr.mem.Take(readBufferMax) {
		return false
	}
	fr.large = readPool.Get().(*[]byte)
	fr.end = copy(*fr.large, fr.buf[fr.pos:fr.end])
	fr.pos = 0
	fr.small, fr.buf = fr.buf, *fr.large
	return true
}

func (fr *frameReader) shrink() {
	readPool.Put(fr.large)
	fr.buf, fr.small, fr.large = fr.small, nil, nil
	fr.mem.Give(readBufferMax)
}

// close gives the large buffer back; nothing is read any more.
func (fr *frameReader) close() {
	if fr.large != nil {
		fr.shrink()
	}
}

// readLine takes one line without its CRLF. The slice is valid until the next call.
func (fr *frameReader) readLine() ([]byte, error) {
	scanned := 0
	for {
		b := fr.buf[fr.pos:fr.end]
		if i := bytes.IndexByte(b[scanned:], '\n'); i >= 0 {
			i += scanned
			if i > MaxHeaderLine+1 {
				return nil, syntaxErr("line", MaxHeaderLine, "too long")
			}
			if i == 0 || b[i-1] != '\r' {
				return nil, syntaxErr("line", i, "LF without CR")
			}
			fr.pos += i + 1
			return b[:i-1], nil
		}
		scanned = len(b)
		if scanned > MaxHeaderLine+1 {
			return nil, syntaxErr("line", MaxHeaderLine, "too long")
		}
		if err := fr.fill(); err != nil {
			return nil, err
		}
	}
}

// nextFrame takes the head of the next frame, which is valid until the next call.
// io.EOF means that the stream ended between two frames. The body of the
// frame before must have been read.
func (fr *frameReader) nextFrame() (*frame, error) {
	fr.mode = readIdle
	if fr.pos == fr.end {
		if err := fr.fill(); err != nil {
			return nil, err
		}
	}
	fr.mode = readHead
	f, err := fr.readHead()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return f, err
}

func (fr *frameReader) readHead() (*frame, error) {
	b, err := fr.readLine()
	if err != nil {
		return nil, err
	}
	fr.f = frame{}
	f := &fr.f
	if fr.trace {
		f.raw = append(append(f.raw, b...), '\r', '\n')
	}
	f.size = len(b) + 2
	if err := f.startLine(b); err != nil {
		return nil, err
	}
	var toRaw, fromRaw string
	for n := 0; ; n++ {
		b, err := fr.readLine()
		if err != nil {
			return nil, err
		}
		if f.size += len(b) + 2; f.size > MaxHead {
			return nil, syntaxErr("headers", MaxHead, "too long")
		}
		if flag, ok := endLine(b, f.tid); ok {
			f.flag = flag
			break
		}
		if fr.trace {
			f.raw = append(append(f.raw, b...), '\r', '\n')
		}
		if len(b) == 0 {
			f.hasBody = true
			fr.startBody(f)
			break
		}
		if n == MaxHeaders {
			return nil, syntaxErr("headers", f.size, "too many")
		}
		if err := fr.addHeader(b, &toRaw, &fromRaw); err != nil {
			return nil, err
		}
	}
	fr.readPaths(f, toRaw, fromRaw)
	return f, nil
}

func (fr *frameReader) addHeader(b []byte, toRaw, fromRaw *string) error {
	f := &fr.f
	i := bytes.IndexByte(b, ':')
	if i <= 0 || !isToken(b[:i]) {
		return syntaxErr("header", f.size, "no name before a colon")
	}
	value := trimBlanks(b[i+1:])
	if j := bytes.IndexByte(value, 0); j >= 0 {
		return syntaxErr("header", f.size, "NUL in a value")
	}
	name := canonicalName(b[:i])
	switch name {
	case hdrToPath:
		*toRaw = again(value, fr.lastTo)
	case hdrFromPath:
		*fromRaw = again(value, fr.lastFrom)
	case hdrMessageID:
		f.messageID = string(value)
		if !validMessageID(f.messageID) {
			f.bad = name
		}
	case hdrByteRange:
		var err error
		f.rng, err = parseByteRange(string(value))
		f.hasRange = true
		f.noteError(name, err)
	case hdrSuccessReport:
		f.successReport = strings.EqualFold(string(value), "yes")
	case hdrFailureReport:
		var err error
		f.failureReport, err = parseFailureReport(string(value))
		f.noteError(name, err)
	case hdrContentType:
		fr.lastType = again(value, fr.lastType)
		f.contentType = fr.lastType
	case hdrStatus:
		f.status = string(value)
	default:
		f.header = append(f.header, Field{name, string(value)}) // [RFC4975-12-2]
	}
	return nil
}

// again gives the value as a string: the one of the frame before, if it is the
// same.
func again(value []byte, last string) string {
	if string(value) == last {
		return last
	}
	return string(value)
}

// readPaths parses To-Path and From-Path, or takes the last ones again.
func (fr *frameReader) readPaths(f *frame, to, from string) {
	if to != fr.lastTo || fr.lastToPath == nil {
		p, err := ParsePath(to)
		if err != nil {
			f.pathErr = fmt.Errorf("%s: %w", hdrToPath, err)
			return
		}
		fr.lastTo, fr.lastToPath, fr.lastTarget = to, p, p[0].String()
	}
	f.to, f.target = fr.lastToPath, fr.lastTarget
	if from != fr.lastFrom || fr.lastFromPath == nil {
		p, err := ParsePath(from)
		if err != nil {
			f.pathErr = fmt.Errorf("%s: %w", hdrFromPath, err)
			return
		}
		fr.lastFrom, fr.lastFromPath, fr.lastHop = from, p, p[0].String()
	}
	f.from, f.hop = fr.lastFromPath, fr.lastHop
}

// startBody makes ready for body. The blank line's CRLF goes back into the
// buffer, so that an end-line directly behind it is found like any other.
func (fr *frameReader) startBody(f *frame) {
	fr.pos -= 2
	fr.skip = 2
	fr.took = 0
	fr.pattern = append(append(append(fr.pattern[:0], "\r\n"...), dashes...), f.tid...)
	fr.mode = readBody
}

// nextPiece gives the next piece of the body; it is valid until the next call. At
// the end-line of this frame it gives io.EOF, and f.flag is set.
func (fr *frameReader) nextPiece(f *frame) ([]byte, error) {
	fr.pos += fr.took
	fr.took = 0
	for {
		b := fr.buf[fr.pos:fr.end]
		n, done := fr.findEnd(b, f)
		if done {
			fr.pos += n
			f.size += n
			return nil, io.EOF
		}
		// The blank line is dropped once it is known not to start the end-line.
		if n >= fr.skip && n > 0 {
			piece := b[fr.skip:n]
			fr.took = n
			f.size += len(piece)
			fr.skip = 0
			if len(piece) > 0 {
				return piece, nil
			}
			fr.pos += fr.took
			fr.took = 0
			continue
		}
		if err := fr.fill(); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// findEnd looks for the end-line in b. It gives the number of bytes that are
// surely body; or, if the end-line stands whole at the start of b, done and
// its length.
func (fr *frameReader) findEnd(b []byte, f *frame) (n int, done bool) {
	from := 0
	for {
		i := bytes.Index(b[from:], fr.pattern)
		if i < 0 {
			return len(b) - partial(b[from:], fr.pattern), false
		}
		i += from
		tail := b[i+len(fr.pattern):]
		switch {
		case len(tail) > 0 && !isFlag(tail[0]),
			len(tail) > 1 && tail[1] != '\r',
			len(tail) > 2 && tail[2] != '\n':
			from = i + 2 // looks like it, but belongs to the body
		case len(tail) < 3:
			return i, false
		case i > 0:
			return i, false
		default:
			f.flag = tail[0]
			if fr.skip > 0 {
				f.direct = true
				f.size -= fr.skip // was counted with the head
				fr.skip = 0
			}
			return len(fr.pattern) + 3, true
		}
	}
}

// partial gives the length of the longest end of b that pattern starts with.
func partial(b, pattern []byte) int {
	tail := b[max(0, len(b)-len(pattern)+1):]
	for {
		i := bytes.IndexByte(tail, '\r')
		if i < 0 {
			return 0
		}
		tail = tail[i:]
		if bytes.HasPrefix(pattern, tail) {
			return len(tail)
		}
		tail = tail[1:]
	}
}
