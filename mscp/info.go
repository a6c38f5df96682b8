package mscp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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
	send SendInfo
	cfg  Config

	slots   chan struct{} // bounds waiting
	sending sync.Mutex    // one INFO at a time, so that ids go out in their order
	mu      sync.Mutex
	nextID  uint64
	waiting map[string]chan *Document
	done    chan struct{}
	once    sync.Once
}

// NewInfoClient makes a client that sends with send.
func NewInfoClient(send SendInfo, cfg Config) *InfoClient {
	return &InfoClient{
		send: send, cfg: cfg, nextID: rand.Uint64N(1 << 31), done: make(chan struct{}),
		slots: make(chan struct{}, MaxPending), waiting: map[string]chan *Document{},
	}
}

// Do makes one request and waits for its response, as [Client.Do] does. A
// response without an element is an *Error; where no status is told, as only
// our own servers do, it is 400.
func (c *InfoClient) Do(ctx context.Context, req Element) (Element, error) {
	if c.cfg.RequestTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.RequestTimeout)
		defer cancel()
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, ErrChannelClosed
	}
	id, answer, err := c.request(ctx, req)
	if err != nil {
		return nil, err
	}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, id)
	}()
	select {
	case d := <-answer:
		if d.Element == nil {
			return nil, &Error{Code: cmp.Or(d.Status, StatusBadRequest), Reason: d.Reason}
		}
		return d.Element, checkStrict(req, d.Element, c.cfg.options())
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.done:
		return nil, ErrChannelClosed
	}
}

// request sends the request with the next id: "req" and a number of fixed
// width, so that ids rise as text and as numbers.
func (c *InfoClient) request(ctx context.Context, req Element) (string, <-chan *Document, error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	c.nextID++
	id := fmt.Sprintf("req%019d", c.nextID) // [MSCP-3.2-5]
	answer := make(chan *Document, 1)       // [MSCP-3.2-7] INFO has no ids of its own
	c.waiting[id] = answer
	c.mu.Unlock()
	doc := Document{Kind: Request, ID: id, Element: req}
	if err := c.post(ctx, &doc); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, id)
		return "", nil, err
	}
	return id, answer, nil
}

func (c *InfoClient) post(ctx context.Context, d *Document) error {
	select {
	case <-c.done:
		return ErrChannelClosed
	default:
	}
	if err := c.send(ctx, d.Encode(c.cfg.Dialect)); err != nil {
		return fmt.Errorf("mscp: INFO: %w", err)
	}
	return nil
}

// Notify sends a notification.
func (c *InfoClient) Notify(ctx context.Context, e Element) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.post(ctx, &Document{Kind: Notification, Element: e})
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
	c.mu.Lock()
	answer := c.waiting[d.ID]
	delete(c.waiting, d.ID)
	c.mu.Unlock()
	if answer == nil {
		return fmt.Errorf("mscp: response to no outstanding request, id %q", shorten(d.ID))
	}
	answer <- d // of capacity 1, and the only one
	return nil
}

// Close fails what is outstanding. The SIP dialog is the caller's to end.
func (c *InfoClient) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

// An InfoServer is the MS's end over SIP INFO. See section 7.1.
type InfoServer struct {
	send SendInfo
	h    *Server // only its handling of documents
	work sync.WaitGroup

	mu     sync.Mutex
	lastID string
	closed bool
}

// NewInfoServer makes a server that sends its responses with send, which is to
// use the SIP dialog that the requests come on. [MSCP-7.1-1]
func NewInfoServer(send SendInfo, h Handler, cfg Config) *InfoServer {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{conn: &conn{cfg: cfg, log: log}, h: h, slots: make(slots, MaxOutstanding)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return &InfoServer{send: send, h: s}
}

// Deliver takes the body of an INFO from the AS and returns before the request
// in it is handled. An error says that the INFO is best answered with 400.
func (s *InfoServer) Deliver(body []byte) error {
	d, err := ParseWith(body, s.h.cfg.options())
	switch {
	case err != nil:
		return err
	case d.Kind == Response:
		return errors.New("mscp: the AS sent a response (section 3.1)")
	case d.Kind == Notification:
		if s.h.cfg.OnNotification != nil {
			s.h.cfg.OnNotification(d.Element)
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrChannelClosed
	}
	if s.h.cfg.Strict && d.ID != "" && s.lastID != "" && !risesID(s.lastID, d.ID) {
		return errors.New("mscp: the id does not rise (section 3.2)") // [MSCP-3.2-5]
	}
	s.lastID = d.ID
	select {
	case s.h.slots <- struct{}{}:
	default:
		return fmt.Errorf("mscp: more than %d requests under way", MaxOutstanding)
	}
	s.work.Go(func() {
		defer func() { <-s.h.slots }()
		s.answer(d)
	})
	return nil
}

func (s *InfoServer) answer(d *Document) {
	answer := &Document{Kind: Response, ID: d.ID} // [MSCP-3.2-6]
	ctx, after := forResponse(s.h.ctx)
	defer after.run()
	e, err := s.h.handle(ctx, d)
	if err != nil {
		wire := &Error{Code: StatusInternalError, Reason: err.Error()}
		errors.As(err, &wire)
		answer.Status, answer.Reason = wire.Code, wire.Reason
	}
	answer.Element = e
	if err := s.send(s.h.ctx, answer.Encode(s.h.cfg.Dialect)); err != nil {
		s.h.log.Warn("MSCP response in INFO not sent", "err", err)
	}
}

// Notify sends a notification.
func (s *InfoServer) Notify(ctx context.Context, e Element) error {
	d := Document{Kind: Notification, Element: e}
	return s.send(ctx, d.Encode(s.h.cfg.Dialect))
}

// Close ends the handlers' ctx and waits for them.
func (s *InfoServer) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.h.cancel()
	s.work.Wait()
	return nil
}

// risesID compares XML ids by the number at their end, where both have one.
func risesID(before, id string) bool {
	a, errA := trailingNumber(before)
	b, errB := trailingNumber(id)
	if errA != nil || errB != nil {
		return id > before
	}
	return b > a
}

func trailingNumber(s string) (uint64, error) {
	return strconv.ParseUint(s[len(strings.TrimRight(s, "0123456789")):], 10, 64)
}
