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
// response with a status, which only our own servers tell, or without an
// element of the request is an *Error; where no status is told, it is 400.
func (c *InfoClient) Do(ctx context.Context, req Element) (Element, error) {
	if err := c.cfg.checkSent(Request, req); err != nil {
		return nil, err
	}
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
		if failed, ok := d.Element.(*RequestFailed); ok {
			return nil, &Error{Code: cmp.Or(d.Status, StatusBadRequest), Reason: failed.Reason}
		}
		if d.Element == nil || d.Status != 0 {
			return nil, &Error{Code: cmp.Or(d.Status, StatusBadRequest), Reason: cmp.Or(d.Reason, attributeOf(d.Element, "reason"))}
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
	body := d.Encode(c.cfg.Dialect) // [MSCP-7.1-3]
	if err := c.send(ctx, body); err != nil {
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

	mu     sync.Mutex
	lastID string // the last that a request had
	closed bool
}

// NewInfoServer makes a server that sends its responses with send, which is to
// use the SIP dialog that the requests come on: a control dialog's or a
// participant's, each of which has its own server. [MSCP-7.1-1]
func NewInfoServer(send SendInfo, handler Handler, cfg Config) *InfoServer {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	h := &Server{conn: &conn{cfg: cfg, log: log, done: make(chan struct{})}, h: handler, slots: make(slots, MaxOutstanding)}
	h.order = newSequencer(&h.work, h.done)
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.startNotes()
	return &InfoServer{send: send, h: h}
}

// Deliver takes the body of an INFO from the AS and returns before what is in
// it is handled, in the order of the calls as [Handler] and
// [Config].OnNotification say. An error says that the INFO is best answered with
// 400: it is about what is no request. A request that breaks a rule gets a
// response.
func (s *InfoServer) Deliver(body []byte) error {
	d, err := parsePartly(body, s.h.cfg.options())
	switch {
	case d == nil || d.Kind == Notification && err != nil:
		return cmp.Or(err, errNoDocument)
	case d.Kind == Response:
		return errors.New("mscp: the AS sent a response (section 3.1)")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrChannelClosed
	}
	p := &PDU{Body: body}
	all := []received{{d, err}}
	if d.Kind == Notification {
		if s.h.notes == nil {
			return nil
		}
		if !s.h.noteSlots.tryTake(p) {
			return fmt.Errorf("mscp: more than %d notifications wait", MaxNotifications)
		}
		s.h.show(notes{PDU: p, elements: []Element{d.Element}}, all)
		return nil
	}
	if d.ID != "" {
		if s.h.cfg.Strict && !risesID(s.lastID, d.ID) { // [MSCP-3.2-5]
			all[0].err = cmp.Or(err, errors.New("mscp: the id does not rise (section 3.2)"))
		}
		s.lastID = d.ID
	}
	if !s.h.slots.tryTake(p) {
		return fmt.Errorf("mscp: more than %d requests under way", MaxOutstanding)
	}
	s.h.order.submit(&job{run: func() {
		defer s.h.slots.giveBack(p)
		s.answer(all[0])
	}}, all)
	return nil
}

var errNoDocument = errors.New("mscp: no document (section 3.2)")

// answer sends the response to a request, on whose SIP dialog send sends.
func (s *InfoServer) answer(r received) {
	ctx, after := forResponse(s.h.ctx)
	answer, status := s.h.respondTo(ctx, r)
	if status != StatusOK {
		answer.Status = status
	}
	body := answer.Encode(s.h.cfg.Dialect) // [MSCP-7.1-3]
	err := s.send(s.h.ctx, body)
	after.run(err == nil)
	if err != nil {
		s.h.log.Warn("MSCP response in INFO not sent", "err", err)
	}
}

// Notify sends a notification.
func (s *InfoServer) Notify(ctx context.Context, e Element) error {
	if err := s.h.cfg.checkSent(Notification, e); err != nil {
		return err
	}
	d := Document{Kind: Notification, Element: e}
	return s.send(ctx, d.Encode(s.h.cfg.Dialect))
}

// Close ends the handlers' ctx and waits for them.
func (s *InfoServer) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	s.h.cancel()
	if first {
		close(s.h.done)
		s.h.closeNotes()
	}
	s.h.work.Wait()
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
