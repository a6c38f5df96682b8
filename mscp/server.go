package mscp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// A Handler answers one request of the AS with the element of its response. An
// *Error becomes a response with its status, any other error one with 500;
// neither ends the channel. ctx ends with the channel.
type Handler func(ctx context.Context, req Element) (Element, error)

// A Server is the MS's end of a channel.
type Server struct {
	*conn
	h           Handler
	slots       slots        // bounds the requests under way
	requests    chan request // to workers that are idle
	idleWorkers atomic.Int32
	ctx         context.Context
	cancel      context.CancelFunc
	lastID      uint64 // of the last request; owned by the reader
	seen        bool   // whether there was one
}

// NewServer runs the MS's end over c, which it owns from then on. Requests are
// handled at once and side by side, so responses may go out in any order.
func NewServer(c net.Conn, h Handler, cfg Config) *Server {
	s := &Server{conn: newConn(c, cfg), h: h, slots: make(slots, MaxOutstanding), requests: make(chan request)}
	s.out.busy = func() bool { return len(s.slots) > 1 }
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.work.Go(func() {
		defer s.cancel()
		s.readAll(s.take)
	})
	return s
}

// slots bound what is in memory of PDUs: each takes one, and a long one more.
type slots chan struct{}

// slotBytes is how much of a body one slot stands for.
const slotBytes = 16 << 10

func slotsOf(p *PDU) int { return 1 + len(p.Body)/slotBytes }

// take waits for p's slots; one goroutine at a time may. It reports false when
// the channel ends first.
func (s slots) take(p *PDU, done <-chan struct{}) bool {
	for range slotsOf(p) {
		select {
		case s <- struct{}{}:
		case <-done:
			return false
		}
	}
	return true
}

func (s slots) giveBack(p *PDU) {
	for range slotsOf(p) {
		<-s
	}
}

// take handles one PDU of the AS.
func (s *Server) take(p *PDU) error {
	switch p.Kind {
	case Notification:
		s.notified(p)
	case Request:
		if !s.slots.take(p, s.done) {
			return s.err
		}
		rises := !s.seen || p.ID > s.lastID // [MSCP-7.2.3-1]
		s.lastID, s.seen = p.ID, true
		r := request{p, rises}
		select {
		case s.requests <- r: // to a worker that has nothing to do
		default:
			s.work.Go(func() { s.serve(r) })
		}
	case Response:
		return fmt.Errorf("the AS sent a response (section 7.2.4)") // [MSCP-7.2.4-2]
	}
	return nil
}

// A request waits for its answer.
type request struct {
	*PDU
	rises bool // its id, above that of the one before
}

// serve answers r, and then further requests, since a goroutine whose stack
// has grown is worth keeping.
func (s *Server) serve(r request) {
	for {
		s.respond(r)
		s.slots.giveBack(r.PDU)
		if s.idleWorkers.Add(1) > MaxIdleWorkers {
			s.idleWorkers.Add(-1)
			return
		}
		select {
		case r = <-s.requests:
			s.idleWorkers.Add(-1)
		case <-s.done:
			return
		}
	}
}

func (s *Server) respond(r request) {
	ctx, after := forResponse(s.ctx)
	var answer *PDU
	if s.cfg.Strict && !r.rises {
		answer = s.failure(r.ID, &Error{StatusBadRequest, "the request-id does not rise (section 7.2.3)"})
	} else {
		answer = s.answer(ctx, r.PDU)
	}
	_ = s.out.write(answer) // [MSCP-3.1-1] [MSCP-7.2.4-1] an error has ended the channel
	after.run()
}

// answer makes the response to a request, with the same request-id.
func (s *Server) answer(ctx context.Context, p *PDU) *PDU {
	docs, err := p.read(s.cfg.options())
	if err != nil {
		return s.failure(p.ID, &Error{StatusBadRequest, err.Error()})
	}
	bodies := make([][]byte, 0, len(docs))
	for _, d := range docs {
		e, err := s.handle(ctx, d)
		if err != nil {
			return s.failure(p.ID, err)
		}
		answer := Document{Kind: Response, ID: d.ID, Element: e} // [MSCP-3.2-6]
		bodies = append(bodies, answer.Encode(s.cfg.Dialect))
	}
	contentType, body := join(bodies)
	return &PDU{Kind: Response, Status: StatusOK, ID: p.ID, ContentType: contentType, Body: body} // [MSCP-7.2.3-2]
}

// handle has the handler answer one document.
func (s *Server) handle(ctx context.Context, d *Document) (e Element, err error) {
	if d.Kind != Request {
		return nil, &Error{StatusBadRequest, fmt.Sprintf("a request holds a %s (section 7.2.3)", d.Kind)}
	}
	if !isRequest(d.Element) {
		return nil, &Error{StatusBadRequest, fmt.Sprintf("%s is no request that is known (sections 3.2, 3.3)", Name(d.Element))}
	}
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic in the MSCP handler", "request", Name(d.Element), "panic", fmt.Sprint(p))
			err = &Error{StatusInternalError, "internal error"}
		}
	}()
	if e, err = s.h(ctx, d.Element); err == nil && e == nil {
		err = errors.New("no response")
	}
	return e, err
}

// failure makes a response of 400 or 500 with a reason in it.
func (s *Server) failure(id uint64, err error) *PDU {
	e := &Error{StatusInternalError, err.Error()}
	errors.As(err, &e)
	doc := Document{Kind: Response, Reason: e.Reason}
	return &PDU{Kind: Response, Status: e.Code, ID: id, Body: doc.Encode(Draft)}
}

// Shutdown waits until every request under way is answered, or until ctx ends,
// and closes.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.Close()
	return s.idle(ctx, func() bool { return len(s.slots) == 0 && s.out.idle() })
}

// idlePoll is the pause between two looks whether anything is outstanding.
const idlePoll = 5 * time.Millisecond

func (k *conn) idle(ctx context.Context, idle func() bool) error {
	t := time.NewTicker(idlePoll)
	defer t.Stop()
	for !idle() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.done:
			return nil
		case <-t.C:
		}
	}
	return nil
}
