package mscp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
)

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
