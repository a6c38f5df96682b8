package ms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/ms/internal/memory"
	"github.com/gomscp/gomscp/ms/internal/otr"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// A storeSession takes a caller's messages and keeps them. In a push session
// another takes what the user agent replies.
type storeSession struct {
	s    *Server
	conn *connection
	log  *slog.Logger

	receipts chan struct{} // has a token for each on its way to the sender
}

func (s *Server) newStoreSession(conn *connection, log *slog.Logger) *storeSession {
	return &storeSession{s: s, conn: conn, log: log, receipts: make(chan struct{}, maxReceipts)}
}

// serveStore answers an INVITE that offers MSRP, and serves its session until
// the dialog ends.
func (s *Server) serveStore(in *sipua.IncomingCall, conn *connection) error {
	offer, err := msrp.ParseSDP(in.Body)
	if err != nil {
		return notAcceptable(in, s.cfg.Name, err)
	}
	if content.PullsFile(offer) {
		return notAcceptable(in, s.cfg.Name, content.ErrFilePull)
	}
	if err := s.store.Room(); err != nil { // the AS takes another media server
		return errors.Join(err, in.Reject(503, "Store Is Full"))
	}
	held, ok := s.memory.Session()
	if !ok {
		return s.noMemory(in)
	}
	conn.memory = held
	defer conn.leaveSender()
	defer held.Give(memory.SessionCost)
	ss := s.newStoreSession(conn, conn.log)
	conn.hear(offer)
	s.connections.add(ss.conn)
	defer s.connections.remove(ss.conn)

	if offer.TLS && s.msrp.secure == nil {
		return notAcceptable(in, s.cfg.Name, errNoSecureMSRP)
	}
	media, err := s.msrp.describe(offer.Setup.Answer(), offer.TLS)
	if err != nil {
		return errors.Join(err, in.Reject(500, "Server Internal Error"))
	}
	media.Direction, media.File = answerDirection(offer), content.AnswerFile(offer)
	answer, err := media.Answer(in.Body)
	if err != nil {
		return notAcceptable(in, s.cfg.Name, err)
	}
	sc := s.msrp.sessionConfig(media, offer, ss.receive)
	sc.Memory = held
	leg := s.newLeg(media, answer, in.Body, ss.conn, ss.receive, conn.log)
	defer leg.Finish()
	in.OnOffer(leg.offered)
	info := s.controls.takeParticipantInfo(in)
	defer info.close()
	// A peer that is to connect may do so as soon as it has the answer.
	if media.Setup != msrp.SetupActive {
		session, err := s.msrp.listener(media.TLS).Accept(sc)
		if err != nil {
			return errors.Join(err, in.Reject(500, "Server Internal Error"))
		}
		leg.begin(session, media.Setup)
	}
	call, _, err := in.Answer(s.life.ctx, answer, sdpType)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	defer endCall(call)
	info.begin(call)
	if media.Setup == msrp.SetupActive {
		session, err := s.msrp.dial(sc)
		if err != nil {
			return fmt.Errorf("connect to the caller: %w", err)
		}
		leg.begin(session, media.Setup)
	}
	conn.began(call)
	s.waitEnd(call, leg)
	leg.Finish() // nothing is stored from here on
	ss.tellKept("store")
	return nil
}

// noMemory refuses a session, so that the AS takes another media server.
func (s *Server) noMemory(in *sipua.IncomingCall) error {
	s.quiet.Warn(s.log, "session refused", "memory", "limit", s.cfg.Limits.Memory)
	return errors.Join(memory.ErrFull, in.Reject(503, "No Memory For It Now"))
}

// tellKept tells the AS how many messages are kept for the session's pair, in
// a notification of ours that others ignore: an AS need not call anybody for
// none, and learns that way of what came back in a push session.
func (ss *storeSession) tellKept(session string) {
	p, ok := ss.conn.restoredPair()
	if !ok {
		return // it belongs to nobody
	}
	if session == "store" {
		ss.s.notices.arrivals.Forget(p)
	}
	ss.s.notices.tellKept(p, ss.conn.id, session, ss.conn.tally.storedBytes.Load())
}

// receive keeps one message. It returns, and so the last chunk gets its 200,
// when the message is on disk.
func (ss *storeSession) receive(ctx context.Context, m *msrp.Incoming) error {
	if !ss.s.cfg.KeepNotifications && content.IsNotification(m.ContentType) {
		return ss.drop(m)
	}
	_, err := ss.keep(ctx, m, ss.forgets)
	return err
}

// forgets reports whether a message in a store session is answered and forgotten.
func (ss *storeSession) forgets(p content.Preview) bool {
	return !ss.s.cfg.KeepNotifications && msrp.IsType(p.ContentType, msrp.TypeComposing) ||
		!ss.s.cfg.KeepAutomatic && content.IsText(p.ContentType) && otr.IsHandshake(p.Text)
}

