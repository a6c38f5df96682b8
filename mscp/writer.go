package mscp

import (
	"runtime"
	"sync"
	"time"
)

// A writer sends PDUs in the order of its calls. A lone PDU is written at once;
// those that come while another is being written, or while more are about to
// come, go out together, so that many requests share a call to the kernel.
type writer struct {
	k    *conn
	busy func() bool // tells whether more is to be written soon

	mu      sync.Mutex
	room    sync.Cond // signalled when queue or writing changes, and at the end
	queue   []byte    // PDUs that wait for flush
	spare   []byte    // an empty queue to come
	writing bool      // somebody writes to the connection
}

func newWriter(k *conn) *writer {
	w := &writer{k: k, busy: func() bool { return false }}
	w.room.L = &w.mu
	return w
}

// write sends p, or has it sent: after nil, the PDU is written or the channel
// ends. While MaxWriteQueue bytes wait, it waits.
func (w *writer) write(p *PDU) error {
	w.mu.Lock()
	for w.writing && len(w.queue) >= MaxWriteQueue && !w.k.ended() {
		w.room.Wait()
	}
	if w.k.ended() {
		w.mu.Unlock()
		return w.k.closedError()
	}
	before := len(w.queue)
	w.queue = p.append(w.queue)
	w.k.trace(true, w.queue[before:])
	if w.writing {
		w.mu.Unlock()
		return nil
	}
	w.writing = true
	var err error
	if !w.busy() {
		err = w.flushOnce()
	}
	if len(w.queue) > 0 && err == nil {
		go w.flush() // ends with the queue, or with the channel
	} else {
		w.writing = false
		w.room.Broadcast()
	}
	w.mu.Unlock()
	return err
}

// flush writes until nothing waits.
func (w *writer) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) > 0 && !w.k.ended() {
		w.mu.Unlock()
		runtime.Gosched() // those who are about to write may join
		w.mu.Lock()
		if w.flushOnce() != nil {
			break
		}
	}
	w.writing = false
	w.room.Broadcast()
}

// flushOnce writes what waits. It is called with the lock, and lets go of it
// meanwhile.
func (w *writer) flushOnce() error {
	b := w.queue
	w.queue, w.spare = w.spare[:0], nil
	w.room.Broadcast()
	w.mu.Unlock()
	_ = w.k.c.SetWriteDeadline(time.Now().Add(w.k.cfg.deadPeer()))
	_, err := w.k.c.Write(b)
	if err != nil {
		w.k.end(err) // what follows on the stream would be out of step
		err = w.k.closedError()
	}
	w.mu.Lock()
	if cap(b) <= MaxWriteQueue {
		w.spare = b[:0]
	}
	return err
}

// idle tells whether everything is written.
func (w *writer) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.writing
}

// wake lets those go who wait for room, at the end of the channel.
func (w *writer) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.room.Broadcast()
}

// wait waits until nobody writes any more, at the end of the channel.
func (w *writer) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.writing {
		w.room.Wait()
	}
}
