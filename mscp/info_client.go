package mscp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// A Doer makes requests: a Client over TCP, or an InfoClient over SIP INFO.
type Doer interface {
	Do(ctx context.Context, req Element) (Element, error)
	Notify(ctx context.Context, e Element) error
	Close() error
}

var _, _ Doer = (*Client)(nil), (*InfoClient)(nil)

// SendInfo sends a body of the media type ContentType in a SIP INFO on one SIP
// dialog, and returns when the INFO was answered with 2xx. Where the answer is
// another, an *Error with the status 400 or 500 tells the caller what a Client
// would tell it. See section 7.1.
type SendInfo func(ctx context.Context, body []byte) error

// An InfoClient is the AS's end over SIP INFO. Requests and responses are told
// apart by the XML id. See sections 3.2 and 7.1. The caller hands the body of
// each INFO that arrives on the dialog to Deliver.
type InfoClient struct {
	*outstanding
	post func(ctx context.Context, body []byte) error
	cfg  Config
	done chan struct{}
	once sync.Once
}

// NewInfoClient makes a client that sends with send.
func NewInfoClient(send SendInfo, cfg Config) *InfoClient {
	return &InfoClient{outstanding: newOutstanding(), post: send, cfg: cfg, done: make(chan struct{})}
}

// Do makes one request and waits for its response, as [Client.Do] does. A
// response with a status, which only our own servers tell, or without an
// element of the request is an *Error; where no status is told, it is 400.
func (c *InfoClient) Do(ctx context.Context, req Element) (Element, error) {
	return c.do(ctx, carrier{&c.cfg, c.done, func() error { return ErrChannelClosed }, c.send}, req)
}

// result takes a response without an element of the request for an error.
func (d *Document) result(req Element, o Options) (Element, error) {
	if failed, ok := d.Element.(*RequestFailed); ok {
		return nil, &Error{Code: cmp.Or(d.Status, StatusBadRequest), Reason: failed.Reason}
	}
	if d.Element == nil || d.Status != 0 {
		return nil, &Error{Code: cmp.Or(d.Status, StatusBadRequest), Reason: cmp.Or(d.Reason, attributeOf(d.Element, "reason"))}
	}
	return d.Element, checkStrict(req, d.Element, o)
}

// infoID is the XML id of a request: of fixed width, so that ids rise as text and as
// numbers.
func infoID(id uint64) string { return fmt.Sprintf("req%019d", id) } // [MSCP-3.2-5]

// infoNumber is the reverse of infoID.
func infoNumber(id string) (n uint64, ok bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(id, "req"), 10, 64)
	return n, err == nil && infoID(n) == id
}

func (c *InfoClient) send(ctx context.Context, id uint64, req Element) error {
	d := &Document{Kind: Request, Element: req}
	d.ID = infoID(id) // [MSCP-3.2-7] INFO has no ids of its own
	return c.sendDocument(ctx, d)
}

func (c *InfoClient) sendDocument(ctx context.Context, d *Document) error {
	select {
	case <-c.done:
		return ErrChannelClosed
	default:
	}
	body := d.Encode(c.cfg.Dialect) // [MSCP-7.1-3]
	if err := c.post(ctx, body); err != nil {
		return fmt.Errorf("mscp: INFO: %w", err)
	}
	return nil
}

// Notify sends a notification.
func (c *InfoClient) Notify(ctx context.Context, e Element) error {
	if err := c.cfg.checkSent(Notification, e); err != nil {
		return err
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.sendDocument(ctx, &Document{Kind: Notification, Element: e})
}

// Deliver takes the body of an INFO from the MS. An error says that the INFO
// is best answered with 400. Calls are to come in the INFOs' order; a
// notification is shown to OnNotification before Deliver returns.
func (c *InfoClient) Deliver(body []byte) error {
	d, err := ParseWith(body, c.cfg.options())
	if err != nil {
		return err
	}
	switch d.Kind {
	case Notification:
		if c.cfg.OnNotification != nil {
			c.cfg.OnNotification(d.Element)
		}
		return nil
	case Request:
		return errors.New("mscp: the MS sent a request (section 3.1)")
	}
	if id, ok := infoNumber(d.ID); !ok || !c.answered(id, d) {
		return fmt.Errorf("mscp: response to no outstanding request, id %q", shorten(d.ID))
	}
	return nil
}

// Close fails what is outstanding. The SIP dialog is the caller's to end.
func (c *InfoClient) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}
