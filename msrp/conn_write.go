package msrp

import (
	"bufio"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// outFrame is one request or response to be written.
type outFrame struct {
	tid     string
	head    []byte // start-line and headers
	body    []byte
	hasBody bool
	flag    byte

	t      *transaction // nil if no response is awaited
	yields bool         // may be interrupted
	of     *outgoing    // the message a chunk belongs to, which may be given up meanwhile
	result chan written // gets one value once written; nil in responses and reports
	pooled bool         // goes back to controlPool
	taken  atomic.Bool  // of a chunk: the writer has it, or its sender has taken it back
}

// controlPool holds responses, with room for their heads.
var controlPool = sync.Pool{New: func() any { return &outFrame{head: make([]byte, 0, 256)} }}

// written says how much of a frame was written.
type written struct {
	n    int  // body bytes written
	flag byte // of the end-line written: '+' instead of '$' if interrupted
	err  error
}

// bufferPool holds write buffers, which a connection has only while writing.
var bufferPool = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeBufferSize) }}

// connWriter gives every write a deadline, of an eighth less than
// WriteTimeout at the least.
type connWriter struct{ c *conn }

func (w connWriter) Write(p []byte) (int, error) {
	c, limit := w.c, w.c.cfg.WriteTimeout
	if now := time.Now(); c.writeBy.Sub(now) < limit-limit/8 {
		c.writeBy = now.Add(limit)
		c.nc.SetWriteDeadline(c.writeBy)
	}
	return c.nc.Write(p)
}

// kick starts the writer if it is at rest. A connection with nothing to write
// has no such goroutine, as idle sessions are many.
func (c *conn) kick() {
	if !c.writing.CompareAndSwap(false, true) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.loops.Add(1)
		go c.writeLoop()
	}
}

func (c *conn) writeLoop() {
	defer c.loops.Done()
	for {
		f := c.nextFrame()
		if f == nil {
			return
		}
		if err := c.writeBatch(f); err != nil {
			c.close(lost(err))
			return
		}
	}
}

// nextFrame gives the next thing to write; nil means that the writer is to
// end. Responses are written before chunks.
func (c *conn) nextFrame() *outFrame {
	for {
		if f := c.readyFrame(); f != nil {
			return f
		}
		if c.offered.Load() > 0 { // somebody is about to hand over a chunk
			select {
			case f := <-c.ctl:
				return f
			case f := <-c.data:
				c.next = f // behind the responses that are there by now
				continue
			case <-c.drain:
				runtime.Gosched() // they are about to see it too
				continue
			case <-c.stop:
				return nil
			}
		}
		select {
		case <-c.stop:
			return nil
		case <-c.drain:
			c.finishWriting()
			return nil
		default:
		}
		c.writing.Store(false)
		if len(c.ctl) == 0 && c.offered.Load() == 0 && !c.drained() || !c.writing.CompareAndSwap(false, true) {
			return nil // the next frame starts another writer
		}
	}
}

func (c *conn) drained() bool {
	select {
	case <-c.drain:
		return true
	default:
		return false
	}
}

// finishWriting follows the last frame of a connection that is to end. The writer
// is never started again.
func (c *conn) finishWriting() {
	close(c.written)
	if tc, ok := c.nc.(interface{ CloseWrite() error }); ok && tc.CloseWrite() == nil {
		// The reader ends the connection when the peer does, or soon. Until
		// then it reads on, as closing with bytes unread would make TCP drop
		// what we wrote last.
		c.linger.Reset(readLinger)
		return
	}
	c.close(ErrClosed)
}

// writeBatch writes f and all that is there to be written behind it.
func (c *conn) writeBatch(f *outFrame) error {
	bw := bufferPool.Get().(*bufio.Writer)
	bw.Reset(connWriter{c})
	defer func() {
		bw.Reset(nil)
		bufferPool.Put(bw)
	}()
	for f != nil {
		if err := c.writeFrame(bw, f); err != nil {
			return err
		}
		if f = c.readyFrame(); f == nil {
			// Those about to write get the chance to share this system call.
			runtime.Gosched()
			f = c.readyFrame()
		}
	}
	return bw.Flush()
}

