package msrp

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// outgoing is a message being sent.
type outgoing struct {
	s   *Session
	c   *conn
	m   Message
	r   *Receipt
	off int64 // bytes written

	begun bool // something has been written
	told  bool // Queued was called

	outTarget

	mu      sync.Mutex
	places  *place // of chunks that wait for their answers
	err     error
	changed chan struct{} // holds a token when something changed
	result  chan written  // of the chunk being written
	dead    atomic.Bool   // err is set
}

// outTarget is what the peer's SDP says, when the message begins.
type outTarget struct {
	to     Path
	toPath string // the same as it goes on the wire
	most   int64  // bytes the peer accepts; 0: any number
}

// chunkPool holds chunk buffers of the default size, smallChunkPool those for
// short messages. The byte beyond a chunk reports whether it is the last.
var (
	chunkPool      = sync.Pool{New: func() any { b := make([]byte, DefaultChunkSize+1); return &b }}
	smallChunkPool = sync.Pool{New: func() any { b := make([]byte, smallChunk+1); return &b }}
)

func (o *outgoing) sendMessage(ctx context.Context) error {
	size := o.s.cfg.chunkSize(o.to)
	if o.m.Size >= 0 && o.m.Size < int64(size) {
		size = int(o.m.Size)
	}
	if size > smallChunk {
		if err := o.awaitMemory(ctx, int64(size)); err != nil {
			return err
		}
		defer o.s.memory().Give(int64(size))
	}
	var buf []byte
	if size <= DefaultChunkSize {
		pool := &chunkPool
		if size <= smallChunk {
			pool = &smallChunkPool
		}
		pooled := pool.Get().(*[]byte)
		buf = (*pooled)[:size+1]
		defer func() {
			// After an error the writer may still be busy with it.
			if !o.dead.Load() && ctx.Err() == nil {
				pool.Put(pooled)
			}
		}()
	} else {
		buf = make([]byte, size+1)
	}
	err := o.sendChunks(ctx, buf)
	if err == nil {
		err = o.awaitAnswers(ctx)
	}
	if err != nil {
		o.setFailure(err)
		o.freePlaces()
	}
	return err
}

// awaitMemory takes n bytes of the budget, as soon as they are there.
func (o *outgoing) awaitMemory(ctx context.Context, n int64) error {
	mem := o.s.memory()
	if mem.Take(n) {
		return nil
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(o.s.ctx, cancel)() // the session's end
	if err := mem.Wait(waiting, n); err != nil {
		return cmp.Or(ctx.Err(), o.s.Err(), err)
	}
	return nil
}

// freePlaces gives back the places of a message that has failed: the answers
// that are outstanding no longer matter, and may never arrive.
func (o *outgoing) freePlaces() {
	o.mu.Lock()
	var all []*place
	for p := o.places; p != nil; p = p.next {
		all = append(all, p)
	}
	o.mu.Unlock()
	for _, p := range all {
		p.free()
	}
}

// sendChunks reads the body and sends it.
func (o *outgoing) sendChunks(ctx context.Context, buf []byte) error {
	carry := 0 // bytes already at the start of buf
	size := len(buf) - 1
	for {
		n, err := io.ReadFull(o.m.Body, buf[carry:])
		n += carry
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			o.abort()
			return fmt.Errorf("msrp: reading the body: %w", err)
		}
		if !last {
			n = size
		}
		if o.m.Size >= 0 && (o.off+int64(n) > o.m.Size || !last && o.off+int64(n) == o.m.Size ||
			last && o.off+int64(n) < o.m.Size) {
			o.abort()
			return ErrBodySize
		}
		if o.most > 0 && o.off+int64(n) > o.most {
			o.abort()
			return &NotAcceptedError{MaxSize: o.most} // [RFC4975-8.6-4]
		}
		if err := o.sendPiece(ctx, buf[:n], last); err != nil {
			return err
		}
		if last {
			o.queued() // if it was too long to be reported sooner
			return nil
		}
		buf[0] = buf[size]
		carry = 1
	}
}

// queued calls Message.Queued: no message whose Send begins from now on is written before
// this one.
func (o *outgoing) queued() {
	if o.m.Queued != nil && !o.told {
		o.told = true
		o.m.Queued()
	}
}