// keep stores a message, unless it forgets it, and returns how it begins. What is
// forgotten has a preview of no type.
func (ss *storeSession) keep(ctx context.Context, m *msrp.Incoming, forgets func(content.Preview) bool) (content.Preview, error) {
	p, err := ss.hold(ctx)
	if err != nil {
		ss.s.metrics.refused.WithLabelValues("not_restored").Inc()
		return content.Preview{}, err
	}
	if !content.HasType(m.ContentType) {
		ss.s.metrics.refused.WithLabelValues("no_type").Inc()
		return content.Preview{}, content.ErrNoType // [RFC4975-7.1-2]
	}
	file := ss.conn.transferred()
	begin, body, err := content.ReadPreview(content.TypeOf(store.MessageInfo{Meta: store.Meta{ContentType: m.ContentType, File: file}}), m)
	if err != nil {
		return content.Preview{}, ss.refuse(err)
	}
	if err := ss.conn.speaker(p).Check(begin); err != nil {
		ss.s.metrics.refused.WithLabelValues("speaker").Inc()
		ss.noteRefused(err)
		return content.Preview{}, err
	}
	if forgets(begin) {
		return content.Preview{}, ss.drop(body)
	}
	w, err := ss.s.store.Begin(ctx, store.Meta{
		Recipient: p.Recipient, Sender: p.Sender, ConnectionID: ss.conn.id,
		MessageID: m.MessageID, ContentType: m.ContentType, SuccessReport: m.SuccessReport,
		SenderName: ss.conn.senderName(), File: file, Received: time.Now(),
	})
	if err != nil {
		return content.Preview{}, ss.refuse(err)
	}
	from, release := ss.memory(p)
	defer release()
	held := memory.NewWriter(w, from)
	defer held.Free()
	n, err := io.Copy(held, body)
	if err != nil {
		w.Abort()
		return content.Preview{}, ss.refuse(err)
	}
	began := time.Now()
	if err := ss.commitInOrder(ctx, m, w, p, held); err != nil {
		return content.Preview{}, ss.refuse(err)
	}
	ss.s.metrics.commit.Observe(time.Since(began).Seconds())
	ss.log.Debug("message stored", "to", p.Recipient, "from", p.Sender, "message", m.MessageID, "bytes", n)
	ss.conn.tally.stored.Add(1)
	ss.conn.tally.storedBytes.Add(n)
	ss.tellStored(m.Session, begin.Asked)
	if ss.conn.toStore() {
		ss.s.notices.arrived(p, ss.conn.id)
	}
	return begin, nil
}

// memory is what a message is taken from while it is received: what the session has, or
// of a reply what its sender has.
func (ss *storeSession) memory(p store.Pair) (b *msrp.Budget, release func()) {
	if b := ss.conn.memory; b != nil {
		return b, func() {}
	}
	return ss.s.memory.Sender(p.Sender)
}

// drop reads a message and forgets it. Its sender gets 200, and has no use for
// more.
func (ss *storeSession) drop(body io.Reader) error {
	ss.s.metrics.dropped.Inc()
	_, err := io.Copy(io.Discard, body)
	return err
}

// hold waits for RestoreMsg. Meanwhile nothing is read from the message, so
// the sender is held back by its own TCP connection and its window of
// unanswered chunks.
func (ss *storeSession) hold(ctx context.Context) (store.Pair, error) {
	if p, ok := ss.conn.restoredPair(); ok {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, ss.s.cfg.Hold)
	defer cancel()
	p, err := ss.conn.waitPair(ctx)
	if err != nil {
		ss.noteRefused(err)
		return store.Pair{}, &msrp.StatusError{Code: 403, Reason: "Not Ready For Messages"}
	}
	return p, nil
}

// noteRefused has the line about the session tell of a refused message.
func (ss *storeSession) noteRefused(err error) {
	ss.conn.tally.refused.Add(1)
	ss.conn.tally.fail(err)
	ss.log.Debug("message refused", "err", err)
}

// refuse turns the reason why a message was not kept into the response that
// its sender gets.
func (ss *storeSession) refuse(err error) error {
	var status *msrp.StatusError
	if errors.As(err, &status) {
		if status == memory.ErrNoMemory {
			ss.s.metrics.refused.WithLabelValues("memory").Inc()
			ss.noteRefused(err)
		}
		if status.Code == 408 {
			ss.s.metrics.refused.WithLabelValues("store").Inc()
			ss.noteRefused(err)
		}
		return err
	}
	if errors.Is(err, msrp.ErrAborted) {
		return err
	}
	var limit *store.LimitError
	if errors.As(err, &limit) {
		ss.s.metrics.refused.WithLabelValues(string(limit.Limit)).Inc()
		ss.noteRefused(err)
		if limit.Limit == store.LimitBody {
			return &msrp.StatusError{Code: 413, Reason: "Message Too Large"}
		}
		return &msrp.StatusError{Code: 403, Reason: "Over The Limit For " + string(limit.Limit)}
	}
	ss.s.metrics.refused.WithLabelValues("store").Inc()
	if errors.Is(err, context.Canceled) || errors.Is(err, msrp.ErrClosed) { // before it was handed to the committer
		ss.noteRefused(err)
		return errInTime
	}
	if errors.Is(err, store.ErrUnknown) {
		ss.log.Error("it is not known whether a message was stored", "err", err)
		return errUnknown
	}
	ss.conn.tally.refused.Add(1)
	ss.log.Error("message not stored", "err", err)
	return &msrp.StatusError{Code: 403, Reason: "Cannot Store Message"}
}
