package mscp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// A Handler answers one request of the AS with the element of its response. An
// *Error becomes a response with its status, any other error one with 500;
// neither ends the channel. The body of such a response is the request's own
// error element with the reason, or [RequestFailed].
//
// ctx ends with the channel, and already when the AS closes its side of the connection:
// the AS has gone, or may still read. A handler that takes long should then stop and
// answer with what it has; what a handler returns within MaxLinger is written.
//
// Requests of other namespaces come as *Other; nil, nil answers 400 to one that
// is not known. What concerns one connection, dialog or conference comes in the
// order of its arrival, and each waits until the one before is answered.
type Handler func(ctx context.Context, req Element) (Element, error)

// A Server is the MS's end of a channel.
type Server struct {
	*conn
	h      Handler
	slots  slots // bounds the requests under way
	order  *sequencer
	ctx    context.Context
	cancel context.CancelFunc
	lastID string // of the last request; owned by the reader
	seen   bool   // whether there was one
}

// NewServer runs the MS's end over c, which it owns from then on. Requests
// about different connections, dialogs and conferences are handled side by
// side, so their responses may go out in any order. See section 7.2.
func NewServer(c net.Conn, h Handler, cfg Config) *Server {
	s := &Server{conn: newConn(c, cfg), h: h, slots: make(slots, MaxOutstanding)}
	s.order = newSequencer(&s.work, s.done)
	s.out.busy = func() bool { return len(s.slots) > 1 }
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.work.Go(func() {
		s.readAll(s.take, s.last)
		s.cancel()
		s.closeNotes()
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

// tryTake takes p's slots if they are free.
func (s slots) tryTake(p *PDU) bool {
	for n := range slotsOf(p) {
		select {
		case s <- struct{}{}:
		default:
			for range n {
				<-s
			}
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

// take takes one PDU of the AS.
func (s *Server) take(p *PDU) error {
	switch p.Kind {
	case Notification: // [MSCP-3.1-4]
		s.notified(p)
	case Request:
		if !s.slots.take(p, s.done) {
			return s.err
		}
		r := &request{PDU: p}
		if r.docs, r.err = p.read(s.cfg.options()); r.err != nil {
			r.err = &Error{StatusBadRequest, r.err.Error()}
		}
		if s.seen && compareIDs(p.token(), s.lastID) <= 0 { // [MSCP-7.2.3-1]
			r.refuse(errNotRising)
		}
		s.lastID, s.seen = p.token(), true
		s.order.submit(&job{run: func() { s.respond(r) }}, r.docs)
	case Response:
		return fmt.Errorf("%w: the AS sent a response (section 7.2.4)", errWrongRole) // [MSCP-7.2.4-2]
	}
	return nil
}

// notified shows a notification in its turn among the requests about the same.
func (s *Server) notified(p *PDU) {
	n, docs := s.notesOf(p)
	if s.notes != nil && n.elements != nil && s.noteSlots.take(p, s.done) {
		s.show(n, docs)
	}
}

// show has its slots.
func (s *Server) show(n notes, docs []received) {
	j := &job{note: true}
	n.shown = func() { s.order.noteDone(j) }
	s.parked.Add(1)
	j.run = func() {
		s.notes <- n // there is room for as many as there are slots
		s.parked.Done()
	}
	s.order.submit(j, docs)
}

// last is called when nothing more is read.
func (s *Server) last(begun *PDU, err error) {
	if isEOF(err) {
		s.peerClosed.Store(err == io.EOF)
		s.cancel()
	}
	switch {
	case isSenseless(err):
		s.broken(begun, err)
	case isEOF(err):
		ctx, cancel := context.WithTimeout(context.Background(), MaxLinger)
		defer cancel()
		_ = s.idle(ctx, s.answered) // [MSCP-7.2.4-1] the AS may still read
	}
}

// broken answers a request that cannot be read, if it has an id, and waits
// until what came before is answered, before the channel is closed. See section
// 7.2.4.
func (s *Server) broken(begun *PDU, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), MaxLinger)
	defer cancel()
	if begun != nil { // [MSCP-7.2.4-4]
		_ = s.out.write(s.answer(ctx, &request{PDU: begun, err: &Error{StatusBadRequest, err.Error()}}))
	}
	_ = s.idle(ctx, s.answered)
	half, ok := s.c.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	// A close with bytes unread would take the answers from the peer.
	_ = s.c.SetReadDeadline(time.Now().Add(MaxLinger))
	_, _ = io.CopyN(io.Discard, s.c, MaxBody)
}

// answered reports whether nothing is under way.
func (s *Server) answered() bool { return len(s.slots) == 0 && s.out.idle() }

// A request waits for its answer.
type request struct {
	*PDU
	docs []received
	err  error // about the whole of it
}

// refuse gives each document an error, unless it has one.
func (r *request) refuse(err error) {
	for i := range r.docs {
		r.docs[i].err = cmp.Or(r.docs[i].err, err)
	}
}

var errNotRising = errors.New("the request-id is not above the one before it (section 7.2.3)")

func (s *Server) respond(r *request) {
	defer s.slots.giveBack(r.PDU)
	ctx, after := forResponse(s.ctx)
	answer := s.answer(ctx, r) // [MSCP-3.1-1] [MSCP-7.2.4-1]
	err := s.out.write(answer) // which has ended the channel, if there is one
	after.run(err == nil)
}

// answer makes the response to a request, with the same request-id. Each
// document of a multipart has its own: what was wrong with one says nothing of
// another, so the status is 200 unless none was carried out.
func (s *Server) answer(ctx context.Context, r *request) *PDU {
	p := &PDU{Kind: Response, Status: StatusOK, ID: r.ID, Token: r.Token} // [MSCP-7.2.3-2]
	if r.err != nil {
		wire := wireError(r.err)
		p.Status = wire.Code
		p.Body = failedResponse(nil, wire).Encode(s.cfg.Dialect)
		return p
	}
	bodies, carriedOut := make([][]byte, 0, len(r.docs)), 0
	for _, d := range r.docs {
		answer, status := s.respondTo(ctx, d)
		if status == StatusOK {
			carriedOut++
		} else if p.Status = max(p.Status, status); len(r.docs) > 1 {
			answer.Status = status
		}
		bodies = append(bodies, answer.Encode(s.cfg.Dialect))
	}
	if carriedOut > 0 {
		p.Status = StatusOK
	}
	p.ContentType, p.Body = join(bodies)
	return p
}

// respondTo makes the response to one document, with the same XML id.
func (s *Server) respondTo(ctx context.Context, r received) (answer *Document, status int) {
	e, err := s.handle(ctx, r)
	if err != nil {
		wire := wireError(err)
		return failedResponse(r.doc, wire), wire.Code
	}
	return &Document{Kind: Response, ID: r.doc.ID, Element: e}, StatusOK // [MSCP-3.2-6]
}

// handle has the handler answer one document.
func (s *Server) handle(ctx context.Context, r received) (e Element, err error) {
	if r.err != nil {
		return nil, &Error{StatusBadRequest, r.err.Error()}
	}
	if r.doc.Kind != Request {
		return nil, &Error{StatusBadRequest, fmt.Sprintf("a request holds a %s (section 7.2.3)", r.doc.Kind)}
	}
	req := r.doc.Element
	unknown := &Error{StatusBadRequest, fmt.Sprintf("%s is no request that is known (sections 3.2, 3.3)", Name(req))}
	foreign := isForeign(req)
	if !foreign && !isRequest(req) {
		return nil, unknown
	}
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic in the MSCP handler", "request", Name(req), "panic", fmt.Sprint(p))
			err = &Error{StatusInternalError, "internal error"}
		}
	}()
	switch e, err = s.h(ctx, req); {
	case err == nil && e == nil && foreign: // [MSCP-3.3-6]
		err = unknown
	case err == nil && e == nil:
		err = errors.New("no response")
	case err == nil && s.cfg.Strict:
		if err = ValidateElement(e); err != nil {
			s.log.Error("MSCP response that breaks a rule", "request", Name(req), "err", err)
		}
	}
	return e, err
}

// isForeign reports whether e is an extension: an element that is neither the
// draft's nor ours. See section 3.3.
func isForeign(e Element) bool {
	o, ok := e.(*Other)
	return ok && o.Space != "" && o.Space != Namespace
}

// Shutdown waits until every request under way is answered, or until ctx ends,
// and closes.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.Close()
	return s.idle(ctx, s.answered)
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