// readyFrame takes what is there to be written, responses first. A chunk that
// was queued behind a response is never written before it: the responses are
// looked for once more when a chunk has been taken from its queue.
func (c *conn) readyFrame() *outFrame {
	for {
		select {
		case f := <-c.ctl:
			return f
		default:
		}
		if f := c.next; f != nil {
			c.next = nil
			c.offered.Add(-1)
			if f.taken.CompareAndSwap(false, true) {
				return f
			}
			continue
		}
		select {
		case c.next = <-c.data:
		default:
			return nil
		}
	}
}

func (c *conn) writeFrame(bw *bufio.Writer, f *outFrame) error {
	w := written{flag: f.flag}
	bw.Write(f.head)
	if f.hasBody {
		bw.WriteString("\r\n")
		w.n, w.flag, w.err = c.writeBody(bw, f) // [RFC4975-7.1-6]
		bw.WriteString("\r\n")
	}
	if _, err := bw.Write(appendEndLine(bw.AvailableBuffer(), f.tid, w.flag)); err != nil {
		w.err = lost(err)
	}
	if c.cfg.Trace != nil {
		c.traceSent(f, w, appendEndLine(nil, f.tid, w.flag))
	}
	if f.t != nil && w.err == nil {
		c.startTimer(f.t)
	}
	if f.result != nil {
		f.result <- w
	}
	if f.pooled {
		*f = outFrame{head: f.head[:0]}
		controlPool.Put(f)
	}
	return w.err
}

// writeBody writes a body in segments. Between two of them it gives way, by
// ending the chunk early: to responses and reports at once [RFC4975-7.1.1-4],
// to other chunks if it has had its time [RFC4975-7.1.1-5]; or it ends with
// '#' if the message was given up [RFC4975-10.5-1].
func (c *conn) writeBody(bw *bufio.Writer, f *outFrame) (int, byte, error) {
	n := 0
	var begun time.Time
	for {
		seg := f.body[n:min(n+bodySegment, len(f.body))]
		if _, err := bw.Write(seg); err != nil {
			return n, f.flag, err
		}
		n += len(seg)
		if n == len(f.body) {
			return n, f.flag, nil
		}
		if f.of != nil && f.of.dead.Load() {
			return n, flagAbort, nil
		}
		if !f.yields {
			continue
		}
		if len(c.ctl) > 0 {
			return n, flagMore, nil
		}
		if begun.IsZero() {
			begun = time.Now()
		} else if c.offered.Load() > 0 && time.Since(begun) > interruptAfter {
			return n, flagMore, nil
		}
	}
}

// writeAndWait hands a frame to the writer and waits until it is written. With
// errCancelled nothing of it was, with errCut the writer is still busy with it;
// any other error means that the connection is gone. Chunks are written in the
// order in which they were queued.
func (c *conn) writeAndWait(f *outFrame, cancelled <-chan struct{}) (written, error) {
	if f.result == nil {
		f.result = make(chan written, 1)
	}
	if f.t != nil {
		if err := c.registerTransaction(f.t); err != nil {
			return written{}, err
		}
	}
	c.offered.Add(1) // the writer takes it off again
	c.kick()
	select {
	case c.data <- f:
	case <-cancelled:
		c.unqueue(f)
		return written{}, errCancelled
	case <-c.stop:
		c.unqueue(f)
		return written{}, lost(c.reason())
	case <-c.drain:
		c.unqueue(f)
		return written{}, ErrClosed
	}
	if f.of != nil && f.flag == flagLast && len(f.body) <= bodySegment {
		f.of.queued() // a longer one may be cut, and its rest come later
	}
	select {
	case w := <-f.result:
		return w, w.err
	case <-cancelled:
		if !f.taken.CompareAndSwap(false, true) {
			select {
			case w := <-f.result: // both at once: it was written, and how much of it is known
				return w, w.err
			default:
				return written{}, errCut
			}
		}
		if f.t != nil {
			c.unregisterTransaction(f.t.tid)
		}
		return written{}, errCancelled
	case <-c.stop:
		return written{}, lost(c.reason())
	}
}

// unqueue takes back a frame that was not queued.
func (c *conn) unqueue(f *outFrame) {
	c.offered.Add(-1)
	if f.t != nil {
		c.unregisterTransaction(f.t.tid)
	}
}

// reason is why the connection ended.
func (c *conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// queueControl queues a response or report. It waits while the queue is full.
func (c *conn) queueControl(f *outFrame) {
	select {
	case c.ctl <- f:
		c.kick()
	case <-c.stop:
	}
}
