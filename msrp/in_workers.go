package msrp

import (
	"sync"
	"sync/atomic"
)

// workers run the handlers of one Listener, or of one dialled connection. A
// goroutine that has run one waits for the next, as its stack has grown to what
// they need, which costs as much as all else that is done for a short message.
type workers struct {
	most int32           // goroutines that may wait at a time
	next chan *Incoming  // to one that waits
	stop <-chan struct{} // closed when they are to wait no more
	idle atomic.Int32    // goroutines that wait
	all  sync.WaitGroup  // for Close
}

func newWorkers(most int32, stop <-chan struct{}) *workers {
	return &workers{most: most, next: make(chan *Incoming), stop: stop}
}

// dispatch has the handler of a message called by a goroutine that is free.
func (w *workers) dispatch(in *Incoming) {
	select {
	case w.next <- in:
	default:
		w.all.Add(1)
		go w.runLoop(in)
	}
}

func (w *workers) runLoop(in *Incoming) {
	defer w.all.Done()
	for in != nil {
		in.handle()
		in = w.awaitMessage()
	}
}

// awaitMessage returns the next message; nil if enough others wait, or if there will be
// none.
func (w *workers) awaitMessage() *Incoming {
	defer w.idle.Add(-1)
	if w.idle.Add(1) > w.most {
		return nil
	}
	select {
	case in := <-w.next:
		return in
	case <-w.stop:
		return nil
	}
}
