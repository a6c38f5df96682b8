package msrp

import "sync"

// pipePool holds what handlers read from.
var pipePool = sync.Pool{New: func() any { b := make([]byte, 0, pipeMin); return &b }}

// pipe holds the bytes of a message that wait for its handler. It has a buffer
// from when the first of them comes.
type pipe struct {
	box    *[]byte // what buf is taken from, see pipePool
	buf    []byte  // buf[unread:] waits
	unread int
	lent   int // bytes more that are being written, see lend
}

func (p *pipe) empty() bool { return p.unread == len(p.buf) }

// size counts the bytes held, those lent too.
func (p *pipe) size() int { return len(p.buf) - p.unread + p.lent }

// put adds b. The buffer grows up to limit, if the bytes held need no more.
func (p *pipe) put(b []byte, limit int) {
	if p.box == nil {
		p.box = pipePool.Get().(*[]byte)
		p.buf, p.unread = (*p.box)[:0], 0
	}
	if p.unread > 0 && len(p.buf)+len(b) > cap(p.buf) {
		p.buf = p.buf[:copy(p.buf, p.buf[p.unread:])]
		p.unread = 0
	}
	if need := len(p.buf) + len(b); need > cap(p.buf) {
		grown := make([]byte, len(p.buf), max(need, min(4*cap(p.buf), limit)))
		copy(grown, p.buf)
		p.buf = grown
	}
	p.buf = append(p.buf, b...)
}

// get copies bytes out.
func (p *pipe) get(b []byte) int {
	n := copy(b, p.buf[p.unread:])
	p.unread += n
	if p.empty() {
		p.buf, p.unread = p.buf[:0], 0
	}
	return n
}

// lend hands out the buffer with all that is in it: what comes meanwhile goes
// into another. The bytes count as held until settle.
func (p *pipe) lend() pipe {
	l := *p
	*p = pipe{lent: l.size()}
	return l
}

// settle takes the buffer of lend back, of which n bytes are gone.
func (p *pipe) settle(l pipe, n int) {
	l.unread += n
	p.lent = 0
	switch {
	case !l.empty(): // what could not be written goes in front again
		l.buf = append(l.buf, p.buf[p.unread:]...)
		p.drop()
		*p = l
	case p.box == nil:
		*p = pipe{box: l.box, buf: l.buf[:0]}
	default:
		l.drop()
	}
}

// drop gives the buffer back, with what is in it.
func (p *pipe) drop() {
	if p.box != nil && cap(p.buf) <= DefaultPipeSize {
		*p.box = p.buf[:0]
		pipePool.Put(p.box)
	}
	*p = pipe{lent: p.lent}
}