// sendPiece sends b as one chunk, or as several if the writer interrupts it.
func (o *outgoing) sendPiece(ctx context.Context, b []byte, last bool) error {
	for {
		if err := o.acquirePlace(ctx); err != nil {
			o.abort()
			return err
		}
		w, err := o.sendChunk(ctx, b, last)
		if err != nil {
			if err == errCut {
				o.dead.Store(true) // the writer ends the chunk with '#', if it can
				o.begun = true
			}
			if err == errCut || err == errCancelled {
				o.abort()
				err = ctx.Err()
			}
			return err
		}
		o.off += int64(w.n)
		o.begun = true
		o.r.sentChunk(o.off-int64(w.n), o.off)
		if w.flag == flagAbort {
			return o.failure()
		}
		if w.n == len(b) {
			return nil
		}
		b = b[w.n:]
	}
}

// acquirePlace waits for a place in the window.
func (o *outgoing) acquirePlace(ctx context.Context) error {
	if err := o.failure(); err != nil {
		return err
	}
	if ctx.Err() != nil || o.m.FailureReport != FailureYes {
		return ctx.Err()
	}
	for {
		select {
		case o.s.window <- struct{}{}:
			if err := o.failure(); err != nil {
				<-o.s.window
				return err
			}
			return nil
		case <-o.changed:
			if err := o.failure(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-o.c.stop:
			return lost(o.c.reason())
		case <-o.s.done:
			return o.s.Err()
		}
	}
}

func (o *outgoing) sendChunk(ctx context.Context, b []byte, last bool) (written, error) {
	tid := transactionIDFor(b, newTransactionID)
	place := &place{o: o}
	f := &place.frame
	*f = outFrame{tid: tid, body: b, hasBody: o.m.ContentType != "", flag: flagMore, of: o, result: o.result}
	if last {
		f.flag = flagLast
	}
	f.yields = len(b) > interruptible                            // [RFC4975-5.1-1]
	f.head = o.chunkHead(tid, len(b), last, f.yields, f.hasBody) // [RFC4975-7.1.1-8]
	if o.m.FailureReport != FailureNo {
		if o.m.FailureReport == FailureYes {
			place.occupy()
		}
		place.t = transaction{tid: tid, place: place}
		f.t = &place.t
	}
	w, err := o.c.writeAndWait(f, ctx.Done())
	if err != nil && err != errCut {
		place.free()
	}
	return w, err
}

// transactionIDFor makes ids until one does not occur in the body
// [RFC4975-7.1-3].
func transactionIDFor(body []byte, make func() string) string {
	for {
		if tid := make(); !bytes.Contains(body, []byte(tid)) {
			return tid
		}
	}
}

func (o *outgoing) chunkHead(tid string, n int, last, yields, hasBody bool) []byte {
	r := byteRange{o.off + 1, o.off + int64(n), o.m.Size}
	if o.m.Size < 0 && last {
		r.total = r.end
	}
	if yields {
		r.end = -1 // [RFC4975-7.1.1-2]
	}
	b := make([]byte, 0, 256+len(o.toPath)+len(o.s.from))
	b = appendRequest(b, tid, "SEND", o.toPath, o.s.from)
	b = appendField(b, hdrMessageID, o.m.MessageID) // [RFC4975-7.1.1-6]
	b = o.m.appendReports(b)
	b = appendRange(b, r)
	for _, f := range o.m.Header {
		if !isMIME(f.Name) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	if !hasBody {
		return b // MIME headers go with a body only [RFC4975-7.1-4]
	}
	for _, f := range o.m.Header {
		if isMIME(f.Name) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	return appendField(b, hdrContentType, o.m.ContentType) // the last one [RFC4975-7.1-5]
}

// failByReport takes a failure report: it means what a response means
// [RFC4975-7.3.2-1].
func (o *outgoing) failByReport(se *StatusError) {
	o.setFailure(se)
	o.wake()
}

func (o *outgoing) wake() {
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

func (o *outgoing) setFailure(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.dead.Store(true)
	o.r.failWith(o.err)
}

func (o *outgoing) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// awaitAnswers waits until all chunks are answered.
func (o *outgoing) awaitAnswers(ctx context.Context) error {
	for {
		o.mu.Lock()
		err, all := o.err, o.places == nil
		o.mu.Unlock()
		if err != nil {
			return err
		}
		if all {
			return nil
		}
		select {
		case <-o.changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-o.s.done:
			return o.s.Err()
		}
	}
}

// abort tells the peer that the rest of a message begun will not come. The
// peer need not have answered for it to be sent. See RFC 4975, section 7.1.
func (o *outgoing) abort() {
	var refused *StatusError
	if !o.begun || errors.As(o.failure(), &refused) {
		return // or the peer has given it up already
	}
	tid := newTransactionID()
	head := o.chunkHead(tid, 0, false, true, false)
	select {
	case o.c.ctl <- &outFrame{tid: tid, head: head, flag: flagAbort}:
		o.c.kick()
	default: // the peer takes nothing; it will find out
	}
}
