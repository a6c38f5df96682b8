package mscp

import (
	"context"
	"math/rand/v2"
	"sync"
)

// outstanding are the requests of a client that have no response yet, over TCP or over
// SIP INFO.
type outstanding struct {
	slots   chan struct{} // bounds waiting
	sending sync.Mutex    // held while a request is sent, so that ids go out in their order
	nextID  uint64        // guarded by sending

	mu      sync.Mutex
	waiting map[uint64]chan response
}

// A response is what one way of carrying it has brought: a *PDU or a *Document.
type response interface {
	// result is what it says in answer to req.
	result(req Element, o Options) (Element, error)
}

func newOutstanding() *outstanding {
	return &outstanding{
		slots:   make(chan struct{}, MaxPending),
		nextID:  rand.Uint64N(1 << 31), // the initial value is arbitrary: section 7.2.3
		waiting: map[uint64]chan response{},
	}
}

// A carrier is what a client sends its requests over.
type carrier struct {
	cfg    *Config
	done   <-chan struct{} // closed at its end
	closed func() error    // why it has ended
	send   func(ctx context.Context, id uint64, req Element) error
}

// do makes one request over c and waits for its response. See [Client.Do].
func (o *outstanding) do(ctx context.Context, c carrier, req Element) (Element, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.cfg.RequestTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.RequestTimeout)
		defer cancel()
	}
	if err := c.cfg.checkSent(Request, req); err != nil {
		return nil, err
	}
	select {
	case o.slots <- struct{}{}:
		defer func() { <-o.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, c.closed()
	}
	id, answer, err := o.request(ctx, c, req)
	defer o.drop(id)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-answer:
		return r.result(req, c.cfg.options())
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		select {
		case r := <-answer: // it came just before the end
			return r.result(req, c.cfg.options())
		default:
			return nil, c.closed()
		}
	}
}

// request sends the request with the next id.
func (o *outstanding) request(ctx context.Context, c carrier, req Element) (uint64, <-chan response, error) {
	answer := make(chan response, 1)
	o.sending.Lock()
	defer o.sending.Unlock()
	o.nextID++ // [MSCP-7.2.3-1]
	id := o.nextID
	o.mu.Lock()
	o.waiting[id] = answer
	o.mu.Unlock()
	return id, answer, c.send(ctx, id, req)
}

// answered hands a response to its request. It reports false if there is none.
func (o *outstanding) answered(id uint64, r response) bool {
	o.mu.Lock()
	answer := o.waiting[id]
	delete(o.waiting, id)
	o.mu.Unlock()
	if answer == nil {
		return false
	}
	answer <- r // of capacity 1, and the only one
	return true
}

func (o *outstanding) drop(id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.waiting, id)
}

// none reports whether nothing is outstanding.
func (o *outstanding) none() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting) == 0
}
