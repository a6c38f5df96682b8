package mscp

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// A Client is the AS's end of a channel.
type Client struct {
	*conn

	mu      sync.Mutex
	nextID  uint64
	waiting map[uint64]chan *PDU
	slots   chan struct{} // bounds waiting
}

// NewClient runs the AS's end over c, which it owns from then on.
func NewClient(c net.Conn, cfg Config) *Client {
	cl := &Client{
		conn:    newConn(c, cfg),
		nextID:  rand.Uint64N(1 << 31), // the initial value is arbitrary: section 7.2.3
		waiting: map[uint64]chan *PDU{},
		slots:   make(chan struct{}, MaxPending),
	}
	cl.out.busy = func() bool { return len(cl.slots) > 1 }
	cl.work.Go(func() {
		cl.readAll(cl.take, func(*PDU, error) {})
		cl.closeNotes()
	})
	return cl
}

// Do makes one request and waits for its response. Up to MaxPending may be
// outstanding; more wait for their turn.
//
// What the MS has to answer for is an *Error (a response of 400 or 500), or
// wraps a *ParseError or a *ValidationError (a response that makes no sense, or
// that breaks a rule where the reading is strict; the latter comes with the
// element). ErrChannelClosed says that the channel ended first, when the
// request may or may not have been handled. If ctx ends first, the response is
// dropped when it comes.
func (c *Client) Do(ctx context.Context, req Element) (Element, error) {
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
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, c.closedError()
	}
	id, answer, err := c.send(req)
	if err != nil {
		return nil, err
	}
	defer c.drop(id)
	select {
	case p := <-answer:
		return result(req, p, c.cfg.options())
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		select {
		case p := <-answer: // it came just before the end
			return result(req, p, c.cfg.options())
		default:
			return nil, c.closedError()
		}
	}
}

// send writes the request. The lock is held over the write, so that ids go out
// in their order. [MSCP-7.2.3-1]
func (c *Client) send(req Element) (uint64, <-chan *PDU, error) {
	doc := Document{Kind: Request, Element: req}
	body := doc.Encode(c.cfg.Dialect)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID++
	id := c.nextID
	answer := make(chan *PDU, 1)
	c.waiting[id] = answer
	if err := c.out.write(&PDU{Kind: Request, ID: id, Body: body}); err != nil {
		delete(c.waiting, id)
		return 0, nil, err
	}
	return id, answer, nil
}

func (c *Client) drop(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// take handles one PDU of the MS.
func (c *Client) take(p *PDU) error {
	switch p.Kind {
	case Notification:
		c.notified(p)
	case Response:
		c.mu.Lock()
		answer := c.waiting[p.ID]
		delete(c.waiting, p.ID)
		c.mu.Unlock()
		if answer == nil {
			c.log.Info("MSCP response to no outstanding request", "id", p.ID)
			return nil
		}
		answer <- p // of capacity 1, and the only one
	case Request:
		return fmt.Errorf("%w: the MS sent a request (section 7.2.3)", errWrongRole) // [MSCP-7.2.3-3]
	}
	return nil
}

// result is what a response says.
func result(req Element, p *PDU, o Options) (Element, error) {
	docs, err := p.readDocuments(o)
	switch {
	case p.Status == StatusOK && err != nil:
		return nil, fmt.Errorf("response: %w", err)
	case p.Status != StatusOK:
		reason := p.Phrase
		if err == nil && docs[0].Kind == Response {
			reason = cmp.Or(docs[0].Reason, attributeOf(docs[0].Element, "reason"), p.Phrase)
		}
		return nil, &Error{Code: p.Status, Reason: reason}
	case docs[0].Kind != Response || docs[0].Element == nil:
		return nil, fmt.Errorf("response: %w", &ParseError{0, "no response element (section 3.2)"})
	}
	return docs[0].Element, checkStrict(req, docs[0].Element, o)
}

// checkStrict is CheckAnswer where the reading is strict.
func checkStrict(req, resp Element, o Options) error {
	if !o.Strict {
		return nil
	}
	if err := CheckAnswer(req, resp); err != nil {
		return fmt.Errorf("response: %w", err)
	}
	return nil
}

// Shutdown waits until nothing is outstanding, or until ctx ends, and closes.
func (c *Client) Shutdown(ctx context.Context) error {
	defer c.Close()
	return c.idle(ctx, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.waiting) == 0
	})
}
