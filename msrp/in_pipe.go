package msrp

import "sync"

// pipeSizes are the sizes of the buffers that handlers read from, but for a Config.PipeSize
// beyond them. pipePools hold them.
var (
	pipeSizes = [...]int{pipeMin, 16 << 10, DefaultPipeSize}
	pipePools [len(pipeSizes)]sync.Pool
)

// pipeSize is the size of the buffer for n bytes, of limit at the most.
func pipeSize(n, limit int) int {
	for _, size := range pipeSizes {
		if n <= size {
			return max(min(size, limit), n)
		}
	}
	return max(limit, n)
}

// nextPipeSize is the next smaller size, 0 of the smallest.
func nextPipeSize(size int) int {
	next := 0
	for _, s := range pipeSizes {
		if s < size {
			next = s
		}
	}
	return next
}

// newPipeBuffer gives an empty buffer of pipeSize. It may be one of the next size, if limit
// is between.
func newPipeBuffer(n, limit int) *[]byte {
	size := pipeSize(n, limit)
	for i, s := range pipeSizes {
		if size > s {
			continue
		}
		if b, ok := pipePools[i].Get().(*[]byte); ok {
			return b
		}
		size = s
		break
	}
	b := make([]byte, 0, size)
	return &b
}

func freePipeBuffer(b *[]byte) {
	for i, s := range pipeSizes {
		if cap(*b) == s {
			*b = (*b)[:0]
			pipePools[i].Put(b)
			return
		}
	}
}

// pipe holds the bytes of a message that wait for its handler. It has a buffer
// as soon as there is one.
type pipe struct {
	pooled *[]byte // the array of buf, from newPipeBuffer
	buf    []byte  // buf[unread:] waits
	unread int
	lent   int // bytes more that are being written, see lend
}

func (p *pipe) empty() bool { return p.unread == len(p.buf) }

// size counts the bytes held, those lent too.
func (p *pipe) size() int { return len(p.buf) - p.unread + p.lent }

// append adds b. The buffer grows up to limit, if the bytes held need no more.
func (p *pipe) append(b []byte, limit int) {
	if p.pooled == nil {
		p.pooled = newPipeBuffer(len(b), limit)
		p.buf, p.unread = *p.pooled, 0
	}
	if p.unread > 0 && len(p.buf)+len(b) > cap(p.buf) {
		p.buf = p.buf[:copy(p.buf, p.buf[p.unread:])]
		p.unread = 0
	}
	if need := len(p.buf) + len(b); need > cap(p.buf) {
		box := newPipeBuffer(need, limit)
		grown := append(*box, p.buf...)
		p.freeBuffer()
		p.pooled, p.buf = box, grown
	}
	p.buf = append(p.buf, b...)
}

// copyOut copies bytes out.
func (p *pipe) copyOut(b []byte) int {
	n := copy(b, p.buf[p.unread:])
	p.unread += n
	if p.empty() {
		p.buf, p.unread = p.buf[:0], 0
	}
	return n
}

// lend hands out the buffer with all that is in it; bytes that arrive meanwhile are put
// into another. The bytes count as held until takeBack.
func (p *pipe) lend() pipe {
	l := *p
	*p = pipe{lent: l.size()}
	return l
}

// takeBack takes the buffer of lend back, of which n bytes are gone.
func (p *pipe) takeBack(l pipe, n int) {
	l.unread += n
	p.lent = 0
	switch {
	case !l.empty(): // what could not be written is put back in front
		l.buf = append(l.buf, p.buf[p.unread:]...)
		p.discard()
		*p = l
	case p.pooled == nil:
		*p = pipe{pooled: l.pooled, buf: l.buf[:0]}
	default:
		l.discard()
	}
}

// discard gives the buffer back, with what is in it.
func (p *pipe) discard() {
	p.freeBuffer()
	*p = pipe{lent: p.lent}
}

// freeBuffer hands the buffer on to others; p.buf must not be used any more.
func (p *pipe) freeBuffer() {
	if p.pooled != nil {
		freePipeBuffer(p.pooled)
		p.pooled = nil
	}
}
