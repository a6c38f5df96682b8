package mscp

import (
	"cmp"
	"context"
	"fmt"
	"net"
)

// A Client is the AS's end of a channel.
type Client struct {
	*conn
	*outstanding
}

// NewClient runs the AS's end over c, which it owns from then on.
func NewClient(c net.Conn, cfg Config) *Client {
	cl := &Client{conn: newConn(c, cfg), outstanding: newOutstanding()}
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
	return c.do(ctx, carrier{&c.cfg, c.done, c.closedError, c.send}, req)
}

func (c *Client) send(_ context.Context, id uint64, req Element) error {
	doc := Document{Kind: Request, Element: req}
	return c.out.write(&PDU{Kind: Request, ID: id, Body: doc.Encode(c.cfg.Dialect)})
}

// take handles one PDU of the MS.
func (c *Client) take(p *PDU) error {
	switch p.Kind {
	case Notification:
		c.notified(p)
	case Response:
		if !c.answered(p.ID, p) {
			c.log.Info("MSCP response to no outstanding request", "id", p.ID)
		}
	case Request:
		return fmt.Errorf("%w: the MS sent a request (section 7.2.3)", errWrongRole) // [MSCP-7.2.3-3]
	}
	return nil
}

func (p *PDU) result(req Element, o Options) (Element, error) {
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
	return c.idle(ctx, c.none)
}
