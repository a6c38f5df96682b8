package msrp

import (
	"bufio"
	"runtime"
	"sync"
	"time"
)

// outFrame is one request or response to be written.
type outFrame struct {
	tid     string
	head    []byte // start-line and headers
	body    []byte
	hasBody bool
	flag    byte

	t       *transaction // nil if no response is awaited
	yields  bool         // may be interrupted
	dropped func() bool  // tells a chunk being written that it is to be aborted
	result  chan written // gets one value once written; nil in responses and reports
}

// written tells how far a frame came.
type written struct {
	n    int  // body bytes written
	flag byte // of the end-line written: '+' instead of '$' if interrupted
	err  error
}

// bufferPool holds write buffers, which a connection has only while writing.
var bufferPool = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeBufferSize) }}

// connWriter gives every write a deadline.
type connWriter struct{ c *conn }

func (w connWriter) Write(p []byte) (int, error) {
	w.c.nc.SetWriteDeadline(time.Now().Add(w.c.cfg.WriteTimeout))
	return w.c.nc.Write(p)
}

func (c *conn) writeLoop() {
	defer c.loops.Done()
	defer close(c.written)
	for {
		f := c.nextFrame()
		if f == nil {
			return
		}
		if err := c.writeBatch(f); err != nil {
			c.fail(lost(err))
			return
		}
	}
}

// nextFrame waits for something to write; nil means that the connection is
// to end. Responses go before chunks.
func (c *conn) nextFrame() *outFrame {
	select {
	case f := <-c.ctl:
		return f
	default:
	}
	select {
	case f := <-c.ctl:
		return f
	case f := <-c.data:
		return f
	case <-c.stop:
		return nil
	case <-c.drain:
		select {
		case f := <-c.ctl:
			return f
		default:
		}
		if tc, ok := c.nc.(interface{ CloseWrite() error }); ok && tc.CloseWrite() == nil {
			// The reader ends the connection when the peer does, or soon.
			// Until then it reads on, as closing with bytes unread would
			// make TCP drop what we wrote last.
			c.linger.Reset(readLinger)
			return nil
		}
		c.fail(ErrClosed)
		return nil
	}
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

// readyFrame takes what is there to be written, responses first.
func (c *conn) readyFrame() *outFrame {
	select {
	case f := <-c.ctl:
		return f
	default:
	}
	select {
	case f := <-c.data:
		return f
	default:
		return nil
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
	var end [64]byte
	tail := appendEndLine(end[:0], f.tid, w.flag)
	if _, err := bw.Write(tail); err != nil {
		w.err = err
	}
	if c.cfg.Trace != nil {
		c.traceSent(f, w, tail)
	}
	if f.t != nil && w.err == nil {
		c.sent(f.t)
	}
	if f.result != nil {
		f.result <- w
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
		if f.dropped != nil && f.dropped() {
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
		} else if c.waiting.Load() > 0 && time.Since(begun) > interruptAfter {
			return n, flagMore, nil
		}
	}
}

// write hands a frame to the writer and waits until it is written. With
// errCancelled nothing of it was, with errCut the writer is still busy with it;
// any other error means that the connection is gone.
func (c *conn) write(f *outFrame, cancelled <-chan struct{}) (written, error) {
	f.result = make(chan written, 1)
	if f.t != nil {
		if err := c.begin(f.t); err != nil {
			return written{}, err
		}
	}
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
	select {
	case c.data <- f:
	case <-cancelled:
		c.unregister(f)
		return written{}, errCancelled
	case <-c.stop:
		c.unregister(f)
		return written{}, lost(c.reason())
	case <-c.drain:
		c.unregister(f)
		return written{}, ErrClosed
	}
	select {
	case w := <-f.result:
		return w, w.err
	case <-cancelled:
		return written{}, errCut
	case <-c.stop:
		return written{}, lost(c.reason())
	}
}

func (c *conn) unregister(f *outFrame) {
	if f.t != nil {
		c.take(f.t.tid)
	}
}

// reason is why the connection ended.
func (c *conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// control queues a response or report. It waits while the queue is full.
func (c *conn) control(f *outFrame) {
	select {
	case c.ctl <- f:
	case <-c.stop:
	}
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
	c.trace(true, raw, size)
}

func (c *conn) trace(sent bool, raw []byte, size int) {
	c.cfg.Trace(TraceEvent{
		Time: time.Now(), Sent: sent,
		Local: c.nc.LocalAddr(), Remote: c.nc.RemoteAddr(),
		Raw: raw, Size: size,
	})
}
